"""The Psych-DS data set passes the validator of the standard's authors, where one is at hand.

`PSYCHDS_VALIDATOR` is the command: `validate` after `npm install -g psychds-validator`, or
`deno run -A src/psychds-validator.ts` in a clone of github.com/psych-ds/psychds-validator.
"""

import io
import json
import os
import shlex
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from fixtures import write_replay
from survey_site.reports.exports.psych_ds import write_zip
from survey_site.reports.population import Population
from survey_site.studies.models import Study
from tests.reports.factory import Survey, survey

COMMAND = os.environ.get("PSYCHDS_VALIDATOR", "")
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        not COMMAND, reason="PSYCHDS_VALIDATOR does not name the Psych-DS validator's command"
    ),
]
# Folders and files that the standard recommends to whole projects, and a data export does not have.
OPTIONAL = ("MISSING_",)


def judged(study: Study, folder: Path) -> tuple[bool, list[str]]:
    """The validator's verdict and the keys of all it found, warnings included."""
    with write_zip(study, Population()) as archive:
        zipfile.ZipFile(archive).extractall(folder)
    done = subprocess.run(
        [*shlex.split(COMMAND), str(folder), "--json", "--showWarnings"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    start = done.stdout.find('{"valid"')
    assert start >= 0, done.stdout + done.stderr
    told: dict[str, Any] = json.JSONDecoder().raw_decode(done.stdout[start:])[0]
    return told["valid"], [issue["key"] for issue in told["issues"]]


def test_the_replay_is_a_valid_data_set(tmp_path: Path) -> None:
    call_command("import_study", str(write_replay.FOLDER), stdout=io.StringIO())
    valid, issues = judged(Study.objects.get(), tmp_path)
    assert valid
    assert [key for key in issues if not key.startswith(OPTIONAL)] == []


def test_awkward_names_and_missing_cells_stay_valid(small: Survey, tmp_path: Path) -> None:
    small.study.title = '=1+1 "quoted", é\nsecond line'
    small.study.save()
    person = small.participant(excluded=True, exclusion_reason="two\nlines, and a comma")
    small.missing(person)
    small.matching(person, 0, None)
    small.rating(person, 0, 3)
    valid, issues = judged(small.study, tmp_path)
    assert valid
    assert [key for key in issues if not key.startswith(OPTIONAL)] == []


def test_a_study_without_answers_is_a_valid_data_set(tmp_path: Path) -> None:
    valid, _ = judged(survey("empty").study, tmp_path)
    assert valid
