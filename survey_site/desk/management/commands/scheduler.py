"""manage.py scheduler: what a site does again and again, until SIGTERM or ^C."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import close_old_connections, connections
from django.utils import timezone
from prometheus_client import start_http_server

from survey_site.desk import schedule


class Command(BaseCommand):
    help = (
        "Sweeps the queues, looks for notifications, erases identifiers on their day, forgets ended sessions, and makes "
        "a daily backup where BACKUP_DIR names a folder. Runs until it is stopped; one for a site."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="everything that is due, then end")

    def handle(self, **options: Any) -> None:
        planned, backups = schedule.of_the_site(), schedule.of_backups()
        if options["once"]:
            for name in [*planned.run_due(timezone.now()), *backups.run_due(timezone.now())]:
                self.stdout.write(name)
            return
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        if settings.METRICS_PORT:
            start_http_server(settings.METRICS_PORT, settings.METRICS_ADDRESS)
        self.stdout.write("The scheduler is ready.")
        self.stdout.flush()
        apart = threading.Thread(target=_run, args=(backups, stopping), name="backups")
        apart.start()
        _run(planned, stopping)
        apart.join()  # what has begun is ended


def _run(planned: schedule.Schedule, stopping: threading.Event) -> None:
    while not stopping.wait(1):
        close_old_connections()  # one that broke is made anew
        planned.run_due(timezone.now())
    connections.close_all()
