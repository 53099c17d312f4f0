"""A study folder that is damaged, changed, foreign or does not fit together stores nothing, and is told why."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from survey_site.reports.study_folder import layout
from survey_site.stimuli.models import Stimulus
from survey_site.studies.models import Study
from survey_site.trials.models import Participant
from tests.reports.factory import Survey
from tests.reports.test_study_folder import erase, export

pytestmark = pytest.mark.django_db


def refused(source: Path, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("import_study", str(source), stdout=io.StringIO())
    assert not Study.objects.exists()
    assert not Stimulus.objects.exists()


@pytest.fixture
def out(rich: Survey, tmp_path: Path) -> Path:
    target = export("small", tmp_path / "out")
    erase(rich.study)
    return target


def rehash(out: Path, name: str) -> None:
    """Makes a changed file's hash fit, as a forger or a hand-edit with care would."""
    manifest = json.loads((out / layout.MANIFEST).read_text())
    manifest["files"][name]["sha256"] = layout.digest((out / name).read_bytes())
    (out / layout.MANIFEST).write_text(json.dumps(manifest))


def test_a_changed_answer_is_noticed(out: Path) -> None:
    path = out / "trials.jsonl"
    path.write_text(path.read_text().replace('"rating":0', '"rating":6'))
    refused(out, "trials.jsonl was changed after the export")


def test_a_missing_table_is_named(out: Path) -> None:
    (out / "participants.jsonl").unlink()
    refused(out, "participants.jsonl is missing")


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, "manifest.json is missing")
    (tmp_path / layout.MANIFEST).write_text("[1]")
    refused(tmp_path, "does not hold an object")
    (tmp_path / layout.MANIFEST).write_text('{"format": "psych-ds"}')
    refused(tmp_path, "is no study folder")
    (tmp_path / layout.MANIFEST).write_text(json.dumps({"format": layout.FORMAT, "version": 99}))
    refused(tmp_path, "version 99; this program reads the versions 1 and 2")


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "media/../../evil"])
def test_paths_outside_the_folder_are_refused(out: Path, name: str) -> None:
    manifest = json.loads((out / layout.MANIFEST).read_text())
    manifest["files"][name] = {"sha256": ""}
    (out / layout.MANIFEST).write_text(json.dumps(manifest))
    refused(out, "outside the folder")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            '"stimulus":"cat-0"',
            '"stimulus":"nothing"',
            "trials.jsonl, line 1: the row does not fit .*nothing",
        ),
        ('"condition":1', '"condition":99', "trials.jsonl, line 1: the row does not fit"),
        (
            '"condition":1',
            '"condition":-1',
            "trials.jsonl, line 1: the row does not fit .*there is no place -1",
        ),
        ('"rating":0', '"rating":', "trials.jsonl, line 2: not JSON"),
        (
            '"position":1,',
            '"position":1.5,',
            "trials.jsonl, line 2: position is 1.5 and must be a whole number",
        ),
        ('"position":1,', '"position":0,', "trials.jsonl: a participant has two trials at one position"),
        ('"position":1,', '"position":-1,', "line 2: position is -1 and must lie between 0 and 32767"),
        ('"probability":1', '"probability":NaN', "line 2: NaN is no JSON"),
        ('"probability":1', '"probability":1e999', "line 2: probability is inf and must be a number"),
        ('"pool":["cat-0"', '"pool":["dog-1"', "line 1: its pool shows an image twice"),
        ('+00:00"', '"', "line 1: .*_at is .* and must say its time zone"),
    ],
)
def test_rows_that_do_not_fit_store_nothing(out: Path, old: str, new: str, words: str) -> None:
    path = out / "trials.jsonl"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    rehash(out, "trials.jsonl")
    refused(out, words)


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        (
            {"matching": {"pool_size": "four"}},
            "study.json: the setting 'pool_size' of matching must be a whole number",
        ),
        ({"rating": 4}, "do not fit together"),
        ([], "do not fit together"),
    ],
)
def test_settings_that_a_task_cannot_have_are_refused(out: Path, stored: Any, words: str) -> None:
    head = json.loads((out / layout.STUDY).read_text())
    head["settings"]["task_settings"] = stored
    (out / layout.STUDY).write_text(json.dumps(head))
    rehash(out, layout.STUDY)
    refused(out, words)


def test_a_document_of_a_later_format_is_refused_in_one_line(out: Path) -> None:
    head = json.loads((out / layout.STUDY).read_text())
    head["protocols"][0]["document"]["format"] = 3
    (out / layout.STUDY).write_text(json.dumps(head))
    rehash(out, layout.STUDY)
    refused(out, "study.json: the document is of format 3; this program reads the formats 1 and 2$")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"state": "finishd"}, "state is 'finishd' and must be one of 'started', .*'finished'"),
        ({"kind": "robot"}, "kind is 'robot' and must be one of"),
        (
            {"started_at": "2026-03-02T12:00:00Z", "finished_at": "2026-03-02T11:00:00Z"},
            r"finished_at \(2026-03-02T11.*\) lies before started_at",
        ),
        ({"code": "p02"}, "participants.jsonl: two participants have one code"),
    ],
)
def test_a_participant_that_cannot_be_is_refused(out: Path, values: dict[str, Any], words: str) -> None:
    path = out / "participants.jsonl"
    first, *others = path.read_text().splitlines(keepends=True)
    path.write_text(json.dumps(json.loads(first) | values) + "\n" + "".join(others))
    rehash(out, "participants.jsonl")
    refused(out, words)


def test_a_study_that_exists_is_not_touched(rich: Survey, tmp_path: Path) -> None:
    target = export("small", tmp_path / "out")
    with pytest.raises(CommandError, match="there is a study 'small' already"):
        call_command("import_study", str(target))
    assert Participant.objects.count() == 3


def test_an_unknown_owner_is_said(out: Path) -> None:
    with pytest.raises(CommandError, match="no user 'nobody'"):
        call_command("import_study", str(out), "--owner", "nobody")


def test_an_answer_of_another_kind_than_its_question_s_is_refused(rich: Survey, tmp_path: Path) -> None:
    rich.protocol.document["texts"] = {"en": {"demographics": "age: How old are you? [18-99]"}}
    rich.protocol.save()
    who = Participant.objects.get(code="p01")
    Participant.objects.filter(pk=who.pk).update(language="en", demographics={"age": "thirty"})
    out = export("small", tmp_path / "out")
    erase(rich.study)
    refused(out, "participants.jsonl, line 1: .*the answer to “age” is 'thirty'")
