"""What must hold where STUDY_TASKS names the toy task; run by test_toy_task.py in a process of its own."""

import csv
import io
import json
import zipfile
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page

from survey_site.protocols import freeze
from survey_site.protocols.models import Protocol
from survey_site.reports import analysis, figures
from survey_site.reports.population import Population
from survey_site.reports.study_folder.read import read_folder
from survey_site.reports.study_folder.write import write_folder
from survey_site.stimuli.models import SaliencyMap, Stimulus
from survey_site.studies.models import Study
from survey_site.tasks import registry
from survey_site.trials.models import Participant, Response, Trial
from tests import factories
from tests.browser.conftest import *  # noqa: F403  the fixtures of a real browser
from tests.browser.walking import start, to_end
from tests.stimuli.pictures import encoded
from tests.toy_task.task import NAME
from tests.trials.player import Form, begin, play, until_trial

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
METHODS = ("gradcam", "gradcam.add-edges")


def study_with_it(**options: object) -> Study:
    """A draft with the toy task beside the two others, with maps of the network's first and second class."""
    chosen = {"telling_trials_per_column": 2, "methods": METHODS, "attention_checks": 3, "reserve": 12}
    study = factories.draft(images=12, **{**chosen, **options})  # type: ignore[arg-type]
    for number, stimulus in enumerate(study.stimuli.all()):
        originals = SaliencyMap.objects.filter(stimulus=stimulus, method="original")
        originals.update(class_name=f"label {number % 4}")
        for method in METHODS:
            factories.add_map(
                stimulus, method, encoded(5000 + 7 * number + len(method), size=(64, 64)), rank=1
            )
    return study


def live_with_it(**options: object) -> Study:
    study = study_with_it(**options)
    freeze.go_live(study)
    return study


def told(client: Client) -> list[Response]:
    return list(Response.objects.filter(task=NAME).select_related("trial").order_by("trial__position"))


def test_it_is_a_field_of_the_study_and_a_number_of_the_design(admin_client: Client) -> None:
    study = study_with_it(telling_trials_per_column=0)
    address = reverse("admin:studies_study_change", args=[study.pk])
    page = admin_client.get(address).content.decode()
    assert 'name="telling-trials_per_column"' in page
    factories.change_task(study, NAME, trials_per_column=2)
    page = admin_client.get(reverse("admin:study_check", args=[study.pk])).content.decode()
    assert "Telling classes apart" in page
    assert NAME in freeze.draft_of(study).document["tasks"]  # type: ignore[index]


def test_maps_of_the_second_class_are_asked_for_before_going_live() -> None:
    study = study_with_it()
    SaliencyMap.objects.filter(stimulus__study=study, rank=1, method="gradcam").delete()
    with pytest.raises(freeze.NotReady, match="2nd class"):
        freeze.go_live(study)


def test_it_is_planned_with_two_maps_of_two_columns_and_two_classes() -> None:
    participant = factories.participant(live_with_it())
    trials = list(participant.trials.filter(task=NAME, block=NAME, attention_check=False))
    assert len(trials) == 4
    for trial in trials:
        maps = SaliencyMap.objects.in_bulk([shown["map"] for shown in trial.maps])
        assert {row.rank for row in maps.values()} == {0, 1}
        assert {row.stimulus_id for row in maps.values()} == {trial.stimulus_id}
        assert len({shown["condition"] for shown in trial.maps}) == 2
        assert maps[trial.saliency_map_id].rank == 0
    assert {trial.first for trial in trials} == {0, 1}
    order = list(dict.fromkeys(participant.trials.values_list("task", flat=True)))
    assert order == ["matching", "rating", NAME]


def test_it_is_answered_without_javascript_and_scored(client: Client) -> None:
    live_with_it()
    address = begin(client, "test")
    form = until_trial(client, address, "map")
    html = client.get(address).content.decode()
    trial = Trial.objects.get(
        participant__token=address.strip("/").split("/")[-1], position=int(_position(html))
    )
    assert html.count('data-role="map"') == 2 and _label(trial) in html
    assert client.post(address, form.hidden).status_code == 422
    assert "Please pick one of the maps." in client.post(address, form.hidden).content.decode()
    play(client, address, lambda name, offered: offered[trial.first] if name == "map" else offered[0])
    assert Participant.objects.get().state == "finished"
    answer = Response.objects.get(trial=trial)
    assert (answer.score, answer.answer["told"], answer.answer["label"]) == (1, 1, _label(trial))
    for row in told(client):
        expected = row.trial.expected
        right = row.answer["picked"] == row.trial.first
        assert row.score == (row.answer["picked"] if expected is not None else right)


def _position(html: str) -> str:
    return html.partition('data-position="')[2].partition('"')[0]


def _label(trial: Trial) -> str:
    return SaliencyMap.objects.get(stimulus=trial.stimulus, method="original").class_name


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_it_is_answered_in_a_browser(page: Page, live_server: Any) -> None:
    live_with_it(matching_trials_per_column=0, rating_trials_per_column=0, attention_checks=0)
    start(page, live_server.url)
    to_end(page)
    assert Participant.objects.get().state == "finished"
    answers = Response.objects.filter(task=NAME, counts=True)
    assert answers.count() == 4 and set(answers.values_list("seen", flat=True)) == {"yes"}


def test_a_researcher_walks_through_it_in_the_preview(admin_client: Client) -> None:
    study = study_with_it()
    page = admin_client.get(reverse("admin:study_preview", args=[study.pk]), {"part": NAME}, follow=True)
    html = page.content.decode()
    assert "Which map explains this name?" in html and html.count('data-role="map"') == 2


def test_it_is_simulated_and_stands_in_table_1_and_every_format() -> None:
    study = live_with_it(target_participants=8)
    call_command("simulate", "test", "--participants", "8", "--drop-out", "0", stdout=StringIO())
    out = StringIO()
    call_command("report", "test", "--format", "json", "--include-bots", "--open-names", stdout=out)
    report = json.loads(out.getvalue())
    for column in report["columns"]:
        cell = column["discrimination"]
        rows = Response.objects.filter(task=NAME, counts=True, condition__column=column["column"])
        assert cell["n"] == rows.count() == 16
        assert cell["correct"] == sum(row.answer["told"] for row in rows)
        assert cell["ci"] and cell["ci"][0] <= cell["percent"] <= cell["ci"][1]
    assert {row["column"] for row in report["comparisons"]["discrimination"]["rows"]} == {"Column 1"}
    for fmt, words in (("text", "Discrimination"), ("csv", "discrimination"), ("latex", "Discrimination")):
        out = StringIO()
        call_command("report", "test", "--format", fmt, "--include-bots", stdout=out)
        assert words in out.getvalue()
    assert study.slug == "test"


def test_its_columns_follow_the_fixed_ones_and_stand_in_the_dictionary(admin_client: Client) -> None:
    live_with_it()
    call_command("simulate", "test", "--participants", "2", "--drop-out", "0", stdout=StringIO())
    text = admin_client.get("/reports/test/responses.csv?bots=1").getvalue().decode()  # type: ignore[attr-defined]
    rows = [row for row in csv.DictReader(io.StringIO(text)) if row["task"] == NAME and row["picked"]]
    stored = {f"{r.participant.code}-{r.trial.position}": r for r in told(Client())}
    assert rows and len(rows) == len(stored)
    for row in rows:
        response = stored[row["trial"]]
        assert (row["picked"], row["label"]) == (str(response.answer["picked"]), response.answer["label"])
        assert float(row["score"]) == response.score and not row["rating"] and not row["choice"]
    header = text.splitlines()[0].split(",")
    assert header.index("picked") > header.index("exclusion_reason")
    archive = admin_client.get("/reports/test/psych-ds.zip?bots=1").getvalue()  # type: ignore[attr-defined]
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        described = json.loads(opened.read("dataset_description.json"))["variableMeasured"]
    said = {variable["name"]: variable["description"] for variable in described}
    assert said["picked"] == "Place of the map that was picked, from 0."


def test_its_report_page_has_its_row_and_a_figure(admin_client: Client) -> None:
    live_with_it(target_participants=6)
    call_command("simulate", "test", "--participants", "6", "--drop-out", "0", stdout=StringIO())
    page = admin_client.get("/reports/test/?bots=1").content.decode()
    assert 'data-measure="discrimination"' in page and "told apart / answers" in page


def test_its_statistics_are_computed_and_its_figure_drawn() -> None:
    study = live_with_it(target_participants=6)
    call_command("simulate", "test", "--participants", "6", "--drop-out", "0", stdout=StringIO())
    found = analysis.analyse(study, Population(bots=True))
    assert [outcome["key"] for outcome in found.report["outcomes"]][-1] == "discrimination"
    assert "discrimination" in found.report["comparisons"]
    picks = found.figures["places-picked"]
    assert all(round(sum(map(float, row))) == 100 for row in picks.values)
    assert figures.draw("places-picked", found.report, found.trials, found.figures, "svg").startswith(
        b"<?xml"
    )


def stored() -> list[str]:
    rows = Response.objects.filter(task=NAME).values_list("score", "answer")
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


def test_a_study_folder_with_it_comes_back_the_same(tmp_path: Path) -> None:
    study = live_with_it()
    call_command("simulate", "test", "--participants", "2", "--drop-out", "0", stdout=StringIO())
    write_folder(study, tmp_path / "one")
    before = stored()
    Participant.objects.all().delete()
    Protocol.objects.all().delete()
    Stimulus.objects.all().delete()
    study.conditions.all().delete()
    study.delete()
    again = read_folder(tmp_path / "one")
    assert stored() == before
    write_folder(again, tmp_path / "two")
    for name in ("trials.jsonl", "maps.jsonl"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    out = StringIO()
    call_command("verify", "test", stdout=out)
    assert "clean" in out.getvalue().lower() or "0 " in out.getvalue()


def test_the_leak_audit_finds_nothing_in_it() -> None:
    live_with_it(
        matching_trials_per_column=0,
        rating_trials_per_column=0,
        telling_trials_per_column=3,
        target_participants=40,
    )
    out = StringIO()
    call_command("audit_leaks", "test", "--participants", "20", stdout=out)
    assert "answer by" in out.getvalue() and "LEAK" not in out.getvalue()


def test_it_is_rehearsed_with_the_effects_that_were_planted() -> None:
    study_with_it(target_participants=24, practice_trials=0, attention_checks=0)
    out = StringIO()
    call_command("rehearse", "test", "--repetitions", "8", stdout=out)
    assert "discrimination: planted" in out.getvalue()
    rehearsal = Study.objects.get().rehearsals.get()
    assert rehearsal.passed, rehearsal.summary["problems"]


def test_without_its_column_it_is_told_before_going_live() -> None:
    study = study_with_it(methods=METHODS[:1])
    found = freeze.problems(study, freeze.draft_of(study))
    assert any("shows 2 maps" in line for line in found), found


def test_it_is_installed_after_the_tasks_of_the_program() -> None:
    assert [task.name for task in registry.installed()][-1] == NAME
    assert Form("").forms == 0
