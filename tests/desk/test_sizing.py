"""`manage.py sizing`: counted by hand beside it."""

from collections.abc import Sized
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from survey_site.desk import sizing
from survey_site.stimuli.models import PrecomputeJob, SaliencyMap, Stimulus
from survey_site.trials.models import Response
from tests import factories
from tests.trials.player import begin, play

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_it_says_what_participants_and_images_take(media: Path, client: Client) -> None:
    factories.live()
    for _ in range(2):
        play(client, begin(client, "test"))
    found = {one.what: one for one in sizing.sizes()}
    assert found["answers of a participant"].value == Response.objects.count() / 2
    files = [
        (media / path).stat().st_size for path in Stimulus.objects.values_list("path", flat=True) if path
    ]
    assert found["file of an image"].value == pytest.approx(sum(files) / len(files) / 1e3)
    tables = sizing.table_bytes(["trials_response", "trials_participant"])
    assert min(tables.values()) >= (8192 if connection.vendor == "postgresql" else 512)
    total = sum(sizing.table_bytes(sizing.names_of(sizing.PEOPLE)).values())
    assert found["database, of 1,000 participants"].value == pytest.approx(total / 2 * 1000 / 1e9)


def test_pauses_are_no_work() -> None:
    minutes = (0, 1, 2, 60, 61)
    hours, ended = sizing.busy_hours([NOON + timedelta(minutes=m) for m in minutes])
    assert (hours, ended) == (pytest.approx(3 / 60), 3)
    assert sizing.busy_hours([]) == (0, 0)


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_the_times_of_jobs_are_gone_through_and_not_held_together(monkeypatch: pytest.MonkeyPatch) -> None:
    study = factories.draft()
    finished = [
        PrecomputeJob(
            stimulus=image, classifier="a", methods=[], state="done", finished_at=NOON + timedelta(minutes=n)
        )
        for n, image in enumerate(study.stimuli.all())
    ]
    PrecomputeJob.objects.bulk_create(finished)
    given: list[object] = []
    counted = sizing.busy_hours
    monkeypatch.setattr(sizing, "busy_hours", lambda times: given.append(times) or counted(times))
    pace = next(one for one in sizing.sizes() if one.what.startswith("maps an hour"))
    maps, pauses = SaliencyMap.objects.count(), len(finished) - 1
    assert (pace.value, pace.of) == (pytest.approx(maps * pauses / len(finished) / (pauses / 60)), pauses)
    assert not isinstance(given[0], Sized)


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_an_empty_site_says_that_there_is_nothing_to_measure() -> None:
    out = StringIO()
    call_command("sizing", stdout=out)
    assert "nothing to measure" in out.getvalue()
