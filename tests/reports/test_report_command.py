"""`manage.py report`: every format from the same numbers, clear words for wrong input."""

import csv
import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from survey_site.reports.table1_formats import safe, tex
from tests.reports.factory import Survey, survey

pytestmark = pytest.mark.django_db


def printed(*args: str) -> str:
    out = io.StringIO()
    call_command("report", *args, stdout=out)
    return out.getvalue()


@pytest.fixture
def answered(small: Survey) -> Survey:
    for choice in (0, 1):
        who = small.participant()
        small.matching(who, 0, choice)
        small.rating(who, 0, 4 + choice)
    return small


def test_json_has_the_fixed_shape(answered: Survey) -> None:
    report = json.loads(printed("small", "--format", "json"))
    assert (report["study"], report["protocol_hash"]) == ("small", "ab" * 32)
    column = report["columns"][0]
    assert column["column"] == "Grad-CAMs"
    assert (column["faith"]["correct"], column["faith"]["n"], column["faith"]["percent"]) == (1, 2, 50.0)
    assert (column["index"]["mean"], column["index"]["n"]) == (4.5, 2)
    for measure in ("faith", "index"):
        ci = column[measure]["ci"]
        assert ci is None or (len(ci) == 2 and ci[0] <= ci[1])


def test_csv_repeats_the_numbers_of_json(answered: Survey) -> None:
    report: dict[str, Any] = json.loads(printed("small", "--format", "json"))
    rows = list(csv.DictReader(io.StringIO(printed("small", "--format", "csv"))))
    for column in report["columns"]:
        for measure, value in (("faith", "percent"), ("index", "mean")):
            (row,) = [
                r for r in rows if (r["column"], r["measure"], r["method"]) == (column["column"], measure, "")
            ]
            expected = column[measure][value]
            assert row["value"] == ("" if expected is None else repr(expected))
            assert row["n"] == str(column[measure]["n"])


def test_text_lays_the_table_out_as_the_paper_does(answered: Survey) -> None:
    lines = printed("small").splitlines()
    (faith,) = [line.split() for line in lines if line.startswith("Human Faith %")]
    assert faith == ["Human", "Faith", "%", "50", "n/a"]
    (index,) = [line.split() for line in lines if line.startswith("Interpretability")]
    assert index == ["Interpretability", "Index", "4.50", "n/a"]


def test_latex_is_a_complete_table_with_escaped_names(db: None) -> None:
    odd = survey("odd", columns=(("50 % & more_", "gradcam", ""),))
    odd.rating(odd.participant(), 0, 1)
    text = printed("odd", "--format", "latex")
    assert r"50 \% \& more\_" in text
    assert text.count("{") == text.count("}")
    assert text.index(r"\toprule") < text.index("Interpretability Index & 1.00") < text.index(r"\bottomrule")


def test_an_unknown_study_is_named_beside_those_there_are(small: Survey) -> None:
    with pytest.raises(CommandError, match="no study 'demoo'; there are: small"):
        printed("demoo")


def test_an_unknown_protocol_version_is_said(small: Survey) -> None:
    with pytest.raises(CommandError, match="no protocol of version 9"):
        printed("small", "--protocol", "9")


def test_bots_are_counted_where_asked(answered: Survey) -> None:
    answered.rating(answered.participant(kind="bot"), 0, 0)
    assert json.loads(printed("small", "--format", "json"))["columns"][0]["index"]["n"] == 2
    with_bots = json.loads(printed("small", "--format", "json", "--include-bots"))
    assert with_bots["columns"][0]["index"]["n"] == 3


def test_special_characters_of_tex_and_of_spreadsheets_are_harmless() -> None:
    assert tex(r"a_b\c~^") == r"a\_b\textbackslash{}c\textasciitilde{}\textasciicircum{}"
    assert (safe("=1"), safe("Ours 1")) == ("'=1", "Ours 1")
