"""The task's statistics: merged into page and JSON, kept by data version, and never in the web process."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from survey_site.reports import analysis, cached_report, tasks
from survey_site.reports.analysis_rows import trial_columns
from survey_site.reports.population import Population
from tests.reports.factory import DEFAULT_COLUMNS, Survey, survey

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_cache")]


@pytest.fixture
def own(researcher: Any) -> Survey:
    """Six participants, two columns, answers that differ."""
    mine = survey("mine", owner=researcher)
    for number in range(6):
        who = mine.participant()
        mine.matching(who, 0, number % 4)
        mine.matching(who, 1, 0 if number else 1)
        for image in (0, 1, 2):
            mine.rating(who, 0, (number + image) % 3, stimulus=mine.stimuli[image])
            mine.rating(who, 1, 4 + number * image % 3, stimulus=mine.stimuli[image])
    return mine


def key(own: Survey) -> str:
    return cached_report.data_version(own.protocol, Population())


def test_the_page_is_there_before_the_statistics(desk: Client, own: Survey, sent: list[Any]) -> None:
    page = desk.get(reverse("report", args=["mine"])).content.decode()
    assert 'data-column="Ours 1">83</td>' in page
    assert 'id="statistics"' in page
    assert f'hx-get="{reverse("report_statistics", args=["mine"])}"' in page
    assert sent == []


def test_asking_sends_the_task_once(desk: Client, own: Survey, sent: list[Any]) -> None:
    for _ in range(3):
        assert "being computed" in desk.get(reverse("report_statistics", args=["mine"])).content.decode()
    assert sent == [["reports.analyse", own.study.pk, 1, ""]]


def test_a_silent_task_is_asked_for_again(
    desk: Client, own: Survey, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.get(reverse("report_statistics", args=["mine"]))
    monkeypatch.setattr(cached_report, "ANALYSIS", replace(cached_report.ANALYSIS, silence_s=-1))
    desk.get(reverse("report_statistics", args=["mine"]))
    assert len(sent) == 2


def test_a_broker_that_is_down_is_said_and_the_page_works(
    desk: Client, own: Survey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: Any, **__: Any) -> None:
        raise ConnectionError("connection refused")

    monkeypatch.setattr("survey_site.celery.app.send_task", down)
    part = desk.get(reverse("report_statistics", args=["mine"])).content.decode()
    assert "queue cannot be reached" in part
    assert "connection refused" in part


def test_the_task_fills_page_json_and_figures(desk: Client, own: Survey) -> None:
    tasks.analyse(own.study.pk, 1, "")
    part = desk.get(reverse("report_statistics", args=["mine"])).content.decode()
    assert 'id="table-1-box" hx-swap-oob="true"' in part
    page = desk.get(reverse("report", args=["mine"])).content.decode()
    assert reverse("report_statistics", args=["mine"]) not in page
    report = json.loads(desk.get(reverse("table1_json", args=["mine"])).content)
    low, high = report["columns"][1]["index"]["ci"]
    assert 0 <= low < report["columns"][1]["index"]["mean"] < high <= 6
    assert "needs at least 2" in report["columns"][1]["faith"]["ci_reason"]  # all on one pool
    assert report["columns"][1]["index"]["vs_reference"]["ratio"] == pytest.approx(
        report["columns"][1]["index"]["mean"] / report["columns"][0]["index"]["mean"]
    )
    for name in report["figures"]:
        svg = desk.get(reverse("figure_svg", args=["mine", name]))
        assert svg.content.lstrip().startswith(b"<?xml")
        assert desk.get(reverse("figure_pdf", args=["mine", name])).content.startswith(b"%PDF")
    assert desk.get(reverse("figure_pdf", args=["mine", "supplement"])).content.startswith(b"%PDF")
    alone = desk.get(reverse("report_html", args=["mine"])).content.decode()
    assert own.protocol.hash in alone
    assert alone.count("data:image/svg+xml;base64,") == len(report["figures"])
    assert not re.search(r'(src|href)="(?!data:)', alone)
    assert "<link" not in alone


def test_new_answers_make_the_stored_report_stale(desk: Client, own: Survey) -> None:
    cached_report.store_report(key(own), analysis.analyse(own.study).report)
    assert cached_report.report_of(key(own))
    who = own.participant()
    own.rating(who, 0, 6)
    assert cached_report.report_of(key(own)) is None
    report = json.loads(desk.get(reverse("table1_json", args=["mine"])).content)
    assert report["columns"][0]["index"]["n"] == 19


@pytest.mark.parametrize("change", [{"excluded": True}, {"state": "withdrawn"}, {"surplus": True}])
def test_taking_somebody_out_makes_it_stale(own: Survey, change: dict[str, Any]) -> None:
    before = key(own)
    own.study.participants.filter(code="p01").update(**change)
    assert key(own) != before


def test_an_answer_of_somebody_unfinished_makes_it_stale_where_the_unfinished_count(own: Survey) -> None:
    who = own.participant(state="consented")
    own.rating(who, 0, 3)
    who.refresh_from_db()
    open_ones = Population(unfinished=True)
    before = cached_report.data_version(own.protocol, open_ones), key(own)
    own.rating(who, 0, 5)
    who.save(update_fields=["last_seen_at"])  # as before: the lease is not renewed at every answer
    assert cached_report.data_version(own.protocol, open_ones) != before[0]
    assert key(own) == before[1]


def test_the_statistics_take_the_classes_that_the_protocol_sealed(own: Survey) -> None:
    own.protocol.document["stimuli"] = [{"key": s.key, "class": f"sealed {s.key}"} for s in own.stimuli]
    columns = trial_columns(own.protocol, Population())
    assert set(columns["stimulus_class"]) == {f"sealed {key}" for key in columns["stimulus"]}
    picked = {key: name for key, name in zip(columns["choice"], columns["choice_class"], strict=True) if name}
    assert picked == {key: f"sealed {key}" for key in picked} != {}


def test_taking_out_one_instead_of_another_makes_it_stale(own: Survey) -> None:
    own.study.participants.filter(code="p01").update(excluded=True)
    before = key(own)
    own.study.participants.filter(code="p01").update(excluded=False)
    own.study.participants.filter(code="p02").update(excluded=True)
    assert key(own) != before


def test_a_task_that_fails_says_why(desk: Client, own: Survey, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a made-up failure")

    monkeypatch.setattr(analysis, "analyse", broken)
    tasks.analyse(own.study.pk, 1, "")
    part = desk.get(reverse("report_statistics", args=["mine"])).content.decode()
    assert "could not be computed" in part
    assert "a made-up failure" in part


def test_a_worker_without_enough_memory_says_what_to_do(
    desk: Client, own: Survey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(*_: Any, **__: Any) -> None:
        raise MemoryError("Unable to allocate 78.8 MiB for an array")

    monkeypatch.setattr(analysis, "analyse", too_large)
    tasks.analyse(own.study.pk, 1, "")
    part = desk.get(reverse("report_statistics", args=["mine"])).content.decode()
    assert "Ask the operator for more (REPORTS_MEMORY)" in part
    assert "Unable to allocate" not in part


def test_a_task_for_a_study_that_is_gone_does_nothing(db: None) -> None:
    tasks.analyse(12345, 1, "")


@pytest.mark.parametrize("population", [Population(), Population(bots=True), Population(unfinished=True),
                                        Population(excluded=True), Population(unfinished=True, excluded=True)])  # fmt: skip
def test_statistics_and_database_count_the_same_answers(own: Survey, population: Population) -> None:
    """`analyse` raises where the two disagree: every reason to be outside, in every population."""
    for values in ({"kind": "bot"}, {"excluded": True}, {"surplus": True}, {"state": "consented"},
                   {"state": "withdrawn"}, {"kind": "preview"}, {"excluded": True, "state": "consented"}):  # fmt: skip
        who = own.participant(**values)
        own.rating(who, 0, 5)
        own.matching(who, 1, None)
    who = own.participant()
    own.rating(who, 0, 1, seen="no")
    own.rating(who, 0, 1, block="practice")
    own.rating(who, 0, 1, attention_check=True)
    own.missing(who, 1)
    report = analysis.analyse(own.study, population).report
    assert report["columns"][0]["index"]["n"] >= 18


def test_declared_rules_are_shown_beside_and_take_nobody_out_of_table_1(own: Survey) -> None:
    fast = own.participant()
    for _ in range(4):
        own.rating(fast, 0, 6, rt_ms=20)
    report = analysis.analyse(own.study).report
    assert report["columns"][0]["index"]["n"] == 22
    assert report["after_rules"][0]["index"]["n"] == 18
    assert report["quality"]["rules"]["response_times"] == 1


@pytest.mark.parametrize("people", [0, 1])
def test_a_report_of_nobody_or_one_says_not_estimable(db: None, people: int) -> None:
    lonely = survey("lonely")
    for _ in range(people):
        lonely.rating(lonely.participant(), 0, 3)
    report = analysis.analyse(lonely.study).report
    cell = report["columns"][0]["index"]
    assert (cell["ci"], cell["n"]) == (None, people)
    assert cell["ci_reason"]
    json.dumps(report, allow_nan=False)


@pytest.mark.parametrize("people", [0, 1, 2])
@pytest.mark.parametrize("task", ["matching", "rating", "both"])
def test_the_page_bears_whatever_is_not_estimable(
    desk: Client, researcher: Any, people: int, task: str
) -> None:
    """Nobody, one, two; one task only; one column only: every number that is missing is a dash."""
    poor = survey(
        "poor", owner=researcher, columns=(("Only", "gradcam", ""),) if task == "both" else DEFAULT_COLUMNS
    )
    for _ in range(people):
        who = poor.participant()
        if task != "rating":
            poor.matching(who, 0, 0)
        if task != "matching":
            poor.rating(who, 0, 0)
    cached_report.store_report(key(poor), analysis.analyse(poor.study).report | {"figures": []})
    page = desk.get(reverse("report", args=["poor"]))
    assert page.status_code == 200
    text = page.content.decode()
    assert 'id="multiverse"' in text
    assert "nan" not in text[text.index('id="table1"') :]


@pytest.mark.parametrize("rating", [0, 6])
def test_equal_answers_give_no_made_up_interval(db: None, rating: int) -> None:
    same = survey("same")
    for _ in range(4):
        who = same.participant()
        for stimulus in same.stimuli[:3]:
            same.rating(who, 0, rating, stimulus=stimulus)
    cell = analysis.analyse(same.study).report["columns"][0]["index"]
    assert cell["mean"] == rating
    assert cell["ci"] is None
    assert cell["ci_reason"]


def test_the_web_process_loads_no_statistics() -> None:
    program = (
        "import django, sys; django.setup();"
        "from django.urls import get_resolver; get_resolver().url_patterns;"
        "import survey_site.reports.views, survey_site.api.urls, survey_site.reports.tasks;"
        "heavy = {'numpy','scipy','statsmodels','pandas','matplotlib','tensorflow','pyarrow'} & set(sys.modules);"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "survey_site.settings"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
