"""`make test-faults`: what is lost, and what is there twice, when parts of the running site are killed, filled or cut off.

python -m tests.faults                       every fault, one after the other
python -m tests.faults --only redis web      those whose names hold one of these
python -m tests.faults --front               through nginx, as on a server
python -m tests.faults --objects             those of an object store alone, which come last otherwise

The processes are real (tests/stack), the participants are those of benchmarks/load.py with the patience of the page's
script. Status 1 where an acknowledged answer or a map was lost, is there twice, or did not come back in time.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import django

from tests import servers
from tests.faults.gate import Gate
from tests.stack import programs
from tests.stack.disk import Disk
from tests.stack.stack import Stack

# Enough for the suite, and soon full.
DATABASE_MB, FILES_MB = 400, 64
SMALL_LOG = {"max_wal_size": "64MB", "min_wal_size": "32MB"}
NEEDED = ["initdb", "redis-server", "nginx", "faketime"]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", default=[""], metavar="WORD", help="of a fault's name")
    parser.add_argument("--front", action="store_true", help="with nginx before the site")
    parser.add_argument("--objects", action="store_true", help="with an object store, and its faults alone")
    parser.add_argument("--no-disks", action="store_true", help="mount none, as where this is not allowed")
    parser.add_argument("--keep-logs", type=Path, help="where the programs' logs are copied to")
    options = parser.parse_args(arguments)
    servers.install(NEEDED)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="survey-faults-") as name:
        folder = Path(name)
        disks = {
            "postgres": Disk(folder / "postgres", DATABASE_MB),
            "media": Disk(folder / "media", FILES_MB),
        }
        try:
            clean = _with_objects(folder, options) if options.objects else _in(folder, disks, options)
        finally:
            for disk in disks.values():
                disk.close()
    if options.only == [""] and not options.objects and not options.front:
        # Another storage is another site: settings are read once.
        clean = (
            not subprocess.run([sys.executable, "-m", "tests.faults", "--objects"], check=False).returncode
            and clean
        )
    print(f"\n{time.monotonic() - began:.0f} s on {os.cpu_count()} cores, Python {platform.python_version()}")
    return int(not clean)


def _in(folder: Path, disks: dict[str, Disk], options: argparse.Namespace) -> bool:
    """Starts everything in the folder and strikes; whether nothing was lost or doubled."""
    variables = {"STORAGE_URL": f"file://{folder}/media/files"}
    if options.front:  # which sends what lies in the data folder
        (folder / "site").mkdir(parents=True, exist_ok=True)
        (folder / "site" / "media").symlink_to(folder / "media" / "files")
    stack = Stack(folder, front=options.front, postgres=SMALL_LOG, variables=variables)
    mounted = {name: disk for name, disk in disks.items() if disk.mounted and not options.no_disks}
    return _strike(stack, mounted, options, None)


def _with_objects(folder: Path, options: argparse.Namespace) -> bool:
    """The same with an object store behind a gate."""
    with Gate() as gate:
        url = f"s3://{programs.BUCKET}/media?endpoint={gate.url}&region=us-east-1"
        stack = Stack(folder, objects=True, postgres=SMALL_LOG, variables={"STORAGE_URL": url})
        assert stack.objects
        gate.behind = int(stack.objects.command[-1])
        return _strike(stack, {}, options, gate)


def _strike(stack: Stack, disks: dict[str, Disk], options: argparse.Namespace, gate: Gate | None) -> bool:
    with stack:
        os.environ.update(stack.environment)
        django.setup()
        # Models can be imported only now.
        from tests.faults.suite import strike_all

        try:
            return strike_all(stack, disks, options.only, gate)
        finally:
            if options.keep_logs:
                options.keep_logs.mkdir(parents=True, exist_ok=True)
                for log in (stack.folder / "log").glob("*.log"):
                    (options.keep_logs / log.name).write_bytes(log.read_bytes())


if __name__ == "__main__":
    sys.exit(main())
