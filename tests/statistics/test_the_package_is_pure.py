"""What the package imports: nothing of the site, and nothing heavy where the web process looks in."""

import subprocess
import sys

import pytest

from survey_site.statistics import point

HEAVY = ("numpy", "scipy", "statsmodels", "pandas", "matplotlib")


def imported(module: str) -> set[str]:
    code = f"import sys, {module}; print(' '.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in run.stdout.split()}


WEB_SIDE = (
    "point", "published", "plan", "outcome", "figure_data", "printing", "column_types", "report_types", "stopping",
    "stopping_types",
)  # fmt: skip


@pytest.mark.parametrize("module", WEB_SIDE)
def test_the_web_side_modules_need_the_standard_library_alone(module: str) -> None:
    assert not imported(f"survey_site.statistics.{module}") & {*HEAVY, "django", "celery"}


def test_the_statistics_know_neither_django_nor_celery() -> None:
    assert not imported("survey_site.statistics.table") & {
        "django",
        "celery",
        "tensorflow",
        "matplotlib",
    }


@pytest.mark.parametrize(
    ("total", "n", "text"),
    [(1, 8, "0.13"), (405, 100, "4.05"), (5, 1000, "0.01"), (2675, 1000, "2.68"), (0, 5, "0.00")],
)
def test_means_are_rounded_half_up_from_the_integers(total: int, n: int, text: str) -> None:
    assert point.mean_text(total, n) == text


def test_percent_is_rounded_half_up_and_absent_without_trials() -> None:
    assert point.percent_text(1, 200) == "1"
    assert point.percent_text(12, 25) == "48"
    assert point.percent_text(0, 0) is None and point.mean_text(0, 0) is None and point.quotient(0, 0) is None


def test_half_up_reads_the_float_as_it_is_printed() -> None:
    assert [str(point.half_up(x, 2)) for x in (1.005, -1.005, 2.675, 0.125)] == [
        "1.01",
        "-1.01",
        "2.68",
        "0.13",
    ]


def test_an_interval_without_trials_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one trial"):
        point.wilson(0.5, 0)
