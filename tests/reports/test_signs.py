"""Signs of a program, and of pictures not well seen: hints, and a reason of exclusion only where a study says so."""

import io
from typing import Any

import pytest
from django.core.management import call_command

from survey_site.reports import analysis_rows
from survey_site.reports.analysis import analyse
from survey_site.reports.population import Population
from survey_site.reports.signs import signs_of
from survey_site.trials.models import Participant, Response
from tests.reports.factory import Survey

pytestmark = pytest.mark.django_db
CLEAN = {
    "webdriver": 0,
    "untrusted": 0,
    "actions": 3,
    "pasted": 0,
    "hidden_ms": 0,
    "smallest_px": 160,
    "out_of_view": 0,
}
SHOWN = {
    "webdriver": {"webdriver": 1},
    "untrusted": {"untrusted": 2},
    "no_action": {"actions": 0},
    "impossible_time": {"impossible_time": 1},
    "hidden": {"hidden_ms": 812.5},
    "pasted": {"pasted": 1},
    "small_pictures": {"smallest_px": 159.9},
    "out_of_view": {"out_of_view": 3},
}


def person(small: Survey, *clients: dict[str, Any]) -> Participant:
    who = small.participant()
    for client in clients:
        small.matching(who, 0, 0, client=client)
    return who


def found(small: Survey) -> dict[str, str]:
    return signs_of(small.protocol, Response.objects.filter(participant__protocol=small.protocol))


@pytest.mark.parametrize("sign", SHOWN)
def test_a_sign_is_shown_in_more_than_a_quarter_of_the_trials(small: Survey, sign: str) -> None:
    shows, once = person(small, *[CLEAN | SHOWN[sign]] * 2, *[CLEAN] * 4), None
    once = person(small, CLEAN | SHOWN[sign], *[CLEAN] * 3)
    clean = person(small, *[CLEAN] * 4)
    unknown = person(small, {}, {"scripts": "off"})
    assert found(small) == {shows.code: sign}
    assert {once.code, clean.code, unknown.code}.isdisjoint(found(small))


def test_an_undeclared_sign_is_told_and_excludes_nobody(small: Survey) -> None:
    person(small, *[CLEAN | SHOWN["webdriver"]] * 4)
    person(small, *[CLEAN] * 4)
    told = analyse(small.study).report["quality"]
    assert told["signs"] == {"webdriver": 1}
    assert "signs" not in told["rules"]
    out = io.StringIO()
    call_command("exclude", "small", stdout=out)
    assert "0 participants break a rule" in out.getvalue()


def test_a_declared_sign_is_a_rule_like_any_other(small: Survey) -> None:
    robot = person(small, *[CLEAN | SHOWN["webdriver"] | SHOWN["hidden"]] * 4)
    person(small, *[CLEAN | SHOWN["hidden"]] * 4)
    small.protocol.document["exclusion_rules"] = {"signs": ["webdriver", "pasted"]}
    small.protocol.save()
    quality = analyse(small.study).report["quality"]
    assert (quality["rules"]["signs"], quality["signs"]) == (1, {"webdriver": 1, "hidden": 2})
    out = io.StringIO()
    call_command("exclude", "small", "--apply", stdout=out)
    assert Participant.objects.get(excluded=True) == robot
    assert Participant.objects.get(excluded=True).exclusion_reason == "rule: signs"


def test_the_size_below_which_a_picture_is_small_can_be_declared(small: Survey) -> None:
    who = person(small, *[CLEAN | {"smallest_px": 190}] * 3)
    assert found(small) == {}
    small.protocol.document["exclusion_rules"] = {"picture_min_px": 200, "signs": ["small_pictures"]}
    small.protocol.save()
    assert found(small) == {who.code: "small_pictures"}


def test_practice_is_no_evidence(small: Survey) -> None:
    who = person(small, *[CLEAN] * 2)
    small.matching(who, 0, 0, client=CLEAN | SHOWN["pasted"], block="practice")
    assert found(small) == {}


def test_every_row_of_a_participant_tells_their_signs(small: Survey) -> None:
    person(small, *[CLEAN | SHOWN["pasted"]] * 2)
    assert set(analysis_rows.trial_columns(small.protocol, Population())["signs"]) == {"pasted"}
