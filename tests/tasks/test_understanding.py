"""Each task that asks what people understand, from the draft to the report, by what stands in its package alone."""

import csv
import io
import json
import zipfile
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from survey_site.protocols.document import assessment_of
from survey_site.protocols.models import Protocol
from survey_site.reports import analysis, figures
from survey_site.reports.population import Population
from survey_site.reports.rehearsal.power import questions
from survey_site.reports.study_folder.read import read_folder
from survey_site.reports.study_folder.write import write_folder
from survey_site.stimuli.models import Stimulus
from survey_site.studies.models import Study
from survey_site.tasks import registry
from survey_site.tasks.predictions import is_right
from survey_site.trials.models import Participant, Response
from tests.tasks import studies
from tests.trials.player import Form, begin, play, step

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
FIELDS = {"preference": "preferred", "distinction": "picked", "agreement": "sure"}
TASKS = pytest.mark.parametrize("task", FIELDS)


def answers(task: str) -> list[Response]:
    found = Response.objects.filter(task=task).select_related("trial__stimulus", "condition")
    return list(found.order_by("participant", "trial__position"))


def simulate(participants: int) -> None:
    call_command(
        "simulate", "test", "--participants", str(participants), "--drop-out", "0", stdout=StringIO()
    )


@TASKS
def test_it_is_answered_without_javascript_with_practice_and_check(task: str, client: Client) -> None:
    studies.live(task)
    address = begin(client, "test")
    step(client, address)  # past the instructions
    refused = client.post(address, Form(client.get(address).content.decode()).hidden)
    assert refused.status_code == 422 and "Please choose" in refused.content.decode()
    met = play(client, address)
    assert Participant.objects.get().state == "finished"
    assert met.count("feedback-0") == 1 and f"begin_{task}" in met
    given = answers(task)
    assert [row.trial.attention_check for row in given].count(True) == 1
    for row in given:
        assert registry.task(task).refuse(row.answer) == ""
        if row.trial.expected is None and task == "preference":
            assert row.score == (row.answer["preferred"] == row.trial.first)
        if row.trial.expected is None and task == "agreement":
            right = is_right(row.answer["label"], row.trial.stimulus.stimulus_class)
            assert row.score == ((row.answer["sure"] > 2) == right)


@TASKS
def test_a_researcher_walks_through_it_in_the_preview(task: str, admin_client: Client) -> None:
    study = studies.draft(task)
    page = admin_client.get(reverse("admin:study_preview", args=[study.pk]), {"part": task}, follow=True)
    assert f'data-task="{task}"' in page.content.decode()


@TASKS
def test_it_stands_in_table_1_the_statistics_and_the_figures(task: str) -> None:
    study = studies.live(task, target_participants=8)
    simulate(8)
    own = registry.task(task)
    found = analysis.analyse(study, Population(bots=True))
    cells = [column[own.outcome.key] for column in found.report["columns"]]  # type: ignore[literal-required]
    counted = Response.objects.filter(task=task, counts=True).count()
    assert sum(cell["n"] for cell in cells) == counted * (2 if own.further_score else 1)
    assert all(cell["ci"][0] <= cell["percent"] <= cell["ci"][1] for cell in cells)
    assert {section["task"] for section in found.report["sections"]} == {task}
    for name in found.figures:
        assert figures.draw(name, found.report, found.trials, found.figures, "svg").startswith(b"<?xml")
    assert found.figures
    for fmt in ("text", "csv", "latex", "json"):
        out = StringIO()
        call_command("report", "test", "--format", fmt, "--include-bots", "--open-names", stdout=out)
        assert own.outcome.title in out.getvalue() or own.outcome.key in out.getvalue()


@TASKS
def test_its_columns_stand_in_the_csv_and_in_the_dictionary(task: str, admin_client: Client) -> None:
    studies.live(task)
    simulate(2)
    text = admin_client.get("/reports/test/responses.csv?bots=1").getvalue().decode()  # type: ignore[attr-defined]
    rows = {row["trial"]: row for row in csv.DictReader(io.StringIO(text)) if row["task"] == task}
    for given in answers(task):
        row = rows[f"{given.participant.code}-{given.trial.position}"]
        assert float(row["score"]) == given.score
        for column in registry.task(task).columns:
            assert row[column.name] == str(given.answer[column.key])
    archive = admin_client.get("/reports/test/psych-ds.zip?bots=1").getvalue()  # type: ignore[attr-defined]
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        described = json.loads(opened.read("dataset_description.json"))["variableMeasured"]
    said = {variable["name"]: variable["description"] for variable in described}
    assert all(said[column.name] == column.description for column in registry.task(task).columns)


@TASKS
def test_a_study_folder_comes_back_the_same_and_verifies(task: str, tmp_path: Path) -> None:
    study = studies.live(task)
    simulate(2)
    before = sorted(json.dumps([row.score, row.answer], sort_keys=True) for row in answers(task))
    write_folder(study, tmp_path / "one")
    for model in (Participant, Protocol, Stimulus):
        model.objects.all().delete()  # type: ignore[attr-defined]
    study.conditions.all().delete()
    study.delete()
    read_folder(tmp_path / "one")
    assert sorted(json.dumps([row.score, row.answer], sort_keys=True) for row in answers(task)) == before
    call_command("verify", "test", stdout=StringIO())


@TASKS
def test_the_leak_audit_finds_nothing(task: str) -> None:
    studies.live(task, target_participants=40)
    out = StringIO()
    call_command("audit_leaks", "test", "--participants", "15", stdout=out)
    assert ("secret by" if task == "agreement" else "answer by") in out.getvalue()
    assert "LEAK" not in out.getvalue()


@TASKS
def test_it_is_rehearsed_and_finds_what_was_planted(task: str) -> None:
    studies.draft(task, target_participants=24, practice_trials=0, attention_checks=0)
    out = StringIO()
    call_command("rehearse", "test", "--repetitions", "10", stdout=out)
    rehearsal = Study.objects.get().rehearsals.get()
    assert rehearsal.passed, rehearsal.summary["problems"]


@TASKS
def test_its_power_is_asked_for_a_draft(task: str) -> None:
    study = studies.draft(task)
    (asked,) = questions(study, assessment_of(study))
    assert asked.outcome == registry.task(task).outcome.key
    assert asked.duels is (task == "preference")
    assert all(0 < value < 1 for _, value in asked.effects)
