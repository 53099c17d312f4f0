"""What is asked while a study collects, and before a condition goes, is found by an index and not by reading the table."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from survey_site.studies.models import Condition, Study
from survey_site.trials.models import Participant, Response, Trial
from survey_site.trials.start_rate import recent_starts
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
ROWS = 500


def plan(table: str, ask: Callable[[], object]) -> str:
    """How the database finds the rows of a table that is read once in what is asked."""
    with CaptureQueriesContext(connection) as captured:
        ask()
    (query,) = [
        one["sql"] for one in captured if one["sql"].startswith("SELECT") and f'FROM "{table}"' in one["sql"]
    ]
    explain = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"ANALYZE {table}")
            # The few rows of a test are cheaper to read whole; forbidden that, the planner shows what it can do.
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(explain + query.replace("%", "%%"))
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def test_how_many_began_just_now_is_counted_without_those_of_before() -> None:
    study, now = factories.live(), timezone.now()
    protocol = study.protocols.get()
    Participant.objects.bulk_create(
        Participant(study=study, protocol=protocol, consented_at=now - timedelta(days=1, seconds=number))
        for number in range(ROWS)
    )
    assert "participant_starts" in plan("trials_participant", lambda: recent_starts(study, now))


def test_a_condition_goes_without_a_look_at_all_answers() -> None:
    study = factories.live()
    who = Participant.objects.create(study=study, protocol=study.protocols.get())
    shown, image = study.conditions.first(), study.stimuli.first()
    trials = Trial.objects.bulk_create(
        Trial(
            participant=who, position=number, block="rating", task="rating", condition=shown, stimulus=image
        )
        for number in range(ROWS)
    )
    Response.objects.bulk_create(Response(trial=trial, missing="skipped") for trial in trials)
    other = Study.objects.create(slug="other", title="Other")
    Condition.objects.create(study=other, column="One", column_order=0, classifier="c", base="gradcam")
    assert "response_condition" in plan("trials_response", other.conditions.all().delete)
    assert not other.conditions.exists()
