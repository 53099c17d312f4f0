"""Names of people, images and studies stay text in R, pandas and Excel; no cell of any table is a formula."""

import csv
import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.db.models import CharField, TextField

from survey_site.reports.exports.sql import FORMULA_STARTS
from survey_site.reports.exports.tables import TABLES
from survey_site.reports.population import Population
from survey_site.stimuli.models import SaliencyMap, Stimulus
from survey_site.studies.models import Condition
from survey_site.trials.models import Participant, Trial
from tests.reports.factory import Survey

pytestmark = pytest.mark.django_db
NO_NAMES = (
    "1", "007", "000000000139", "12e34", "1E5", ".5", "1,000", "1-2", "2024-01-31", "1/2", "12:30", "12%", "0x1f", "0X1F",
    "3i", "jan-3", "MAR1", "sept-2", "12-dec", "3 June 2020", "may 5", "NA", "nan", "N/A", "null", "None", "TRUE", "f", "T",
    "inf", "Infinity", "5 pm", "5p", "2024-01-31T10:00", "#N/A", "<NA>", "1_000",
)  # fmt: skip
NAMES = (
    "cat-0",
    "image-001",
    "maria12",
    "nancy",
    "true-story",
    "decor",
    "3d-scan",
    "a1",
    "e5",
    "x1f",
    "may",
    "n02084071-cat",
)


def rows(own: Survey, name: str) -> bytes:
    table = TABLES[name]
    return b"".join(table.stream(own.study, Population()))


def column(data: bytes, name: str) -> list[str]:
    return [row[name] for row in csv.DictReader(io.StringIO(data.decode(), newline=""))]


def named(own: Survey, names: tuple[str, ...]) -> bytes:
    own.study.stimuli.all().delete()
    Stimulus.objects.bulk_create(
        Stimulus(study=own.study, key=name, sha256=f"{i:064x}", upload_sha256=f"{i:064x}", width=8, height=8)
        for i, name in enumerate(names)
    )
    return rows(own, "stimuli")


def test_names_that_could_be_something_else_begin_with_an_apostrophe(small: Survey) -> None:
    assert set(column(named(small, NO_NAMES), "stimulus")) == {f"'{name}" for name in NO_NAMES}


def test_other_names_stay_as_they_are(small: Survey) -> None:
    assert set(column(named(small, NAMES), "stimulus")) == set(NAMES)


@pytest.mark.parametrize("name", NO_NAMES)
def test_pandas_reads_each_of_them_as_text(small: Survey, name: str) -> None:
    pandas = pytest.importorskip("pandas", reason="needs the extra 'reports'")
    read = pandas.read_csv(io.BytesIO(named(small, (name,))))
    assert read.stimulus.tolist() == [f"'{name}"]


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="Rscript is not installed on this machine")
def test_r_reads_each_of_them_as_text(small: Survey, tmp_path: Path) -> None:
    for place, name in enumerate(NO_NAMES):
        (tmp_path / f"{place:02d}.csv").write_bytes(named(small, (name,)))
    code = "for (f in sort(list.files('.', 'csv$'))) cat(class(read.csv(f)$stimulus), read.csv(f)$stimulus, '\\n')"
    done = subprocess.run(["Rscript", "-e", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"character '{name} " for name in NO_NAMES]


def test_ids_are_the_same_in_every_table(small: Survey) -> None:
    Stimulus.objects.filter(pk=small.stimuli[0].pk).update(key="001")
    who = small.participant(code="12e3")
    response = small.matching(who, 0, 0)
    response.answer |= {"choice": "001"}
    response.save()
    answers = rows(small, "responses")
    for name in ("stimulus", "choice"):
        assert column(answers, name) == ["'001"]
    assert column(answers, "participant") == column(rows(small, "participants"), "participant") == ["'12e3"]
    assert column(answers, "trial") == column(rows(small, "trials"), "trial") == ["'12e3-0"]
    assert "'001" in column(rows(small, "stimuli"), "stimulus")


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_whatever_an_import_brings_no_cell_is_a_formula(small: Survey, start: str) -> None:
    small.study.origin = "imported"
    small.matching(small.participant(demographics={"note": f"{start}1"}), 0, 2)
    SaliencyMap.objects.create(stimulus=small.stimuli[0], classifier="c", method="m", provenance={})
    small.protocol.document["texts"] = {"en": {"demographics": "note: Anything?"}}
    small.protocol.hash = f"{start}hash"
    small.protocol.save()
    models: tuple[Any, ...] = (Participant, Trial, Stimulus, SaliencyMap, Condition)
    kept = {"kind", "state", "role", "token", "receipt"}  # chosen by the program, or in no export
    for model in models:
        for field in model._meta.fields:
            if isinstance(field, CharField | TextField) and field.name not in kept:
                row = model.objects.order_by("pk").first()
                model.objects.filter(pk=row.pk).update(**{field.name: f"{start}1"})
    for name in TABLES:
        for row in csv.reader(io.StringIO(rows(small, name).decode(), newline="")):
            for cell in row:
                number = cell.removeprefix("-").replace(".", "").isdigit()
                assert number or not cell.startswith(FORMULA_STARTS), (name, cell)
