"""The registry: tasks in the order of the setting; a package that is none stops with one line that names it."""

import os
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from survey_site.statistics.outcome import Outcome
from survey_site.tasks import registry
from survey_site.tasks.checks import BadTask, checked
from survey_site.tasks.contract import Column, Task
from survey_site.tasks.matching.task import TASK as MATCHING
from survey_site.tasks.rating.task import TASK as RATING
from survey_site.tasks.settings import TRIALS, Setting
from tests.run import OURS
from tests.toy_task.task import TASK as TELLING

ROOT = Path(__file__).resolve().parents[2]


def test_the_tasks_of_this_program_are_installed_in_the_order_of_the_setting() -> None:
    assert registry.installed()[:2] == (MATCHING, RATING)
    assert registry.task("rating") is RATING
    assert registry.named("nothing") is None


def test_a_task_that_is_not_installed_is_told_by_name_and_what_to_do() -> None:
    with pytest.raises(
        registry.UnknownTask, match=r"“gone” is not installed: add its package to STUDY_TASKS"
    ):
        registry.of({"gone": {TRIALS: 2}})
    assert registry.of({"rating": {TRIALS: 1}, "matching": {TRIALS: 0}}) == (RATING,)


def test_settings_are_completed_by_the_defaults_and_judged_one_by_one() -> None:
    assert registry.settings_of({"matching": {"pool_size": 3}})["matching"]["offer_cant_tell"] is True
    assert MATCHING.effective(None)[TRIALS] == 0
    found = MATCHING.problems(
        {"pool_size": 13, "headline": "luck", "offer_cant_tell": 1, TRIALS: -1, "more": 1}
    )
    assert found == {
        "pool_size": "must be at most 12",
        "headline": "must be one of image, class",
        "offer_cant_tell": "must be true or false",
        TRIALS: "must be at least 0",
        "more": "there is no such setting",
    }


def test_a_third_task_has_no_trials_unless_a_study_asks_for_them() -> None:
    assert set(registry.default_settings((MATCHING, RATING, TELLING))) == {"matching", "rating"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"name": "matching", "outcome": replace(TELLING.outcome, task="matching")},
            "both declare the task 'matching'",
        ),
        ({"name": "practice"}, "needs a name"),
        ({"name": "Has Space"}, "needs a name"),
        ({"read": None}, "lacks its part 'read'"),
        ({"behave": "robot"}, "lacks its part 'behave'"),
        ({"rescore": "again"}, "lacks its part 'rescore'"),
        ({"settings": ()}, f"must have the setting '{TRIALS}'"),
        ({"settings": (Setting(TRIALS, "n", "n", "whole", "many"),)}, "a default of the setting"),
        (
            {"outcome": Outcome("faith", "telling", "Mine", "share")},
            "the outcome 'faith' is survey_site.matching's",
        ),
        ({"outcome": Outcome("mine", "other", "Mine", "share")}, "must name itself in its outcome"),
        ({"outcome": Outcome("mine", "telling", "Mine", "mean", 3, 3)}, "lowest score is not below"),
        (
            {"outcome": Outcome("paper", "telling", "Mine", "share")},
            "which the report uses for something else",
        ),
        ({"cell": lambda counts, settings: {"n": 0, "text": None}}, "gives cells without "),
        ({"texts": {"en": {}}}, "lacks the English text 'instructions_telling'"),
        ({"columns": (Column("a", "A.", "string", "a"),) * 2}, "two export columns of one name"),
    ],
)
def test_a_task_that_lacks_a_part_is_refused_in_one_line(changes: dict[str, object], says: str) -> None:
    fields = {name: getattr(TELLING, name) for name in TELLING.__dataclass_fields__}
    with pytest.raises(BadTask) as caught:
        checked([("survey_site.matching", MATCHING), ("mine", Task(**{**fields, **changes}))])
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_what_is_no_task_at_all_is_refused() -> None:
    with pytest.raises(BadTask, match=r"mine\.task has no TASK"):
        checked([("mine", None)])
    with pytest.raises(BadTask, match="names no task"):
        checked([])


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("", "broken.task has no TASK that is a Task"),
        ("import nothing_like_it", "STUDY_TASKS names broken, which cannot be imported"),
        (None, "STUDY_TASKS names broken, which cannot be imported"),
        (
            "from dataclasses import replace\nfrom survey_site.tasks.rating.task import TASK as OTHER\nTASK = OTHER\n",
            "both declare the task 'rating'",
        ),
    ],
)
def test_a_package_that_cannot_be_used_stops_the_boot_with_one_line(
    tmp_path: Path, source: str | None, says: str
) -> None:
    if source is not None:
        (tmp_path / "broken").mkdir()
        (tmp_path / "broken" / "__init__.py").touch()
        (tmp_path / "broken" / "task.py").write_text(textwrap.dedent(source))
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    paths = {"STUDY_TASKS": "broken", "PYTHONPATH": str(tmp_path), "DATA_DIR": str(tmp_path / "data")}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=kept | paths, capture_output=True, text=True
    )
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert says in lines[-1] and len(lines) == 1
