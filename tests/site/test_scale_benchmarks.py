"""The simulation against what can be worked out by hand; the program for GPUs where there is none."""

import math
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.plan import DayPlan, MapsPlan, simulate_day, simulate_maps

ROOT = Path(__file__).resolve().parents[2]
STEADY = MapsPlan(images=6400, straggler_share=0.0, hours_between_deaths=math.inf, seconds_per_image=0.5)


def test_without_mishaps_a_gpu_takes_the_time_of_its_images() -> None:
    found = simulate_maps(STEADY, 1)
    assert found.hours == pytest.approx(6400 * 0.5 / 3600)
    assert (found.lost, found.busy) == (0.0, pytest.approx(1.0))


def test_without_mishaps_many_gpus_share_the_chunks_evenly() -> None:
    assert simulate_maps(STEADY, 10).hours == pytest.approx(6400 * 0.5 / 3600 / 10)
    assert simulate_maps(STEADY, 99).hours == pytest.approx(2 * 64 * 0.5 / 3600)  # 100 chunks: one has two


def test_what_dead_workers_held_is_done_again_and_nothing_is_missing() -> None:
    found = simulate_maps(MapsPlan(images=20_000, hours_between_deaths=0.2), 4)
    assert found.lost > 0
    assert found.hours > 20_000 * 0.12 / 3600 / 4


def test_an_unhurried_site_takes_a_page_its_own_time_and_a_full_one_longer() -> None:
    calm = simulate_day(DayPlan(participants=500, page_ms=10), 4)
    assert calm.p50_ms == pytest.approx(10 * math.log(2), rel=0.1)  # the median of an exponential time
    full = simulate_day(DayPlan(participants=500, page_ms=3000), 1)
    assert full.p50_ms > 3 * 3000 * math.log(2) and full.busy > 0.99  # there is always somebody before one
    assert calm.busy < 0.01


def gpu(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.tensorflow
def test_without_a_gpu_the_program_says_so_and_measures_nothing() -> None:
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        pytest.skip("there is one here")
    said = gpu("--minutes", "0.1")
    assert said.returncode == 2
    assert said.stderr.startswith("There is no GPU here")
    assert not said.stdout


@pytest.mark.slow
@pytest.mark.tensorflow
def test_on_a_processor_it_fills_its_table_and_says_what_that_is_worth() -> None:
    said = gpu("--cpu", "--classifier", "MobileNet", "--batches", "2", "--minutes", "0.05")
    assert said.returncode == 0, said.stderr[-2000:]
    rows = [line.split() for line in said.stdout.splitlines()[2:]]
    kinds = {(row[-4], row[-3]) for row in rows if row[0] in ("bare", "CAM", "engine,")}
    assert kinds == {(kind, xla) for kind in ("float32", "bfloat16") for xla in ("on", "off")}
    assert "figures of a GPU are open" in said.stdout
