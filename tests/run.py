"""`make test`: everything on SQLite and files, then all that touches the database on PostgreSQL and Redis.

The closing line adds both runs up. Further arguments go to pytest (`python -m tests.run -k upload`).
"""

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence

from tests import isolation, servers

# What a developer has in the environment must not steer the first run, which proves the defaults.
OURS = (
    "DATABASE_URL",
    "CELERY_BROKER_URL",
    "CACHE_URL",
    "STORAGE_URL",
    "SECRET_KEY",
    "DEBUG",
    "ALLOWED_HOSTS",
    "DATA_DIR",
    "SALIENCY_METHODS",
    "STUDY_TASKS",
)
# Redis has two databases for each; each takes up to 2 GB where tests load TensorFlow.
MOST_WORKERS = 8
SUMMARY = re.compile(r"(\d+) (passed|failed|skipped|errors?)\b")


def main(arguments: Sequence[str]) -> int:
    slow = "--slow" in arguments
    rest = [argument for argument in arguments if argument != "--slow"]
    servers.install(["initdb", "redis-server", "chromium", "nginx"])
    clean = {name: value for name, value in os.environ.items() if name not in OURS}
    clean |= {"TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONWARNINGS": "default"}
    chosen = "slow" if slow else "not slow"
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="survey-") as folder:
        if clean.pop("PYTHONDONTWRITEBYTECODE", ""):
            # Dozens of processes import TensorFlow and Django: without any bytecode each compiles them anew.
            clean["PYTHONPYCACHEPREFIX"] = f"{sys.prefix}/bytecode"  # for the next run too
        status = run("SQLite", ["-m", chosen, *rest], {**clean, "DATA_DIR": f"{folder}/sqlite"}, total)
        with servers.postgres() as database, servers.redis() as broker:
            real = {
                "DATA_DIR": f"{folder}/postgres",
                "DATABASE_URL": database,
                "CELERY_BROKER_URL": broker,
                "CACHE_URL": broker.removesuffix("/0") + "/1",
            }
            arguments = ["-m", f"({chosen}) and database", *rest]
            status |= run("PostgreSQL and Redis", arguments, {**clean, **real}, total)
    failed = total["failed"] + total["error"] + total["errors"]
    print(f"{total['passed']} passed, {failed} failed, {total['skipped']} skipped", flush=True)
    return status or int(failed > 0)


def workers() -> int:
    """Processes of one run, none besides pytest's own for one: TEST_WORKERS, or one more than CPUs up to a sensible number.

    The one more works while another waits for its browser, server or worker process.
    """
    wanted = int(os.environ.get("TEST_WORKERS") or min(isolation.cores() + 1, MOST_WORKERS))
    return wanted if wanted > 1 else 0


def run(title: str, arguments: list[str], environment: Mapping[str, str], total: Counter[str]) -> int:
    """One pytest run, shown as it goes; adds its counts to `total`. Selecting no test is not a failure."""
    print(f"\n── {title} ──", flush=True)
    command = [sys.executable, "-m", "pytest", "-n", str(workers()), "--dist", "worksteal", *arguments]
    with subprocess.Popen(command, env=dict(environment), stdout=subprocess.PIPE, text=True) as process:
        last = ""
        for line in process.stdout or ():
            print(line, end="", flush=True)
            if SUMMARY.search(line) and " in " in line:
                last = line
    for number, what in SUMMARY.findall(last):
        total[what] += int(number)
    if not last and process.returncode not in (0, 5):
        print(f"\npytest ended without a result, with status {process.returncode}", flush=True)
    return 0 if process.returncode in (0, 5) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
