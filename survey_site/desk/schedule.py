"""What a site does again and again without being asked. Workers look at the rows too; one more look does no harm."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command

from survey_site.notifications import outbox, retention, storms
from survey_site.reports import looks, prepared_files
from survey_site.stimuli import leased_rows
from survey_site.stimuli.models import JOB_KINDS, OwnModel
from survey_site.stimuli.observed import ObserverJob

logger = logging.getLogger(__name__)
DAY = timedelta(days=1)
BACKUPS = "saliency-survey-*.tar*"


@dataclass(frozen=True, slots=True)
class Recurring:
    """work is done when the scheduler starts and every so often, if it is due. due: always, by default."""

    name: str
    every: timedelta
    work: Callable[[], object]
    due: Callable[[datetime], bool] = field(default=lambda now: True)


class Schedule:
    """Keeps when each was last tried. What fails is logged, keeps no other from its turn, and is tried at its next turn."""

    def __init__(self, recurring: Sequence[Recurring]) -> None:
        self._next: dict[Recurring, datetime] = dict.fromkeys(recurring, datetime.min)

    def run_due(self, now: datetime) -> list[str]:
        """Does what is due; returns the names."""
        turn = [one for one, at in self._next.items() if at.replace(tzinfo=now.tzinfo) <= now]
        done = []
        for one in turn:
            self._next[one] = now + one.every
            try:
                if one.due(now):
                    one.work()
                    done.append(one.name)
            except Exception:
                logger.exception("%s failed; it is tried again in %s", one.name, one.every)
        return done


def of_the_site() -> Schedule:
    """Everything that recurs here, but for backups."""
    return Schedule(
        [
            Recurring("the sweep of the jobs", timedelta(seconds=10), _sweep),
            Recurring("looking for notifications", timedelta(seconds=15), _notify),
            Recurring("the sweep of due looks", timedelta(seconds=looks.SWEEP_SECONDS), looks.sweep),
            Recurring("the sweep of prepared files", timedelta(minutes=5), prepared_files.sweep),
            Recurring("erasing identifiers", timedelta(minutes=5), retention.look),
            Recurring("forgetting ended sessions", DAY, lambda: call_command("clearsessions")),
        ]
    )


def of_backups() -> Schedule:
    """Apart, since a large site's takes as long as many turns of the others."""
    return Schedule([Recurring("the backup", timedelta(minutes=10), back_up, backup_is_due)])


def _sweep() -> None:
    leased_rows.sweep((*JOB_KINDS, OwnModel, ObserverJob))


def _notify() -> None:
    outbox.look()
    outbox.sweep()
    storms.tell_of_storms()


def backups() -> list[Path]:
    """The backups in BACKUP_DIR, the newest first."""
    folder = Path(settings.BACKUP_DIR)
    return sorted(folder.glob(BACKUPS), key=lambda file: file.stat().st_mtime, reverse=True)


def backup_is_due(now: datetime) -> bool:
    """Where a folder is named, once in a day; a scheduler that starts anew looks at the files that are there.

    A site without any account holds nothing yet, and may be about to take a backup in.
    """
    if not settings.BACKUP_DIR or not get_user_model().objects.exists():
        return False
    newest = next(iter(backups()), None)
    return newest is None or now.timestamp() - newest.stat().st_mtime >= DAY.total_seconds()


def back_up() -> None:
    """Makes one more, and only then removes the oldest beyond BACKUP_KEEP."""
    Path(settings.BACKUP_DIR).mkdir(parents=True, exist_ok=True)
    in_a_bucket = settings.STORAGES["default"]["BACKEND"].endswith("S3Storage")
    call_command(
        "backup", settings.BACKUP_DIR, encrypt_to=settings.BACKUP_ENCRYPT_TO, without_media=in_a_bucket
    )
    for file in backups()[settings.BACKUP_KEEP :]:
        file.unlink()
