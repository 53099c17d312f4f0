"""Rehearsals: planted effects come back out of the planned analysis, and a wrong analysis is caught."""

from dataclasses import replace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from survey_site.protocols import freeze
from survey_site.protocols.models import Rehearsal
from survey_site.reports.rehearsal import simulate
from survey_site.statistics.estimates import faith
from survey_site.studies.models import Study
from survey_site.trials.simulation.behaviour import Behaviour, Effect, Simulator
from tests.studies.sample import ready_study

COLUMNS = ("Grad-CAMs", "Ours 1")


def document(participants: int = 12, trials: int = 2, **design: Any) -> dict[str, Any]:
    """Two columns, pools of three from four classes."""
    keys = [f"i{n:02d}" for n in range(3 * trials * len(COLUMNS))]
    return {
        "design": {
            "pool_size": 3,
            "matching_trials_per_column": trials,
            "rating_trials_per_column": trials,
            "practice_trials": 0,
            "attention_checks": 0,
            "target_participants": participants,
            "headline": "image",
            "seed": 5,
        }
        | design,
        "conditions": [
            {
                "column": name,
                "column_order": n,
                "classifier": "VGG16",
                "base": "gradcam",
                "method": "add-edges" if n else "",
                "is_reference": not n,
            }
            for n, name in enumerate(COLUMNS)
        ],
        "stimuli": [{"key": key, "class": f"c{n % 4}"} for n, key in enumerate(keys)],
        "pools": [{"stimuli": keys[n : n + 3], "similarity": None} for n in range(0, len(keys), 3)],
        "rating": keys,
        "reserve": [],
        "analysis_plan": {"resamples": 99},
        "exclusion_rules": {},
    }


def test_planted_effects_are_recovered() -> None:
    found = simulate.rehearse(document(), seed=3, repetitions=8)
    assert found.passed, found.problems
    ours = found.columns[1]
    assert (ours["column"], ours["faith"]["planted"], ours["index"]["planted"]) == ("Ours 1", 96.0, 4.05)
    assert abs(ours["faith"]["mean"] - 96) < 6
    assert abs(ours["index"]["mean"] - 4.05) < 0.5
    assert ours["index"]["detected"] == 8


def test_every_ticket_is_completed_by_one_person_and_leavers_leave_no_row() -> None:
    model = Behaviour(drop_out=0.5)
    trials = simulate.simulated(document(), Simulator(model, "x"))
    assert len(trials.participant.present()) == 12
    assert len(trials) == 12 * 2 * 2 * len(COLUMNS)
    people = {int(label[1:]) for label in trials.participant.present()}
    simulator = Simulator(model, "x")
    assert all(simulator.person(number).leaves_at is None for number in people)
    assert max(people) > 11


def test_an_analysis_that_estimates_wrongly_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def narrow(sample: Any, level: float) -> Any:
        found = faith(sample, level)
        return replace(found, interval=replace(found.interval, low=0.0, high=0.01))

    monkeypatch.setattr(simulate, "faith", narrow)
    found = simulate.rehearse(document(), seed=1, repetitions=5)
    assert not found.passed
    assert "Human Faith hold the planted value in 0 %" in found.problems[0]


def test_an_analysis_that_sees_differences_everywhere_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        simulate, "family", lambda *_, **__: {"rows": [{"column": "Ours 1", "significant": True}]}
    )
    found = simulate.rehearse(document(), seed=1, repetitions=5)
    assert found.false_alarms == {"faith": 5, "index": 5}
    assert any("Without any effect 5 of 5" in problem for problem in found.problems)


def test_columns_that_the_paper_does_not_name_get_effects_of_their_own() -> None:
    planted = simulate.planted_effects(["Grad-CAMs", "RISE", "LIME"])
    assert planted["Grad-CAMs"] == Effect(0.48, 1.02)
    assert planted["RISE"] != planted["LIME"]


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_a_study_that_asks_for_it_goes_live_only_after_a_rehearsal_of_this_very_protocol(
    admin_client: Client,
) -> None:
    study = ready_study(require_rehearsal=True, analysis_plan={"resamples": 99}, target_participants=8)
    with pytest.raises(freeze.NotReady, match="asks for a rehearsal"):
        freeze.go_live(study)
    call_command("rehearse", study.slug, repetitions=5, seed=2)
    row = Rehearsal.objects.get()
    assert (row.passed, row.participants, row.document_hash) == (True, 8, freeze.draft_of(study).hash)
    page = admin_client.get(reverse("admin:study_live", args=[study.pk])).content.decode()
    assert "5 simulated studies of 8 participants" in page
    assert "It is of the protocol as it is now" in page
    Study.objects.filter(pk=study.pk).update(seed=99)
    study = Study.objects.get(pk=study.pk)
    with pytest.raises(freeze.NotReady, match="asks for a rehearsal"):
        freeze.go_live(study)
    row.document_hash, row.passed = freeze.draft_of(study).hash, False
    row.save()
    with pytest.raises(freeze.NotReady, match="did not pass"):
        freeze.go_live(study)
    Rehearsal.objects.update(passed=True)
    freeze.go_live(study)


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_a_study_that_cannot_be_carried_out_is_not_rehearsed() -> None:
    ready_study(images=3)
    with pytest.raises(CommandError, match="cannot be carried out yet"):
        call_command("rehearse", "sample")
    assert not Rehearsal.objects.exists()
