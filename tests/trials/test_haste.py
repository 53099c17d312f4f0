"""Whoever is faster than the study declares to be possible is held back at the door, and gets no completion code."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from survey_site.protocols.document import assessment_of
from survey_site.recruitment.models import Recruitment
from survey_site.statistics.plan import AnalysisPlan
from survey_site.trials.haste import too_fast
from survey_site.trials.models import Participant, Ticket
from survey_site.trials.outcomes import outcomes
from tests import factories
from tests.trials.player import Form, begin, fill

PID = "5f0c9a1b2c3d4e5f60718293"


@pytest.mark.parametrize(
    ("seconds", "times", "rules", "expected"),
    [
        (1.3, [], {}, False),
        (1.3, [], {"finish_min_s": 60}, True),
        (60.0, [], {"finish_min_s": 60}, False),
        (900.0, [100, 100, 9000, 9000], {"finish_fast_share": 0.25}, True),
        (900.0, [100, 9000, 9000, 9000], {"finish_fast_share": 0.25}, False),
        (900.0, [None, None, None, 100], {"finish_fast_share": 0.25}, False),
        (900.0, [700, 700], {"finish_fast_share": 0.0, "rt_min_ms": 800}, True),
        (900.0, [100, 100], {"finish_fast_share": 0.0, "rt_min_ms": None}, False),
        (900.0, [], {"finish_fast_share": 0.0}, False),
        (1.0, [1], {"finish_min_s": None, "finish_fast_share": None, "failed_checks": 1}, False),
    ],
)
def test_the_rule(seconds: float, times: list[float | None], rules: dict[str, Any], expected: bool) -> None:
    assert too_fast(seconds, times, rules) is expected


def finished(
    client: Client, rules: dict[str, Any], minutes_ago: float = 0, rt_ms: str = "", **codes: str
) -> str:
    """A participant of Prolific who began so long ago; the last page as they see it."""
    study = factories.live(exclusion_rules=rules)
    Recruitment.objects.create(study=study, provider="prolific", completed_code="DONE", **codes)
    address = begin(client, "test", f"?PROLIFIC_PID={PID}")
    began = timezone.now() - timedelta(minutes=minutes_ago)
    Participant.objects.update(consented_at=began)
    form = Form(client.get(address).content.decode())
    while form.forms:
        sent = fill(form) | ({"rt_ms": rt_ms} if rt_ms else {})
        assert client.post(address, sent).status_code == 303
        page = client.get(address).content.decode()
        form = Form(page)
    return page


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_a_script_that_finishes_in_seconds_gets_no_completion_code(client: Client) -> None:
    page = finished(client, {"finish_min_s": 120})
    assert "DONE" not in page and "You were faster" in page
    person = Participant.objects.get()
    assert (person.state, person.excluded, person.exclusion_reason) == ("finished", True, "too_fast")
    assert Ticket.objects.get().state == Ticket.State.RELEASED
    assert [one.outcome for one in outcomes(person.study, "prolific")] == ["too_fast"]


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_a_code_of_its_own_is_shown_where_the_study_has_one(client: Client) -> None:
    page = finished(client, {"finish_min_s": 120}, too_fast_code="FAST")
    assert "cc=FAST" in page and "DONE" not in page


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_who_takes_long_enough_completes(client: Client) -> None:
    page = finished(client, {"finish_min_s": 120, "finish_fast_share": 0.5}, minutes_ago=3, rt_ms="2500")
    assert "cc=DONE" in page and not Participant.objects.get().excluded


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
@pytest.mark.parametrize("rt_ms", ["120", ""])
def test_answers_too_fast_to_have_looked_are_held_back_with_and_without_javascript(
    client: Client, rt_ms: str
) -> None:
    rules = {"finish_fast_share": 0.25, "rt_min_ms": 60_000}
    page = finished(client, rules, minutes_ago=30, rt_ms=rt_ms)
    assert "DONE" not in page and Participant.objects.get().exclusion_reason == "too_fast"


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_without_a_declared_rule_nobody_is_too_fast(client: Client) -> None:
    assert "cc=DONE" in finished(client, {})


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
@pytest.mark.parametrize(
    "rules",
    [{"finish_min_s": "two minutes"}, {"finish_fast_share": -1}, {"finish_min": 3}, ["failed_checks"]],
)
def test_rules_that_cannot_be_are_said_before_going_live(rules: Any) -> None:
    study = factories.draft(exclusion_rules=rules)
    assert any(finding.code == "rules" and finding.blocking for finding in assessment_of(study).findings)
    assert assessment_of(factories.draft("good", exclusion_rules={"finish_min_s": 60})).feasible


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_the_check_says_where_a_provider_would_pay_a_script() -> None:
    told = []
    for slug, provider, rules in (
        ("plain", "link", {}),
        ("unguarded", "prolific", {}),
        ("guarded", "prolific", {"finish_min_s": 60}),
    ):
        study = factories.draft(slug, exclusion_rules=rules)
        Recruitment.objects.create(study=study, provider=provider, completed_code="C")
        told += [
            (slug, finding.blocking) for finding in assessment_of(study).findings if finding.code == "haste"
        ]
    assert told == [("unguarded", False)]


def test_reports_take_the_rules_of_the_door_for_no_unknown_ones() -> None:
    plan = AnalysisPlan.from_protocol({"exclusion_rules": {"finish_min_s": 60, "failed_checks": 1}})
    assert plan.rules.failed_checks == 1
