"""Files for Excel, SPSS and Stata: what each tool reads back is what was stored, with labels of variables and values."""

import io
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from survey_site.reports.exports import fitting
from survey_site.reports.exports.tables import TABLES
from survey_site.reports.population import Population
from tests.reports.factory import Survey

pyreadstat = pytest.importorskip("pyreadstat", reason="needs the extra 'reports'")
openpyxl = pytest.importorskip("openpyxl", reason="needs the extra 'dev'")
data_files = pytest.importorskip("survey_site.reports.exports.data_files")

pytestmark = pytest.mark.django_db
LONG = "Wie fühlen Sie sich, wenn Sie diese Karten – alle – ansehen? " * 6


@pytest.fixture
def own(small: Survey) -> Survey:
    """Two people: formulas, accents, missing values, a time, a question with choices in two languages."""
    small.protocol.document["texts"] = {
        "en": {"demographics": f"sight: Colours? [Yes / No]\nage: Age? [18-99]\nnote: {LONG}"},
        "fr": {"demographics": "sight: Couleurs ? [Oui / Non]\nage: Âge ? [18-99]"},
    }
    small.protocol.save()
    who = small.participant(language="fr", demographics={"sight": "Non", "age": 31}, device="phone")
    small.matching(who, 0, 2, client={"dpr": 1.5})
    small.rating(who, 0, 0)
    small.missing(who, 1, task="rating")
    small.participant(demographics={"note": "=1+1 é"}, excluded=True, exclusion_reason="@odd")
    return small


def made(own: Survey, kind: str, folder: Path) -> Path:
    target = folder / f"made.{kind}"
    data_files.WRITERS[kind](own.study, Population(), target)
    if kind == "xlsx":
        return target
    with zipfile.ZipFile(target) as archive:
        assert "codebook.html" in archive.namelist()
        archive.extractall(folder)
    return folder


READERS = {"spss": ("sav", pyreadstat.read_sav), "stata": ("dta", pyreadstat.read_dta)}


def read(own: Survey, kind: str, folder: Path, table: str) -> tuple[Any, Any]:
    suffix, reader = READERS[kind]
    frame, facts = reader(str(made(own, kind, folder) / f"{table}.{suffix}"))
    return frame, facts


@pytest.mark.parametrize("kind", READERS)
def test_answers_are_read_back_with_their_types(own: Survey, tmp_path: Path, kind: str) -> None:
    frame, _ = read(own, kind, tmp_path, "responses")
    assert frame.participant.tolist() == ["p01", "p01", "p01"]
    assert frame.correct.tolist()[0] == 0 and frame.rating.isna().tolist() == [True, False, True]
    assert frame.rating[1] == 0
    assert frame.choice.tolist() == ["cat-2", "", ""]
    assert str(frame.shown_at[0]) == "2026-03-01 12:00:00.250000"


@pytest.mark.parametrize("kind", READERS)
def test_variables_and_values_have_their_labels(own: Survey, tmp_path: Path, kind: str) -> None:
    frame, facts = read(own, kind, tmp_path, "participants")
    labels = facts.variable_value_labels
    assert facts.column_names_to_labels["q_age"] == "Answer to “Age?”."
    assert labels["excluded"] == {0: "no", 1: "yes"}
    assert labels["q_sight_code"] == {1: "Yes", 2: "No"}
    assert [labels["device"][number] for number in frame.device.dropna()] == ["phone"]
    assert (frame.q_sight_code[0], frame.q_age[0]) == (2, 31)
    assert labels["q_sight"][frame.q_sight[0]] == "Non"
    long = facts.column_names_to_labels["q_note"]
    assert long.startswith("Answer to “Wie fühlen") and long.endswith("…")


@pytest.mark.parametrize("kind", READERS)
def test_texts_stand_as_they_were_given(own: Survey, tmp_path: Path, kind: str) -> None:
    frame, _ = read(own, kind, tmp_path, "participants")
    assert frame.q_note.tolist() == ["", "=1+1 é"]
    assert frame.exclusion_reason.tolist() == ["", "@odd"]


@pytest.mark.parametrize("kind", READERS)
def test_every_table_and_column_is_there(own: Survey, tmp_path: Path, kind: str) -> None:
    folder, (suffix, reader) = made(own, kind, tmp_path), READERS[kind]
    for table in TABLES.values():
        frame, facts = reader(str(folder / f"{table.name}.{suffix}"))
        assert len(facts.column_names) == len(table.columns(own.study))
        assert len(frame) == len(list(table.values(own.study, Population())))


def test_a_workbook_holds_texts_as_texts_and_numbers_as_numbers(own: Survey, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(made(own, "xlsx", tmp_path))
    assert book.sheetnames == [*TABLES, "codebook"]
    header, *rows = book["participants"].iter_rows()
    places = {cell.value: place for place, cell in enumerate(header)}
    note, age = rows[1][places["q_note"]], rows[0][places["q_age"]]
    assert (note.value, note.data_type, age.value, age.data_type) == ("=1+1 é", "s", 31, "n")
    header, *rows = book["responses"].iter_rows(values_only=True)
    answer = dict(zip(header, rows[0], strict=True))
    assert (answer["correct"], answer["rating"], answer["shown_at"].isoformat()) == (
        0,
        None,
        "2026-03-01T12:00:00.250000",
    )
    meanings = {row[1]: row[2] for row in book["codebook"].iter_rows(values_only=True)}
    assert meanings["q_note"] == f"Answer to “{LONG.strip()}”, as it was written."


@pytest.mark.parametrize(
    ("kind", "limit", "said"),
    [
        ("xlsx", "SHEET_ROWS", "responses has 3 rows; a sheet of Excel holds 2."),
        ("xlsx", "SHEET_COLUMNS", r"responses has \d+ columns; a sheet of Excel has 3."),
        (
            "spss",
            "CELLS_AT_ONCE",
            r"responses has 3 rows of \d+ columns; a file for SPSS or Stata holds up to 3 values.",
        ),
        (
            "stata",
            "CELLS_AT_ONCE",
            r"responses has 3 rows of \d+ columns; a file for SPSS or Stata holds up to 3 values.",
        ),
    ],
)
def test_more_than_a_format_holds_is_refused_in_one_line_before_anything_is_read(
    own: Survey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, limit: str, said: str
) -> None:
    monkeypatch.setattr(fitting, limit, 3)
    monkeypatch.delattr(data_files, "typed_rows")
    with pytest.raises(fitting.DoesNotFit, match=f"{said} Take CSV, or Parquet "):
        data_files.WRITERS[kind](own.study, Population(), tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no cursors on the server")
def test_a_file_that_is_broken_off_closes_its_cursor_at_once(
    own: Survey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_files, "CELL_CHARACTERS", 1)
    with pytest.raises(fitting.DoesNotFit) as held:  # its traceback holds the rows
        data_files.write_xlsx(own.study, Population(), tmp_path / "x.xlsx")
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_cursors WHERE name LIKE '_django%'")
        assert cursor.fetchall() == [], held


def test_names_are_cut_and_told_apart() -> None:
    names = data_files.unique_names(["a" * 40, "a" * 41, "with", "1st", "é b", "_n"], 32)
    assert names[:2] == ["a" * 32, f"{'a' * 30}_2"]
    assert names[2:] == ["with_", "v_1st", "v___b", "v__n"]
    assert data_files.cut("é" * 10, 9) == "ééé…" and data_files.cut("é" * 4, 4, characters=True) == "éééé"


R = shutil.which("Rscript")
R_HAS_HAVEN = (
    R and subprocess.run([R, "-e", "library(haven)"], capture_output=True, check=False).returncode == 0
)


@pytest.mark.skipif(not R_HAS_HAVEN, reason="R with haven is not installed on this machine")
@pytest.mark.parametrize("kind", READERS)
def test_r_reads_the_same(own: Survey, tmp_path: Path, kind: str) -> None:
    path = made(own, kind, tmp_path) / f"participants.{READERS[kind][0]}"
    code = (
        f"x <- haven::read_{READERS[kind][0]}('{path}'); cat(as.character(haven::as_factor(x$q_sight_code)), "
        "x$q_age, x$q_note, attr(x$q_age, 'label'), sep='\\n')"
    )
    done = subprocess.run([str(R), "-e", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.splitlines() == ["No", "NA", "31", "NA", "", "=1+1 é", "Answer to “Age?”."]


@pytest.mark.parametrize("kind", data_files.WRITERS)
def test_the_command_writes_them_too(own: Survey, tmp_path: Path, kind: str) -> None:
    out = io.StringIO()
    call_command("export_data", "small", "--out", str(tmp_path), "--format", kind, stdout=out)
    assert zipfile.is_zipfile(out.getvalue().strip())


def test_the_command_says_in_one_line_what_does_not_fit(
    own: Survey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_files, "STATA_TEXT", 3)
    with pytest.raises(
        CommandError, match=r"^responses: a text has \d+ bytes, the format takes 3. Take CSV.$"
    ):
        call_command("export_data", "small", "--out", str(tmp_path), "--format", "stata")
    assert list(tmp_path.iterdir()) == []
