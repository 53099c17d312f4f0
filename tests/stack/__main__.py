"""`make stack`: what docker-compose.yml runs, as ordinary processes on free ports of the loopback address.

nginx before two web programs, PostgreSQL, Redis with its users, an object store that speaks S3, a saliency worker and a
reports worker, until ^C. What other commands need to reach it stands in the file `environment` of its folder:

    set -a; . .stack/environment; set +a; .venv/bin/python manage.py createsuperuser
"""

import argparse
import shlex
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from tests import servers
from tests.stack.part import ROOT
from tests.stack.stack import Stack


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.stack",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--folder", type=Path, default=ROOT / ".stack", help="data, logs, environment")
    parser.add_argument(
        "--files", action="store_true", help="files in the folder instead of the object store"
    )
    options = parser.parse_args(arguments)
    servers.install(["initdb", "redis-server", "nginx"])
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    print("Starting …", flush=True)
    with Stack(options.folder, webs=2, processes=1, front=True, objects=not options.files) as stack:
        lines = [f"{name}={shlex.quote(value)}\n" for name, value in stack.environment.items()]
        environment = options.folder / "environment"
        environment.touch(mode=0o600)
        environment.write_text("".join(lines), "utf-8")
        print(f"\n  {stack.url}/admin/\n")
        for part in stack.parts():
            assert part.process
            print(f"  {part.name:14} process {part.process.pid:<8} {part.log}")
        print(f"\n  Variables for manage.py: {environment}. ^C stops everything.", flush=True)
        while not over.wait(1):
            if ended := [part.name for part in stack.parts() if not part.is_running()]:
                print(f"{', '.join(ended)} ended; see the logs", file=sys.stderr)
                return 1
        print("Stopping …", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
