"""manage.py demo: database, demo study, maps, web and worker on one machine; ^C ends all."""

import os
import secrets
import signal
import time
from argparse import ArgumentParser
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db.migrations.exceptions import InconsistentMigrationHistory

from saliency_worker import catalog, fixture_files
from survey_site.demo import study as demo_study
from survey_site.demo.processes import Processes, server_arguments
from survey_site.protocols import freeze, masking, observed
from survey_site.stimuli import jobs
from survey_site.stimuli.models import PrecomputeJob
from survey_site.stimuli.observed import ObserverJob
from survey_site.stimuli.progress_bar import wait_for_maps
from survey_site.studies.models import Study

REPLAY = fixture_files.FOLDER / "feature_cam_table_1"


class Command(BaseCommand):
    help = "Runs the whole product on this machine with the demo study. PORT selects the port (8000)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-serve", action="store_true", help="prepare the study, then end")
        parser.add_argument("--classifier", default="demo-cnn")
        parser.add_argument("--edges", default="hed", choices=catalog.EDGE_MODELS)
        parser.add_argument(
            "--port", default=os.environ.get("PORT", "8000"), help="port of the web server (PORT)"
        )

    def handle(self, **options: Any) -> None:
        signal.signal(signal.SIGTERM, _interrupt)
        signal.signal(signal.SIGINT, _interrupt)  # a shell's background job would ignore it
        if not str(options["port"]).isdecimal() or not 0 < int(options["port"]) < 65536:
            raise CommandError(f"PORT={options['port']!r} is no port; write a number such as 8000")
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
        try:
            call_command("migrate", verbosity=0)
        except InconsistentMigrationHistory as error:
            raise CommandError(
                f"{settings.DATA_DIR} holds the demo data of an earlier checkout, which cannot be brought up to date; "
                "delete that folder (`make clean`) and start again"
            ) from error
        call_command("collectstatic", verbosity=0, interactive=False)
        password = admin_password(settings.DATA_DIR / "admin_password")
        demo_study.ensure_admin(password)
        site = {"SITE_URL": os.environ.get("SITE_URL", f"http://localhost:{options['port']}")}
        processes = Processes(settings.DATA_DIR / "log", {"TF_CPP_MIN_LOG_LEVEL": "2", **site})
        try:
            self.prepare(processes, options)
            if not options["no_serve"]:
                self.serve(processes, int(options["port"]), password)
        except KeyboardInterrupt:
            self.stdout.write("\nStopping …")
        finally:
            processes.stop()

    def prepare(self, processes: Processes, options: dict[str, Any]) -> None:
        """Loads the study, computes what is missing, opens it."""
        try:
            study = demo_study.load(options["classifier"], options["edges"])
        except demo_study.DemoUnavailable as error:
            raise CommandError(str(error)) from error
        processes.start("worker", ["-m", "saliency_worker", "worker"])
        processes.start(
            "reports",
            ["-m", "celery", "-A", "survey_site", "worker", "-Q", "reports", "-P", "solo", "-l", "info"],
        )
        if study.state == Study.State.DRAFT:
            jobs.retry_failed(study)
            jobs.request(study)
            self.stdout.write(f"Computing the saliency maps of {study.stimuli.count()} images …")
            wait_for_maps(study, alive=lambda: self.watch(processes))
            if reason := failure(study):
                raise CommandError(f"the maps could not be computed: {reason}")
            self.try_observers(processes, study)
            freeze.go_live(study)
            masking.open_names(study, None, "the demo shows its own")
        if REPLAY.is_dir() and not Study.objects.filter(slug=REPLAY.name.replace("_", "-")).exists():
            call_command("import_study", str(REPLAY), verbosity=0)

    def try_observers(self, processes: Processes, study: Study) -> None:
        """What programs find out from the pictures; the report shows it beside people. A demo without it is one too."""
        job = observed.request(study)
        while job.state in (ObserverJob.State.QUEUED, ObserverJob.State.RUNNING):
            self.watch(processes)
            time.sleep(0.2)
            job.refresh_from_db()
        if job.state == ObserverJob.State.FAILED:
            self.stderr.write(f"the synthetic observers could not be tried: {job.reason}")

    def watch(self, processes: Processes) -> None:
        """Ends the demo with the reason when one of its processes ended."""
        if name := processes.dead():
            log = processes.log(name)
            last = log.read_text("utf-8", "replace").strip().splitlines()[-1:]
            raise CommandError(f"the {name} process ended ({' '.join(last)}); see {log}")

    def serve(self, processes: Processes, port: int, password: str) -> None:
        """Starts the web server, says where everything is, and waits for ^C."""
        address = f"http://localhost:{port}"
        processes.start("web", server_arguments(port))
        for _ in range(300):
            self.watch(processes)
            if answers(f"{address}/healthz"):
                break
            time.sleep(0.1)
        else:
            raise CommandError(f"the web server does not answer; see {processes.log('web')}")
        self.stdout.write(
            f"\n  Take part   {address}/s/demo/\n"
            f"  Report      {address}/reports/demo/\n"
            f"  Replay      {address}/reports/feature-cam-table-1/\n"
            f"  Admin       {address}/admin/   user: admin   password: {password}\n"
            f"\n  ^C stops everything. Data: {settings.DATA_DIR}\n"
        )
        self.stdout.flush()
        while True:
            self.watch(processes)
            time.sleep(1)


def failure(study: Study) -> str:
    """Why maps are missing, in the words of the first failed job; empty when none failed."""
    job = PrecomputeJob.objects.filter(stimulus__study=study, state=PrecomputeJob.State.FAILED).first()
    return job.reason if job else ""


def admin_password(file: Path) -> str:
    """The password made at the first run and kept, readable by its owner only."""
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(9))
    return file.read_text().strip()


def answers(url: str) -> bool:
    """Whether a GET of the address succeeds."""
    try:
        # A proxy of the environment is for other machines, not for this one.
        with build_opener(ProxyHandler({})).open(url, timeout=2) as response:
            return bool(response.status == 200)
    except (URLError, OSError):
        return False


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
