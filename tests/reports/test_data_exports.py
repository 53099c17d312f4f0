"""participants, trials, stimuli and maps as CSV, and the Psych-DS zip with its dictionary."""

import codecs
import csv
import hashlib
import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from survey_site.reports.exports.psych_ds import write_zip
from survey_site.reports.exports.tables import TABLES
from survey_site.reports.population import Population
from survey_site.stimuli.models import SaliencyMap
from survey_site.trials.models import ExternalId, Trial
from tests.reports.factory import Survey, survey

pytestmark = pytest.mark.django_db


@pytest.fixture
def own(researcher: Any) -> Survey:
    mine = survey("mine", owner=researcher)
    who = mine.participant(demographics={"age": "SECRET-AGE"})
    mine.matching(who, 0, 2)
    mine.missing(who, 1)
    Trial.objects.create(participant=who, position=7, block="rating", task="rating", stimulus=mine.stimuli[1])
    ExternalId.objects.create(study=mine.study, participant=who, provider="prolific", value="SECRET-PID")
    SaliencyMap.objects.create(
        stimulus=mine.stimuli[0], classifier="MobileNetV2", method="gradcam.add-edges", parameters_hash="1" * 64,
        array_sha256="2" * 64, provenance={}, class_index=3, class_name="=cat",
        metrics={"right": True, "confidence": 1.0, "drop": 0.125, "kept_share": 1e-05, "higher_than_base": None,
                 "increase": False, "sparsity": 0.5, "sanity": -0.25, "deletion": None, "pointing": 1.0},
    )  # fmt: skip
    return mine


def rows(study: Any, name: str, population: Population | None = None) -> list[dict[str, str]]:
    table = TABLES[name]
    data = b"".join(table.stream(study, population or Population()))
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


@contextmanager
def data_set(own: Survey) -> Iterator[zipfile.ZipFile]:
    with write_zip(own.study, Population()) as file, zipfile.ZipFile(file) as archive:
        yield archive


def test_participants_are_told_without_external_ids_or_unasked_answers(own: Survey) -> None:
    own.participant(kind="bot")
    own.participant(state="withdrawn")
    (row,) = rows(own.study, "participants")
    assert (row["participant"], row["state"], row["excluded"]) == ("p01", "finished", "0")
    assert "SECRET" not in str(row)
    assert len(rows(own.study, "participants", Population(bots=True))) == 2


def test_trials_hold_the_unanswered_too_with_the_outcome(own: Survey) -> None:
    found = rows(own.study, "trials")
    assert [(r["trial"], r["outcome"], r["probability"]) for r in found] == [
        ("p01-0", "answered", "1"),
        ("p01-1", "timeout", "1"),
        ("p01-7", "none", "1"),
    ]
    assert found[0]["pool"] == "cat-0|dog-1|cat-2|dog-3"
    assert found[2]["shown_at"] == ""


def test_labels_of_uploaded_maps_are_no_formulas(own: Survey) -> None:
    label = "=1+1"
    own.study.conditions.update(classifier=label)
    SaliencyMap.objects.update(classifier=label, layer=label)
    assert {row["classifier"] for row in rows(own.study, "trials")} <= {f"'{label}", ""}
    (row,) = rows(own.study, "maps")
    assert row["classifier"] == row["layer"] == f"'{label}"


def test_stimuli_are_listed_by_name(own: Survey) -> None:
    found = rows(own.study, "stimuli")
    assert [r["stimulus"] for r in found] == sorted(r["stimulus"] for r in found)
    assert (found[0]["stimulus"], found[0]["width"], found[0]["role"]) == ("cat-0", "8", "main")


def test_maps_carry_their_metrics_in_the_same_words_on_every_database(own: Survey) -> None:
    (row,) = rows(own.study, "maps")
    assert (row["right"], row["confidence"], row["drop"], row["kept_share"]) == ("1", "1", "0.125", "1e-05")
    assert (row["higher_than_base"], row["target_confidence"]) == ("", "")
    assert (row["increase"], row["empty"]) == ("0", "")
    further = ("sparsity", "deletion", "insertion", "sanity", "pointing")
    assert [row[name] for name in further] == ["0.5", "", "", "-0.25", "1"]
    assert (row["class_index"], row["class_name"]) == ("3", "'=cat")


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_offered_with_its_checksum(desk: Client, own: Survey, name: str) -> None:
    response = desk.get(reverse(f"{name}_csv", args=["mine"]))
    data = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    told = desk.get(reverse(f"{name}_checksum", args=["mine"]))
    assert told.content.decode() == f"{hashlib.sha256(data).hexdigest()}  mine-{name}.csv\n"


@pytest.mark.parametrize("address", [*(f"{name}_csv" for name in TABLES), "psych_ds", "codebook"])
def test_nobody_else_gets_them(desk: Client, client: Client, own: Survey, address: str) -> None:
    survey("theirs")
    assert desk.get(reverse(address, args=["theirs"])).status_code == 404
    assert client.get(reverse(address, args=["mine"])).status_code == 302


def test_every_column_is_described_once_in_words() -> None:
    for table in TABLES.values():
        names = [column.name for column in table.columns(None)]
        assert len(set(names)) == len(names)
        for column in table.columns(None):
            assert column.description.endswith(".")
            assert column.name == column.name.lower()


def test_the_data_set_holds_every_table_described_column_by_column(own: Survey) -> None:
    with data_set(own) as archive:
        told = json.loads(archive.read("dataset_description.json"))
        described = {variable["name"] for variable in told["variableMeasured"]}
        for name, table in TABLES.items():
            (path,) = [n for n in archive.namelist() if f"_description-{name}_data.csv" in n]
            header = archive.read(path).decode().splitlines()[0].split(",")
            assert header == [column.name for column in table.columns(own.study)]
            assert set(header) <= described
        assert "README.md" in archive.namelist()


def test_the_data_set_names_the_rows_and_the_hash_of_each_table(own: Survey) -> None:
    with data_set(own) as archive:
        told = json.loads(archive.read("dataset_description.json"))
        for file in told["distribution"]:
            data = archive.read(file["contentUrl"])
            assert file["sha256"] == hashlib.sha256(data).hexdigest()
            count = len(list(csv.reader(io.StringIO(data.decode(), newline="")))) - 1
            assert file["description"].endswith(f" {count} rows.")


def test_the_scripts_of_the_data_set_make_table_1_of_its_data(own: Survey, tmp_path: Path) -> None:
    for rating in (2, 5):
        own.rating(own.participant(), 0, rating)
    with data_set(own) as archive:
        archive.extractall(tmp_path)
    (data,) = tmp_path.glob("data/*description-responses_data.csv")
    for program in (sys.executable, shutil.which("Rscript")):
        script = tmp_path / "analysis" / ("table1.R" if program and "Rscript" in program else "table1.py")
        if program:
            done = subprocess.run(
                [program, script, data], capture_output=True, text=True, check=True, timeout=120
            )
            (row,) = [r for r in csv.DictReader(io.StringIO(done.stdout)) if r["column"] == "Grad-CAMs"]
            assert (row["faith_n"], row["index"], row["index_n"]) == ("1", "3.50", "2")


def test_a_reader_finds_every_column_in_the_codebook(desk: Client, own: Survey) -> None:
    own.study.title = "<b>Mine</b>"
    own.study.save()
    own.participant(kind="bot")
    response = desk.get(reverse("codebook", args=["mine"]), {"bots": "1"})
    page = response.content.decode()
    assert response["Content-Disposition"] == 'attachment; filename="mine-simulated-codebook.html"'
    assert "&lt;b&gt;Mine&lt;/b&gt;" in page and "1 of the participants were simulated" in page
    for table in TABLES.values():
        for column in table.columns(own.study):
            assert f"<code>{column.name}</code>" in page
    with data_set(own) as archive:
        assert b"<code>rt_ms</code>" in archive.read("codebook.html")


def test_a_byte_order_mark_comes_where_it_is_asked_for_and_counts_in_the_checksum(
    desk: Client, own: Survey, tmp_path: Path
) -> None:
    plain, marked = (
        b"".join(desk.get(reverse("responses_csv", args=["mine"]), query).streaming_content)  # type: ignore[attr-defined]
        for query in ({}, {"bom": "1"})
    )
    assert not plain.startswith(codecs.BOM_UTF8) and marked == codecs.BOM_UTF8 + plain
    told = desk.get(reverse("responses_checksum", args=["mine"]), {"bom": "1"})
    assert told.content.decode().startswith(hashlib.sha256(marked).hexdigest())
    call_command("export_data", "mine", "--out", str(tmp_path), "--bom", stdout=io.StringIO())
    assert (tmp_path / "responses.csv").read_bytes() == marked
    with pytest.raises(CommandError, match="--bom is for --format csv"):
        call_command("export_data", "mine", "--out", str(tmp_path), "--bom", "--format", "parquet")


def test_the_same_data_give_the_same_archive(own: Survey) -> None:
    with write_zip(own.study, Population()) as once, write_zip(own.study, Population()) as again:
        assert once.read() == again.read()


def test_the_dictionary_gives_units_limits_and_levels(own: Survey) -> None:
    with data_set(own) as archive:
        told = json.loads(archive.read("dataset_description.json"))
    by_name = {variable["name"]: variable for variable in told["variableMeasured"]}
    assert by_name["rt_ms"]["unitText"] == "ms"
    assert (by_name["rating"]["minValue"], by_name["rating"]["maxValue"]) == (0, 6)
    assert [level["termCode"] for level in by_name["correct"]["valueReference"]] == ["0", "1"]
    assert [level["termCode"] for level in by_name["seen"]["valueReference"]] == ["yes", "no", "unknown"]


def test_an_empty_study_has_tables_with_headers_only(tmp_path: Path) -> None:
    empty = survey("empty")
    assert rows(empty.study, "responses") == rows(empty.study, "trials") == rows(empty.study, "maps") == []


def test_the_command_writes_every_table_with_its_sum(own: Survey, tmp_path: Path) -> None:
    call_command("export_data", "mine", "--out", str(tmp_path), stdout=io.StringIO())
    for line in (tmp_path / "SHA256SUMS").read_text().splitlines():
        digest, _, name = line.partition("  ")
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == digest
    assert sorted(p.stem for p in tmp_path.glob("*.csv")) == sorted(TABLES)


def test_parquet_has_the_types_and_the_nulls(own: Survey, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra 'reports'")
    own.participant(excluded=True, exclusion_reason="two\nlines")
    call_command("export_data", "mine", "--out", str(tmp_path), "--format", "parquet", stdout=io.StringIO())
    for name in TABLES:
        table = parquet.read_table(tmp_path / f"{name}.parquet")
        text = list(csv.DictReader(io.StringIO((tmp_path / f"{name}.csv").read_text(), newline="")))
        assert table.num_rows == len(text)
        assert table.column_names == [c.name for c in TABLES[name].columns(own.study)]
    responses = parquet.read_table(tmp_path / "responses.parquet").to_pylist()
    assert (responses[0]["correct"], responses[0]["rating"], responses[0]["choice"]) == (False, None, "cat-2")
    assert responses[0]["shown_at"].isoformat() == "2026-03-01T12:00:00.250000+00:00"
    people = parquet.read_table(tmp_path / "participants.parquet").to_pylist()
    assert people[1]["exclusion_reason"] == "two\nlines"


def test_the_command_writes_the_data_set(own: Survey, tmp_path: Path) -> None:
    call_command("export_data", "mine", "--out", str(tmp_path), "--format", "psych-ds", stdout=io.StringIO())
    assert zipfile.is_zipfile(tmp_path / "mine-psych-ds.zip")
