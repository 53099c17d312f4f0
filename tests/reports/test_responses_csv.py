"""responses.csv: the fixed columns, one row per response, safe for spreadsheets, the same bytes everywhere."""

import csv
import hashlib
import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from survey_site.reports.exports.columns import responses_columns
from survey_site.reports.exports.csv_stream import StreamTally, checksum, csv_line, responses_csv
from survey_site.reports.population import Population
from survey_site.studies.models import Study
from tests.reports.factory import Survey

pytestmark = pytest.mark.django_db

# design.md, section 5: checks outside the repository rely on these names and their order.
FIXED = [
    "study", "protocol_hash", "participant", "trial", "position", "block", "task", "stimulus",
    "stimulus_class", "classifier", "base", "method", "column", "map_sha256", "pool", "pool_position",
    "choice", "choice_class", "correct", "class_correct", "rating", "rt_ms", "seen", "shown_at",
    "answered_at", "attention_check", "excluded", "exclusion_reason",
]  # fmt: skip


def read(study: Study, population: Population | None = None) -> list[dict[str, str]]:
    data = b"".join(responses_csv(study, population or Population()))
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))


def test_the_columns_are_the_fixed_ones_in_their_order(small: Survey) -> None:
    header = next(iter(responses_csv(small.study, Population()))).decode()
    assert header.rstrip("\n").split(",") == [*FIXED, "kind", "score", "measurement_hash"]
    assert [c.name for c in responses_columns()] == [*FIXED, "kind", "score", "measurement_hash"]


def test_a_matching_answer_is_told_in_full(small: Survey) -> None:
    small.matching(small.participant(), 1, 2)
    assert read(small.study) == [
        {
            "study": "small", "protocol_hash": "ab" * 32, "participant": "p01", "trial": "p01-0", "position": "0",
            "block": "matching", "task": "matching", "stimulus": "cat-0", "stimulus_class": "cat",
            "classifier": "MobileNetV2", "base": "gradcam", "method": "add-edges", "column": "Ours 1",
            "map_sha256": "", "pool": "cat-0|dog-1|cat-2|dog-3", "pool_position": "0", "choice": "cat-2",
            "choice_class": "cat", "correct": "0", "class_correct": "1", "rating": "", "rt_ms": "1500",
            "seen": "yes", "shown_at": "2026-03-01T12:00:00.250000Z",
            "answered_at": "2026-03-01T12:00:00.750000Z", "attention_check": "0", "excluded": "0",
            "exclusion_reason": "", "kind": "person", "score": "0",
            "measurement_hash": small.protocol.measurement_hash,
        }
    ]  # fmt: skip


def test_a_rating_of_zero_is_zero_and_a_missing_one_is_empty(small: Survey) -> None:
    who = small.participant()
    small.rating(who, 0, 0)
    small.missing(who, 0, task="rating")
    rows = read(small.study)
    assert [row["rating"] for row in rows] == ["0", ""]
    for name in ("pool", "pool_position", "choice", "choice_class", "correct", "class_correct"):
        assert [row[name] for row in rows] == ["", ""]


def test_cant_tell_is_an_answer_and_not_correct(small: Survey) -> None:
    small.matching(small.participant(), 0, None)
    (row,) = read(small.study)
    assert (row["choice"], row["choice_class"], row["correct"]) == ("cant_tell", "", "0")


def test_times_without_a_fraction_have_the_same_form(small: Survey) -> None:
    response = small.rating(small.participant(), 0, 1)
    response.answered_at = response.answered_at.replace(microsecond=0)
    response.save()
    assert read(small.study)[0]["answered_at"] == "2026-03-01T12:00:00Z".replace("Z", ".000000Z")


def test_positions_count_from_zero_over_the_session_and_name_the_trial(small: Survey) -> None:
    who = small.participant()
    small.matching(who, 0, 0, block="practice")
    small.matching(who, 0, 0)
    small.rating(who, 0, 3)
    rows = read(small.study)
    assert [(row["block"], row["position"], row["trial"]) for row in rows] == [
        ("practice", "0", "p01-0"),
        ("matching", "1", "p01-1"),
        ("rating", "2", "p01-2"),
    ]


def test_the_source_is_found_wherever_it_stands_in_the_pool(small: Survey) -> None:
    response = small.matching(small.participant(), 0, 0)
    trial = response.trial
    trial.pool = [small.stimuli[i].pk for i in (3, 2, 0, 1)]
    trial.save()
    (row,) = read(small.study)
    assert (row["pool"], row["pool_position"]) == ("dog-3|cat-2|cat-0|dog-1", "2")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"excluded": True, "exclusion_reason": "too fast"}, "too fast"),
        ({"excluded": True}, "excluded"),
        ({"surplus": True}, "surplus"),
        ({"state": "consented"}, "unfinished"),
        ({}, ""),
    ],
)
def test_rows_outside_the_analysis_say_why(small: Survey, values: dict[str, Any], reason: str) -> None:
    small.rating(small.participant(**values), 0, 3)
    (row,) = read(small.study)
    assert (row["excluded"], row["exclusion_reason"]) == ("1" if reason else "0", reason)


def test_withdrawn_people_previews_and_bots_have_no_rows(small: Survey) -> None:
    for values in ({"state": "withdrawn"}, {"kind": "preview"}, {"kind": "bot"}):
        small.rating(small.participant(**values), 0, 3)
    assert read(small.study) == []
    assert len(read(small.study, Population(bots=True))) == 1


def test_answers_of_another_study_stay_out(small: Survey) -> None:
    from tests.reports.factory import survey

    other = survey("other")
    other.rating(other.participant(), 0, 3)
    assert read(small.study) == []


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(small: Survey, start: str) -> None:
    text = f'{start}HYPERLINK("http://x","y")'
    small.stimuli[0].stimulus_class = text
    small.stimuli[0].key = "-key"
    small.stimuli[0].save()
    small.matching(small.participant(excluded=True, exclusion_reason=text), 0, 0)
    (row,) = read(small.study)
    assert row["stimulus_class"] == row["choice_class"] == row["exclusion_reason"] == f"'{text}"
    assert row["pool"].startswith("'-key|")
    assert row["stimulus"] == row["choice"] == "'-key"


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_the_label_of_a_classifier_is_no_formula(small: Survey, start: str) -> None:
    label = f"{start}cmd|' /C calc'!A0"
    small.conditions[0].classifier = label
    small.conditions[0].save()
    small.matching(small.participant(), 0, 0)
    (row,) = read(small.study)
    assert row["classifier"] == f"'{label}"


def test_commas_quotes_and_line_ends_survive(small: Survey) -> None:
    texts = ['a, "b"', "two\nlines", "x\ry", " spaces ", "ünï|côdé"]
    for text in texts:
        small.rating(small.participant(excluded=True, exclusion_reason=text), 0, 3)
    assert [row["exclusion_reason"] for row in read(small.study)] == texts


def test_the_row_count_and_checksum_are_those_of_the_bytes(small: Survey) -> None:
    for i in range(5):
        small.rating(small.participant(excluded=True, exclusion_reason="two\nlines"), 0, i)
    data = b"".join(responses_csv(small.study, Population()))
    tally = StreamTally()
    checksum(responses_csv(small.study, Population(), tally), tally)
    assert (tally.rows, tally.size) == (5, len(data))
    assert tally.sha256.hexdigest() == hashlib.sha256(data).hexdigest()


def test_the_export_is_made_in_pieces(small: Survey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("survey_site.reports.exports.csv_stream.CHUNK_BYTES", 500)
    who = small.participant()
    for _ in range(20):
        small.rating(who, 0, 3)
    chunks: Iterator[bytes] = responses_csv(small.study, Population())
    sizes = [len(chunk) for chunk in chunks]
    assert len(sizes) > 5
    assert max(sizes) < 1000


def test_copy_and_rows_write_the_same_line() -> None:
    """What PostgreSQL's COPY quotes, `csv_line` quotes too."""
    cells = ["plain", 'q"', "a,b", "l\nf", "c\rr", " s ", None, 7, "é", "'=1"]
    line = csv_line(cells)
    assert line == b'plain,"q""","a,b","l\nf","c\rr", s ,,7,\xc3\xa9,\'=1\n'
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            statement = "COPY (SELECT %s, %s, %s, %s, %s, %s, NULL, 7, %s, %s) TO STDOUT WITH (FORMAT csv)"
            with cursor.cursor.copy(statement, [c for c in cells if isinstance(c, str)]) as copy:
                assert b"".join(bytes(block) for block in copy) == line
