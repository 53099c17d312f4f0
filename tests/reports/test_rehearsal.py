"""Rehearsals: planted effects come back out of the planned analysis, and a wrong analysis is caught."""

from dataclasses import replace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from survey_site.protocols import freeze
from survey_site.protocols.models import Rehearsal
from survey_site.reports.rehearsal import simulate, simulated_study
from survey_site.statistics.estimates import estimate
from survey_site.statistics.outcome import Outcome
from survey_site.studies.models import Study
from survey_site.tasks import registry
from survey_site.tasks.behaviour import Behaviour, Simulator
from survey_site.tasks.planted import planted_effects
from tests.studies.sample import ready_study

COLUMNS = ("Grad-CAMs", "Ours 1")


def document(participants: int = 12, trials: int = 2, **design: Any) -> dict[str, Any]:
    """Two columns, pools of three from four classes."""
    keys = [f"i{n:02d}" for n in range(3 * trials * len(COLUMNS))]
    return {
        "design": {
            "practice_trials": 0,
            "attention_checks": 0,
            "target_participants": participants,
            "seed": 5,
        }
        | design,
        "tasks": {
            "matching": {"trials_per_column": trials, "pool_size": 3},
            "rating": {"trials_per_column": trials},
        },
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
        "items": {
            "matching": [{"stimuli": keys[n : n + 3], "similarity": None} for n in range(0, len(keys), 3)],
            "rating": [{"stimuli": [key], "similarity": None} for key in keys],
        },
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


def test_a_task_from_outside_that_shows_two_maps_is_rehearsed(settings: Any) -> None:
    settings.STUDY_TASKS = [*settings.STUDY_TASKS, "tests.toy_task"]
    asked = document()
    keys = [stimulus["key"] for stimulus in asked["stimuli"]]
    asked["tasks"] = {"telling": {"trials_per_column": 4}}
    asked["items"] = {"telling": [{"stimuli": [key], "similarity": None} for key in keys]}
    trials = simulated_study.simulated(asked, Simulator(Behaviour(), "x"))
    assert set(trials.task.labels) == {"telling"}
    assert len(trials) == 12 * 4 * len(COLUMNS)
    assert all(set(answer) == {"picked", "label", "told"} for answer in trials.answers)
    found = simulate.rehearse(asked, seed=3, repetitions=8)
    assert found.passed, found.problems
    assert [outcome["title"] for outcome in found.outcomes] == ["Discrimination"]
    ours = found.columns[1]["discrimination"]
    assert ours["planted"] == 85
    assert abs(ours["mean"] - 85) < 6


def test_an_answer_counts_in_the_columns_of_all_its_maps_where_its_task_says_so(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.STUDY_TASKS = [*settings.STUDY_TASKS, "tests.toy_task"]
    asked = document()
    asked["tasks"] = {"telling": {"trials_per_column": 1}}
    asked["items"] = {"telling": [{"stimuli": [s["key"]], "similarity": None} for s in asked["stimuli"]]}
    inverse = replace(registry.task("telling"), further_score=lambda score: 1 - score)
    monkeypatch.setattr(registry, "of", lambda stored: (inverse,))
    trials = simulated_study.simulated(asked, Simulator(Behaviour(), "x"))
    first, further = trials.select(~trials.further), trials.select(trials.further)
    assert len(first) == len(further) == 12 * len(COLUMNS)
    assert (first.value + further.value == 1).all()
    assert (first.column.codes != further.column.codes).all()


def test_every_ticket_is_completed_by_one_person_and_leavers_leave_no_row() -> None:
    model = Behaviour(drop_out=0.5)
    trials = simulated_study.simulated(document(), Simulator(model, "x"))
    assert len(trials.participant.present()) == 12
    assert len(trials) == 12 * 2 * 2 * len(COLUMNS)
    people = {int(label[1:]) for label in trials.participant.present()}
    simulator = Simulator(model, "x")
    assert all(simulator.person(number).leaves_at is None for number in people)
    assert max(people) > 11


def test_an_analysis_that_estimates_wrongly_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def narrow(sample: Any, outcome: Outcome, level: float) -> Any:
        found = estimate(sample, outcome, level)
        wrong = replace(found, interval=replace(found.interval, low=0.0, high=0.01))
        return wrong if outcome.key == "faith" else found

    monkeypatch.setattr(simulate, "estimate", narrow)
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
    planted = planted_effects(registry.installed(), ["Grad-CAMs", "RISE", "LIME"])
    assert (planted["matching"]["Grad-CAMs"], planted["rating"]["Grad-CAMs"]) == (0.48, 1.02)
    assert planted["matching"]["RISE"] != planted["matching"]["LIME"]
    assert planted["rating"]["RISE"] != planted["rating"]["LIME"]


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
