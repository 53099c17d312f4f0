"""wide.csv: one row per participant, with the answers of responses.csv and the means of the counted ones."""

import csv
import io

import pytest

from survey_site.reports.exports.csv_stream import responses_csv
from survey_site.reports.exports.tables import TABLES
from survey_site.reports.population import Population
from survey_site.studies.models import Study
from tests.reports.factory import Survey

pytestmark = pytest.mark.django_db


def read(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def wide(study: Study, population: Population | None = None) -> list[dict[str, str]]:
    return read(b"".join(TABLES["wide"].stream(study, population or Population())))


def test_everybody_has_one_row_with_every_answer_of_responses(small: Survey) -> None:
    first, second = small.participant(), small.participant()
    small.matching(first, 0, 2)
    small.rating(first, 1, 5, client={"dpr": 2})
    small.missing(first, 1, task="rating")
    small.rating(second, 0, 0)
    small.participant()
    rows = {row["participant"]: row for row in wide(small.study)}
    assert list(rows) == ["p01", "p02", "p03"]
    for answer in read(b"".join(responses_csv(small.study, Population()))):
        row, place = rows[answer["participant"]], answer["position"]
        for name in ("block", "column", "stimulus", "choice", "correct", "rating", "score", "rt_ms", "seen"):
            assert row[f"t{place}_{name}"] == answer[name], name
    assert (rows["p01"]["t2_missing"], rows["p01"]["t2_score"]) == ("timeout", "")
    assert {value for name, value in rows["p03"].items() if name.startswith("t2_")} == {""}


def test_means_are_of_the_counted_answers_alone(small: Survey) -> None:
    who = small.participant()
    for rating in (2, 5):
        small.rating(who, 1, rating)
    small.rating(who, 1, 6, block="practice")
    small.rating(who, 1, 6, attention_check=True)
    small.rating(who, 1, 6, seen="no")
    small.rating(who, 0, 0)
    small.missing(who, 0, task="rating")
    (row,) = wide(small.study)
    assert (row["mean_rating_ours_1"], row["n_rating_ours_1"]) == ("3.5", "2")
    assert (row["mean_rating_grad_cams"], row["n_rating_grad_cams"]) == ("0", "1")
    assert (row["mean_matching_ours_1"], row["n_matching_ours_1"]) == ("", "0")


@pytest.mark.parametrize(("counts", "mean"), [(True, "4"), (False, "3")])
def test_answers_without_javascript_count_where_the_protocol_says_so(
    small: Survey, counts: bool, mean: str
) -> None:
    small.protocol.document["design"] = {"count_unknown_seen": counts}
    small.protocol.save()
    who = small.participant()
    small.rating(who, 0, 3)
    small.rating(who, 0, 5, seen="unknown")
    assert wide(small.study)[0]["mean_rating_grad_cams"] == mean


def test_who_has_no_row_elsewhere_has_none_here(small: Survey) -> None:
    for values in ({"state": "withdrawn"}, {"kind": "preview"}, {"kind": "bot"}):
        small.rating(small.participant(**values), 0, 3)
    small.rating(small.participant(), 0, 1)
    assert [row["t0_rating"] for row in wide(small.study)] == ["1"]
    assert [row["t0_rating"] for row in wide(small.study, Population(bots=True))] == ["3", "1"]


def test_columns_of_one_name_are_told_apart_and_texts_are_no_formulas(small: Survey) -> None:
    first, second = small.conditions
    type(first).objects.filter(pk=first.pk).update(column="=Ours 1")
    type(first).objects.filter(pk=second.pk).update(column="Ours.1")
    who = small.participant()
    small.rating(who, 0, 3)
    header = [column.name for column in TABLES["wide"].columns(small.study)]
    assert len(set(header)) == len(header)
    assert wide(small.study)[0]["t0_column"] == "'=Ours 1"
    plain = dict(zip(header, next(iter(TABLES["wide"].values(small.study, Population()))), strict=True))
    assert plain["t0_column"] == "=Ours 1"


def test_a_study_without_anybody_has_a_header(small: Survey) -> None:
    assert wide(small.study) == []
    assert TABLES["wide"].columns(small.study)[0].name == "study"
