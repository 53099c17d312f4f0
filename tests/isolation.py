"""Gives every pytest process a data folder, Redis numbers and cores of its own; loaded by pyproject.toml's `addopts`.

Plugins named there are imported before pytest-django imports survey_site.settings, which reads the environment
once; a conftest.py would come too late.
"""

import os
import shutil
import tempfile
from urllib.parse import urlsplit

REDIS = ("CELERY_BROKER_URL", "CACHE_URL")
THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def cores() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def isolate(worker: str, workers: int) -> None:
    """Points a worker of pytest-xdist (`gw0`, `gw1` …) at places that no other worker uses."""
    os.environ["DATA_DIR"] += f"/{worker}"
    number = int(worker.removeprefix("gw"))
    for name in REDIS:
        url = urlsplit(os.environ.get(name, ""))
        if url.scheme in ("redis", "rediss"):
            database = int(url.path.strip("/") or 0) + len(REDIS) * number
            os.environ[name] = url._replace(path=f"/{database}").geturl()
    # As many threads as cores in each worker would mostly wait for each other, and spin while they wait.
    for name in THREADS:
        os.environ.setdefault(name, str(max(cores() // workers, 1)))


# A bare `pytest` must not touch the developer's data folder.
_made = "" if "DATA_DIR" in os.environ else tempfile.mkdtemp(prefix="survey-tests-")
os.environ.setdefault("DATA_DIR", _made)
if "PYTEST_XDIST_WORKER" in os.environ:
    isolate(os.environ["PYTEST_XDIST_WORKER"], int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))


def pytest_unconfigure() -> None:
    if _made:
        shutil.rmtree(_made, ignore_errors=True)
