"""Study folders of version 1, as exported before tasks were packages, are imported without loss.

`format_1/replay` is the replay as it was shipped; `format_1/played` a study that robots took part in: practice, checks,
“can't tell”, a timeout, an image that failed, people who left; `played_responses.csv` is what its export was then.
"""

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from fixtures import replay, write_replay
from survey_site.design import canonical
from survey_site.protocols.models import Protocol
from survey_site.reports.exports.csv_stream import responses_csv
from survey_site.reports.population import Population
from survey_site.reports.study_folder import layout
from survey_site.studies.models import Study
from survey_site.trials.models import Response, Trial
from tests.reports.test_bad_study_folder import refused, rehash
from tests.reports.test_study_folder import erase, export, load

pytestmark = pytest.mark.django_db
OLD = Path(__file__).parent / "format_1"
FAITH = ["48", "96", "92", "92", "80", "76"]
INDEX = ["1.02", "4.05", "3.63", "3.47", "3.24", "3.30"]


def old(name: str) -> dict[str, Any]:
    """`study.json` of an old folder."""
    found: dict[str, Any] = json.loads((OLD / name / layout.STUDY).read_text())
    return found


def answers() -> list[tuple[Any, ...]]:
    """All that is stored of the answers, in the order of the sessions."""
    names = (
        "participant__code",
        "task",
        "score",
        "second_score",
        "declined",
        "missing",
        "answer",
        "rt_ms",
        "client",
    )
    return list(Response.objects.order_by("participant", "trial__position").values_list(*names))


def test_the_folders_are_of_version_1() -> None:
    for name in ("replay", "played"):
        assert json.loads((OLD / name / layout.MANIFEST).read_text())["version"] == 1
        assert old(name)["protocols"][0]["document"]["format"] == 1


def test_the_old_replay_gives_table_1_to_the_digit() -> None:
    load(OLD / "replay")
    out = io.StringIO()
    call_command("report", replay.SLUG, "--format", "json", stdout=out)
    columns = json.loads(out.getvalue())["columns"]
    assert [column["faith"]["text"] for column in columns] == FAITH
    assert [column["index"]["text"] for column in columns] == INDEX


def test_the_old_replay_has_the_answers_of_the_new_one() -> None:
    study = load(OLD / "replay")
    before, settings = answers(), study.task_settings
    assert len(before) == 750
    erase(study)
    assert load(write_replay.FOLDER).task_settings == settings
    assert answers() == before


@pytest.mark.parametrize("name", ["replay", "played"])
def test_sealed_documents_keep_their_bytes_and_their_hash(name: str, tmp_path: Path) -> None:
    (sealed,) = old(name)["protocols"]
    study = load(OLD / name)
    protocol = Protocol.objects.get()
    assert protocol.document == sealed["document"]
    assert protocol.hash == sealed["hash"] == canonical.sha256(protocol.document)
    assert protocol.content["format"] == 2
    out = export(study.slug, tmp_path / "out", "--no-media")
    assert json.loads((out / layout.STUDY).read_text())["protocols"] == [sealed]


@pytest.mark.parametrize("name", ["replay", "played"])
def test_an_old_study_is_exported_as_version_2_that_gives_the_same_answers(name: str, tmp_path: Path) -> None:
    study = load(OLD / name)
    before, settings = answers(), study.task_settings
    out = export(study.slug, tmp_path / "out", "--no-media")
    assert json.loads((out / layout.MANIFEST).read_text())["version"] == 2
    erase(study)
    assert load(out).task_settings == settings
    assert answers() == before


def test_every_kind_of_answer_is_read_from_the_old_study() -> None:
    load(OLD / "played")
    found = {(row.task, row.missing, row.declined) for row in Response.objects.all()}
    assert found == {
        ("matching", "", False), ("matching", "", True), ("matching", "timeout", False),
        ("rating", "", False), ("rating", "image_failed", False),
    }  # fmt: skip
    checks = Trial.objects.filter(attention_check=True)
    assert {(row.task, row.expected is None) for row in checks} == {("matching", True), ("rating", False)}
    asked = [row["expected_rating"] for row in rows("played") if "expected_rating" in row]
    assert sorted(asked) == sorted(row.expected for row in checks if row.expected is not None)
    assert Study.objects.get().task_settings["matching"]["headline"] == "class"


def test_the_old_study_gives_the_csv_that_it_gave_then() -> None:
    then = list(csv.DictReader(io.StringIO((OLD / "played_responses.csv").read_text(), newline="")))
    study = load(OLD / "played")
    text = b"".join(responses_csv(study, Population(bots=True))).decode()
    now = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(now) == len(then) == 26
    assert [{name: row[name] for name in then[0]} for row in now] == then


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (OLD / name / "trials.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    ("line", "changes", "words"),
    [
        (1, {"correct": True}, "score is 1 and must be 0"),
        (1, {"correct": "no"}, "correct and class_correct are 0 or 1|score is 'no'"),
        (1, {"class_correct": True}, "answer.class_correct is 1 and must be 0"),
        (1, {"choice": "image-24"}, "'image-24' is not in the trial's pool"),
        (1, {"rating": 3}, "this one has choice, rating"),
        (1, {"missing": "timeout"}, "one answer or a reason"),
        (8, {"rating": 3.5}, "a rating is a whole number from 0 to 6"),
        (8, {"rating": 7}, "a rating is a whole number from 0 to 6"),
    ],
)
def test_a_false_old_answer_is_refused_by_its_line(
    line: int, changes: dict[str, Any], words: str, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(OLD / "replay", tmp_path / "folder"))
    changed = rows("replay")
    changed[line - 1]["response"] |= changes
    (folder / "trials.jsonl").write_text("".join(json.dumps(row) + "\n" for row in changed))
    rehash(folder, "trials.jsonl")
    refused(folder, f"trials.jsonl, line {line}: .*({words})")
