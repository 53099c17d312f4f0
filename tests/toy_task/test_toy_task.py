"""A task type from outside: named by STUDY_TASKS, it works everywhere by what stands in its folder alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from survey_site.tasks import registry
from tests.run import OURS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.browser
def test_it_is_planned_answered_scored_simulated_reported_and_exported(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    chosen = {"STUDY_TASKS": "tests.toy_task", "DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/toy_task/checks.py"]
    done = subprocess.run(command, env={**kept, **chosen}, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "15 passed" in done.stdout


def test_without_the_variable_it_does_not_exist() -> None:
    assert registry.named("telling") is None
