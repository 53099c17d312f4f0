"""The simulation against what can be worked out by hand; the program for GPUs where there is none."""

import math
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import gpu as gpu_program
from benchmarks.plan import (
    DayPlan,
    MapsPlan,
    Prices,
    day_table,
    even,
    main,
    maps_table,
    options,
    simulate_day,
    simulate_maps,
)
from tests.site.markdown import rows, section, text_of

ROOT = Path(__file__).resolve().parents[2]
STEADY = MapsPlan(
    images=6400, chunk=64, straggler_share=0.0, hours_between_deaths=math.inf, seconds_per_image=0.5
)


def test_without_mishaps_a_worker_takes_the_time_of_its_images() -> None:
    found = simulate_maps(STEADY, 1)
    assert found.hours == pytest.approx(6400 * 0.5 / 3600)
    assert (found.lost, found.busy) == (0.0, pytest.approx(1.0))


def test_without_mishaps_many_workers_share_the_chunks_evenly() -> None:
    assert simulate_maps(STEADY, 10).hours == pytest.approx(6400 * 0.5 / 3600 / 10)
    assert simulate_maps(STEADY, 99).hours == pytest.approx(2 * 64 * 0.5 / 3600)  # 100 chunks: one has two


def test_what_dead_workers_held_is_done_again_and_nothing_is_missing() -> None:
    found = simulate_maps(MapsPlan(images=20_000, seconds_per_image=0.12, hours_between_deaths=0.2), 4)
    assert found.lost > 0
    assert found.hours > 20_000 * 0.12 / 3600 / 4


def test_an_unhurried_site_takes_a_page_its_own_time_and_a_full_one_longer() -> None:
    calm = simulate_day(DayPlan(participants=500, page_ms=10), 4)
    assert calm.p50_ms == pytest.approx(10 * math.log(2), rel=0.1)  # the median of an exponential time
    full = simulate_day(DayPlan(participants=500, page_ms=3000), 1)
    assert full.p50_ms > 3 * 3000 * math.log(2) and full.busy > 0.99  # there is always somebody before one
    assert calm.busy < 0.01


def test_cost_is_hours_times_their_price_those_of_the_database_too() -> None:
    (row,) = list(maps_table(STEADY, [1], Prices(gpu=3.0, core=0.5), gpu=False))[2:]
    worker_hours, database_hours = 6400 * 0.5 / 3600, 6400 * STEADY.database_ms / 1000 / 3600
    assert float(row.split("|")[-2]) == pytest.approx(0.5 * (2 * worker_hours + database_hours), abs=0.01)
    (on_gpu,) = list(maps_table(STEADY, [1], Prices(gpu=3.0, core=0.5), gpu=True))[2:]
    assert float(on_gpu.split("|")[-2]) == pytest.approx(3.0 * worker_hours + 0.5 * database_hours, abs=0.01)
    assert (
        even(STEADY, Prices(gpu=2.0, core=0.5)) == 0.25
    )  # two cores at 0.5 s cost what half of the time costs there
    (day,) = list(day_table(DayPlan(participants=50), [4], Prices(core=0.5)))[2:]
    assert float(day.split("|")[-2]) == 24 * 4 * 0.5


def test_a_plan_on_gpus_needs_their_speed_which_nobody_has_measured(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        options(["--worker", "gpu"])
    assert "python -m benchmarks gpu" in capsys.readouterr().err
    given = options(["--worker", "gpu", "--seconds-per-image", "0.02"])
    assert (given.chunk, given.seconds_per_image) == (64, 0.02)
    assert (options([]).chunk, options([]).seconds_per_image) == (16, MapsPlan().seconds_per_image)


def test_the_docs_say_where_the_constants_were_measured() -> None:
    """And if one is measured anew there, it changes here."""
    page = text_of("docs/operations.md")
    maps, day = MapsPlan(), DayPlan()
    assert f"| full set of 18 maps, this engine | {maps.seconds_per_image} |" in text_of("docs/methods.md")
    measured = [
        float(row[-1])
        for row in rows(section(page, "## How far it goes"))
        if len(row) == 6 and row[4] == "0, 0"  # of workers: nothing twice, nothing missing
    ]
    assert min(measured) - 1 <= maps.database_ms <= max(measured) + 1
    sizes = {row[0]: row[1] for row in rows(section(page, "## Sizing"))}
    assert sizes["file of an image"] == f"{maps.image_bytes / 1000:.0f} kB"
    of_a_map = [int(value.split()[0]) for what, value in sizes.items() if re.match(r"(array|picture)", what)]
    assert sum(of_a_map) * 1000 == maps.map_bytes
    assert f"| a map's rows, a job's | {maps.row_bytes:,.0f} and" in page
    (page_row,) = [row for row in rows(page) if row[:3] == ["PostgreSQL", "scripts", "200"]]
    server, _, database = map(float, page_row[-1].split(","))
    assert day.page_ms == pytest.approx(server + database)
    assert f"{day.page_ms} ms of CPU a page" in page
    assert f"{day.bytes_per_answer:,.0f} bytes an answer" in page


@pytest.mark.slow
def test_the_tables_of_the_docs_are_what_the_program_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(said) == 12
    assert [line for line in said if line not in text_of("docs/operations.md").splitlines()] == []


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


def test_several_gpus_are_those_that_the_operator_names() -> None:
    assert gpu_program.names(2, "2,3") == ["2", "3"]
    assert gpu_program.names(1, "GPU-8932f937, 3") == ["GPU-8932f937"]
    assert gpu_program.names(2, None) == gpu_program.names(2, "") == ["0", "1"]


class NoRoom(Exception):
    """As a device says it."""


def test_a_batch_that_does_not_fit_has_no_figure_and_the_others_stand(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def too_large() -> int:
        raise NoRoom

    assert gpu_program.fitting(too_large, 0.0, (NoRoom,)) is None
    rate = gpu_program.fitting(lambda: 8, 0.0, (NoRoom,))
    assert rate and rate > 0
    assert (gpu_program.added([2.0, 3.0]), gpu_program.added([2.0, None])) == (5.0, None)
    lines = [
        {"what": what, "type": "float32", "xla": False, "batch": batch, "per_second": rate}
        for what in ("engine, maps", "bare passes")
        for batch, rate in ((8, 10.0), (128, None))
    ]
    assert gpu_program.told(lines, cpu=False) == 0
    said = capsys.readouterr().out
    assert said.count("no memory") == 2 and "makes 1.00 maps" in said
