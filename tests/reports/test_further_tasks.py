"""A task from outside in Table 1, the exports and the monitor; and a study whose task nobody has installed any more."""

import csv
import io
import json
import zipfile
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from survey_site.reports import analysis, figures
from survey_site.reports.analysis_rows import trial_columns
from survey_site.reports.exports.csv_stream import responses_csv
from survey_site.reports.exports.psych_ds import write_zip
from survey_site.reports.exports.tables import TABLES
from survey_site.reports.monitor import snapshot
from survey_site.reports.point_report import point_report
from survey_site.reports.population import Population
from survey_site.tasks import registry
from survey_site.tasks.contract import Task
from tests.reports.factory import Survey, survey
from tests.reports.sketch import TASK as SKETCH

pytestmark = pytest.mark.django_db
OWN = ["remark", "tool", "strokes", "pressure", "left_handed", "sketch_choice"]


def install(monkeypatch: pytest.MonkeyPatch, *tasks: Task) -> None:
    """Lets these be the installed tasks."""
    monkeypatch.setattr(registry, "installed", lambda: tasks)


@pytest.fixture
def sketches(monkeypatch: pytest.MonkeyPatch, researcher: Any) -> Survey:
    """Two answers about both columns' maps, the first map of the first column; one of them declined."""
    install(monkeypatch, *registry.installed(), SKETCH)
    own = survey("sketches", tasks={"sketch": {}, "matching": {}}, owner=researcher)
    told = {"remark": "=1+1", "tool": "pen", "n": 4.0, "force": 0.25, "left": True, "map": "left"}
    maps = [{"map": 7 + place, "condition": c.pk, "rank": 1} for place, c in enumerate(own.conditions)]
    for score, said in ((8.0, told), (3.0, {"n": 0, "left": False, "tool": ""})):
        answer = own.answer(own.participant(), "sketch", score, said, maps=maps)
        type(answer).objects.filter(pk=answer.pk).update(further_conditions=str(own.conditions[1].pk))
    answer = own.answer(own.participant(), "sketch", None, {}, declined=True)
    own.matching(own.participant(), 1, 0)
    return own


@pytest.fixture
def gone(researcher: Any) -> Survey:
    """A study with answers in a task that is not installed, and in one that is."""
    own = survey("gone", owner=researcher, tasks={"sketch": {"trials_per_column": 2}, "rating": {}})
    who = own.participant()
    own.answer(who, "sketch", 7.5, {"remark": "x"})
    own.rating(who, 0, 4)
    return own


def rows(own: Survey) -> list[dict[str, str]]:
    data = b"".join(responses_csv(own.study, Population()))
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def test_an_answer_counts_in_the_columns_of_all_its_maps_as_the_task_says(sketches: Survey) -> None:
    first, second = point_report(sketches.study)["columns"]
    assert (first["preference"]["sum"], first["preference"]["n"]) == (11, 2)  # type: ignore[typeddict-item]
    assert (second["preference"]["sum"], second["preference"]["n"]) == (9, 2)  # type: ignore[typeddict-item]
    assert first["preference"]["declined"] == 1  # type: ignore[typeddict-item]
    assert second["faith"]["correct"] == 1  # type: ignore[typeddict-item]


def test_the_statistics_count_what_table_1_counts_and_draw_what_they_can(sketches: Survey) -> None:
    """`analyse` raises where the two disagree; a task with an outcome alone has the general figures."""
    for number in range(4):
        who = sketches.participant()
        for column in (0, 1):
            for image in (0, 1, 2):
                score = float(number + image + 3 * column)
                sketches.answer(who, "sketch", score, {"n": 1}, column, stimulus=sketches.stimuli[image])
    found = analysis.analyse(sketches.study)
    first, second = found.report["columns"]
    assert (first["preference"]["n"], second["preference"]["n"]) == (14, 14)  # type: ignore[typeddict-item]
    low, high = second["preference"]["ci"]  # type: ignore[typeddict-item]
    assert 0 <= low < second["preference"]["mean"] < high <= 10  # type: ignore[typeddict-item]
    assert second["preference"]["vs_reference"]["difference"] > 0  # type: ignore[typeddict-item]
    assert set(found.figures) == {"class-confusion"}
    for name in figures.names(found.figures):
        assert figures.draw(name, found.report, found.trials, found.figures, "svg").startswith(b"<?xml")


def test_the_report_says_what_its_tasks_declare(sketches: Survey, desk: Client) -> None:
    report: Any = point_report(sketches.study)
    assert [outcome["key"] for outcome in report["outcomes"]] == ["faith", "preference"]
    assert (report["maps_shown"], report["hidden"], report["pool_size"]) == (2, "x", 4)
    page = desk.get(reverse("report", args=["sketches"])).content.decode()
    assert 'data-measure="preference"' in page
    assert 'data-column="Ours 1">4.5</td>' in page
    assert "<dt>Maps shown</dt>" in page
    assert "Preference: 0–10." in page
    table = list(
        csv.DictReader(io.StringIO(desk.get(reverse("table1_csv", args=["sketches"])).content.decode()))
    )
    assert [(r["measure"], r["total"], r["text"]) for r in table if r["column"] == "Ours 1"] == [
        ("faith", "1", "100"), ("preference", "9", "4.5"),
    ]  # fmt: skip


def test_the_statistics_get_a_row_for_each_column_in_which_an_answer_counts(sketches: Survey) -> None:
    columns = trial_columns(sketches.protocol, Population())
    assert {len(column) for column in columns.values()} == {6}
    found = list(zip(columns["column"], columns["score"], columns["further"], strict=True))
    assert found == [
        ("Grad-CAMs", 8.0, 0), ("Grad-CAMs", 3.0, 0), ("Grad-CAMs", None, 0), ("Ours 1", 1.0, 0),
        ("Ours 1", 2.0, 1), ("Ours 1", 7.0, 1),
    ]  # fmt: skip
    assert columns["answers"][0]["force"] == 0.25
    assert columns["choice"][3] == "cat-0"


def test_the_tasks_own_columns_stand_behind_the_score_in_their_kinds(sketches: Survey) -> None:
    found = rows(sketches)
    assert list(found[0])[-len(OWN) - 3 :] == ["score", "measurement_hash", "further_columns", *OWN]
    assert {row["further_columns"] for row in found if row["task"] == "sketch" and row["score"]} == {"Ours 1"}
    assert [found[0][name] for name in ("score", *OWN)] == ["8", "'=1+1", "pen", "4", "0.25", "1", "left"]
    assert [found[1][name] for name in ("score", *OWN)] == ["3", "", "", "0", "", "0", ""]
    assert [found[3][name] for name in ("score", *OWN)] == ["1", "", "", "", "", "", ""]
    assert (found[0]["choice"], found[3]["choice"]) == ("", "cat-0")


def described(own: Survey) -> dict[str, Any]:
    with write_zip(own.study, Population()) as file, zipfile.ZipFile(file) as archive:
        told = json.loads(archive.read("dataset_description.json"))
    return {variable["name"]: variable for variable in told["variableMeasured"]}


def test_dictionary_and_api_follow_the_studys_columns(sketches: Survey, desk: Client) -> None:
    told = described(sketches)
    assert (told["pressure"]["unitText"], told["strokes"]["minValue"]) == ("N", 0)
    names = [level["termCode"] for level in told["task"]["valueReference"]]
    assert names == [task.name for task in registry.installed()] and names[-1] == "sketch"
    answers = desk.get(reverse("api-responses", args=["sketches"]) + "?task=sketch").json()["results"]
    assert [row["left_handed"] for row in answers] == [True, False, None]
    assert [row["pressure"] for row in answers] == [0.25, None, None]
    assert "pressure" not in {column.name for column in TABLES["responses"].columns(survey("other").study)}


def test_the_monitor_counts_an_answer_in_the_columns_of_all_its_maps(sketches: Survey) -> None:
    type(sketches.study).objects.update(target_participants=1)
    sketches.study.refresh_from_db()
    now = snapshot(sketches.study)
    assert {row.name: row.answers for row in now.rows} == {"Grad-CAMs": 3, "Ours 1": 3}
    assert list(now.blocks) == ["Practice", "Matching", "Sketch", "between"]


def test_without_its_task_a_study_has_no_table_but_one_line(gone: Survey, desk: Client) -> None:
    line = str(registry.UnknownTask("sketch"))
    response = desk.get(reverse("report", args=["gone"]))
    assert response.status_code == 200
    assert line in response.content.decode()
    assert 'id="table1"' not in response.content.decode()
    for address in ("table1_json", "table1_csv", "report_statistics", "report_html"):
        told = desk.get(reverse(address, args=["gone"]))
        assert (told.status_code, told.content.decode()) == (409, f"{line}\n")
    told = desk.get(reverse("api-report", args=["gone"]))
    assert (told.status_code, told.json()["error"]["message"]) == (409, line)
    for command in ("report", "exclude"):
        with pytest.raises(CommandError, match="“sketch” is not installed"):
            call_command(command, "gone")


def test_without_its_task_a_study_is_exported_with_the_fixed_columns(gone: Survey, desk: Client) -> None:
    first, second = rows(gone)
    assert (first["task"], first["block"], first["score"], first["rating"]) == ("sketch", "sketch", "7.5", "")
    assert (second["rating"], list(first)[-1]) == ("4", "measurement_hash")
    told = described(gone)
    assert "sketch" in [level["termCode"] for level in told["task"]["valueReference"]]
    for name in TABLES:
        assert desk.get(reverse(f"{name}_csv", args=["gone"])).status_code == 200
    answers = desk.get(reverse("api-responses", args=["gone"]) + "?task=sketch").json()["results"]
    assert [row["score"] for row in answers] == [7.5]
    assert "sketch" in snapshot(gone.study).blocks


def test_the_fixed_columns_stay_where_their_tasks_are_not_installed(
    gone: Survey, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [column.name for column in TABLES["responses"].columns(gone.study)]
    install(monkeypatch, SKETCH)
    assert [column.name for column in TABLES["responses"].columns(gone.study)] == [
        *before,
        "further_columns",
        *OWN,
    ]
    assert [row["rating"] for row in rows(gone)] == ["", "4"]
