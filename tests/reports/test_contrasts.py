"""The comparisons as CSV and LaTeX: the numbers of the report, formulas and TeX's signs made harmless."""

import csv
import io
from typing import Any

import pytest
from django.test import Client

from survey_site.reports import cached_report
from survey_site.reports.contrasts import FIELDS, as_csv, as_latex
from survey_site.reports.population import Population
from tests.reports.factory import Survey, survey

pytestmark = pytest.mark.django_db
analysis = pytest.importorskip("survey_site.reports.analysis", reason="needs the extra 'reports'")


@pytest.fixture
def own(researcher: Any) -> Survey:
    """Four people who rate eight images, the second column higher."""
    mine = survey("mine", owner=researcher)
    type(mine.conditions[1]).objects.filter(pk=mine.conditions[1].pk).update(column="=Ours_1 & 2")
    for person in range(4):
        who = mine.participant()
        for place, stimulus in enumerate(mine.stimuli):
            mine.rating(who, place % 2, 2 + 3 * (place % 2) - (person + place) % 3 % 2, stimulus=stimulus)
    return mine


@pytest.fixture
def report(own: Survey) -> Any:
    return analysis.analyse(own.study).report


def test_the_csv_has_the_reports_numbers(report: Any) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(report), newline="")))
    assert list(rows[0]) == list(FIELDS)
    (told,) = [row for row in rows if row["measure"] == "index" and row["estimate"] == "difference"]
    (found,) = report["comparisons"]["index"]["rows"]
    assert float(told["value"]) == found["difference"] and float(told["p_holm"]) == found["p_holm"]
    assert [float(told["ci_low"]), float(told["ci_high"])] == found["difference_ci"]
    assert (told["column"], told["reference"], told["unit"]) == ("'=Ours_1 & 2", "Grad-CAMs", "scale points")


def test_the_table_has_label_note_and_no_bare_sign_of_tex(report: Any) -> None:
    table = as_latex(report)
    assert r"\label{tab:contrasts-mine}" in table and r"max width=\columnwidth" in table
    row = next(line for line in table.splitlines() if "Ours" in line)
    assert row.count(" & ") == 3 and r"=Ours\_1 \& 2" in row
    assert "4 participants; reference: Grad-CAMs." in table
    assert table.count(r"\begin{") == table.count(r"\end{") == 3
    assert "−" not in table


def test_they_are_there_when_computed(desk: Client, own: Survey, report: Any) -> None:
    assert desk.get("/reports/mine/contrasts.csv").status_code == 404
    key = cached_report.data_version(own.protocol, Population())
    cached_report.store_report(key, report | {"figures": []})
    given = desk.get("/reports/mine/contrasts.csv")
    assert given["Content-Disposition"] == 'attachment; filename="mine-contrasts.csv"'
    assert given.content.decode() == as_csv(report)
    assert desk.get("/reports/mine/contrasts.tex").content.decode() == as_latex(report)
    assert 'href="/reports/mine/contrasts.tex"' in desk.get("/reports/mine/").content.decode()
