"""One study worked off by 1, 2 and 4 worker processes of two hosts (two data folders): maps per second, and nothing twice.

python -m benchmarks workers                              a private PostgreSQL, Redis and folder of files
python -m benchmarks workers --images 200 --processes 1 2 4

The classifier is tiny, so that what queue, database and storage cost is not hidden behind the network; beside it stands the
engine alone on the same images, without any of them. `--classifier MobileNetV2` says what a real network makes of it.
Status 1 where a map was computed twice or is missing.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.load_site import Spent
from tests import servers

ROOT = Path(__file__).resolve().parent.parent
HOSTS = 2
PATIENCE_S = 600


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=96)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument(
        "--classifier", default="", help="of the catalogue, with its weights (default: a tiny one)"
    )
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="workers-") as name,
        servers.postgres(servers.PLAIN) as database,
        servers.redis() as broker,
    ):
        os.environ |= {
            "DATABASE_URL": database,
            "CELERY_BROKER_URL": broker,
            "CACHE_URL": broker.removesuffix("/0") + "/1",
            "STORAGE_URL": f"file://{name}/media",
            "DATA_DIR": f"{name}/client",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "DJANGO_SETTINGS_MODULE": "survey_site.settings",
        }
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        return measured(Path(name), options.classifier, options.images, options.processes)


def measured(folder: Path, classifier: str, images: int, processes: list[int]) -> int:
    """Prints a line for the engine alone and one for each number of processes; returns the status."""
    from survey_site.stimuli.jobs import request
    from tests.worker.study import tiny_study
    from tests.worker.tiny import tiny_classifier

    name = classifier or tiny_classifier(folder)
    print(
        f"load of the machine before: {os.getloadavg()[0]:.1f}; {images} images, {classifier or 'a tiny classifier'}"
    )
    wrong = 0
    for number in processes:
        study = tiny_study(name, images, slug=f"by-{number}")
        if number == processes[0]:
            alone = engine_alone(study)
            print(f"{'the engine alone':20}{alone:8.1f} maps/s")
        with workers(folder, number) as pids:
            before = Spent.now(*pids)
            began = time.monotonic()
            request(study)
            finished = wait(study, images)
            seconds, after = finished - began, Spent.now(*pids)
        maps, twice, missing = outcome(study)
        wrong += twice + missing
        spent = 1000 * ((after.database or 0) - (before.database or 0)) / images
        print(
            f"{f'{number} processes':20}{maps / seconds:8.1f} maps/s  {maps / seconds / alone:5.2f} of the engine alone  "
            f"computed twice: {twice}  missing: {missing}  database {spent:.1f} ms CPU/image"
        )
    return int(wrong > 0)


def engine_alone(study: object) -> float:
    """Maps per second of the same jobs in this process, without queue, database and storage."""
    from saliency_worker import store
    from survey_site.stimuli.jobs import job_settings, methods_by_classifier
    from survey_site.stimuli.models import PrecomputeJob
    from survey_site.studies.models import Study

    assert isinstance(study, Study)
    ((name, keys),) = methods_by_classifier(study).items()
    group = [
        PrecomputeJob(stimulus=image, classifier=name, methods=list(keys), settings=job_settings(study, keys))
        for image in study.stimuli.all()
    ]
    explainer = store.explainer(group[0])
    pictures = list(store.images(group, explainer))
    list(explainer.explain(iter(pictures[:2])))  # traced before the clock starts
    began = time.monotonic()
    made = sum(len(one.maps) for one in explainer.explain(iter(pictures)))
    return made / (time.monotonic() - began)


@contextlib.contextmanager
def workers(folder: Path, number: int) -> Iterator[list[int]]:
    """So many worker processes, ready, spread over the data folders of two hosts."""
    from survey_site.celery import app

    running = []
    try:
        for index in range(number):
            environment = os.environ | {"DATA_DIR": f"{folder}/host-{index % HOSTS}"}
            command = [sys.executable, "-m", "saliency_worker", "worker", "--loglevel", "warning"]
            running.append(subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL))
        end = time.monotonic() + PATIENCE_S
        while len(app.control.broadcast("ping", reply=True, timeout=1) or []) < number:
            if time.monotonic() > end:
                raise TimeoutError("the workers did not come up")
        yield [process.pid for process in running]
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(60)


def wait(study: object, images: int) -> float:
    """Until all jobs are done; when that was."""
    from survey_site.stimuli.models import PrecomputeJob

    end = time.monotonic() + PATIENCE_S
    jobs = PrecomputeJob.objects.filter(stimulus__study=study)
    while jobs.filter(state=PrecomputeJob.State.DONE).count() < images:
        if time.monotonic() > end or jobs.filter(state=PrecomputeJob.State.FAILED).exists():
            raise RuntimeError(f"not done: {list(jobs.exclude(state='done').values('state', 'reason')[:3])}")
        time.sleep(0.05)
    return time.monotonic()


def outcome(study: object) -> tuple[int, int, int]:
    """Maps that are there, jobs that were begun more than once, and maps that are missing."""
    from django.db.models import F, Sum

    from survey_site.stimuli.jobs import missing_maps
    from survey_site.stimuli.models import PrecomputeJob, SaliencyMap
    from survey_site.studies.models import Study

    assert isinstance(study, Study)
    again = PrecomputeJob.objects.filter(stimulus__study=study).aggregate(n=Sum(F("attempts") - 1))["n"]
    return SaliencyMap.objects.filter(stimulus__study=study).count(), again or 0, len(missing_maps(study))


if __name__ == "__main__":
    sys.exit(main())
