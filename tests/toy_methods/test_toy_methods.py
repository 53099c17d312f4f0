"""A method from outside: named by SALIENCY_METHODS, it works everywhere by its declaration and its formula alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.run import OURS

ROOT = Path(__file__).resolve().parents[2]


def process(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The catalogue is read when it is imported: a process of its own, embedded mode, with these variables."""
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    return subprocess.run(
        [sys.executable, *arguments], env={**kept, **variables}, cwd=ROOT, capture_output=True, text=True
    )


@pytest.mark.tensorflow
def test_it_works_at_the_command_line_at_the_desk_in_jobs_and_in_exports(tmp_path: Path) -> None:
    done = process(
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/toy_methods/checks.py"),
        SALIENCY_METHODS="tests.toy_methods.declarations",
        DATA_DIR=str(tmp_path),
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "5 passed" in done.stdout


def test_without_the_variable_it_does_not_exist() -> None:
    done = process(
        "-m", "saliency_worker", "explain", "x.png", "--classifier", "VGG16", "--methods", "toy", "--out", "o"
    )
    assert done.returncode == 2
    assert 'Unknown method "toy"' in done.stderr


GOOD = """from saliency_worker.declarations import MethodSpec, Need
DECLARATIONS = (MethodSpec("{key}", "Mine", "none", (Need.ACTIVATIONS,), "{formula}"),)
"""


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (
            {"mine.py": GOOD.format(key="mine", formula="nowhere.mine:mine")},
            'the method "mine" has no formula: there is no module "nowhere.mine"',
        ),
        (
            {"mine.py": GOOD.format(key="mine", formula="formula:mine"), "formula.py": "def other(): ..."},
            'the method "mine" has no formula: formula defines no function "mine"',
        ),
        ({"mine.py": "def mine(activations): ..."}, "mine declares no method: give it DECLARATIONS"),
        (
            {"mine.py": GOOD.format(key="gradcam", formula="formula:mine"), "formula.py": "def mine(): ..."},
            'two methods have the key "gradcam"',
        ),
        ({}, "mine cannot be imported (ModuleNotFoundError"),
        ({"mine.py": "1 / 0"}, "mine cannot be imported (ZeroDivisionError"),
    ],
)
@pytest.mark.parametrize(
    "command", [("-m", "saliency_worker", "methods"), ("-c", "import survey_site.settings")]
)
def test_bad_input_is_one_line_at_boot(
    command: tuple[str, ...], files: dict[str, str], says: str, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    done = process(
        *command, SALIENCY_METHODS="mine", PYTHONPATH=str(tmp_path), DATA_DIR=str(tmp_path / "data")
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1, done.stderr
    assert says in done.stderr
    assert done.stdout == ""
