"""Figures: vector, grey, the same bytes each time, honest about empty data."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from fixtures import replay
from survey_site.reports import figures
from survey_site.reports.figure_captions import CAPTIONS
from survey_site.statistics import data, table
from survey_site.statistics.plan import AnalysisPlan


def study(rows: list[dict]) -> tuple[dict, data.Trials]:
    trials = data.from_rows(rows)
    plan = AnalysisPlan(columns=replay.COLUMNS, resamples=199, model_rows_max=0)
    return table.build_report(trials, plan, participants=replay.participants()), trials


@pytest.fixture(scope="module")
def replayed() -> tuple[dict, data.Trials]:
    timed = [r | {"rt_ms": 900 + 37 * k % 5000} for k, r in enumerate(replay.responses())]
    return study(timed)


@pytest.mark.parametrize("name", figures.FIGURES)
def test_svg_is_grey_and_the_same_every_time(replayed: tuple, name: str) -> None:
    first, second = (figures.draw(name, *replayed, "svg") for _ in range(2))
    assert first == second
    root = ET.fromstring(first)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert b"<image" not in first
    colours = set(re.findall(rb"#([0-9a-f]{6})\b", first))
    assert colours and all(c[0:2] == c[2:4] == c[4:6] for c in colours)
    assert b"<dc:date" not in first


@pytest.mark.parametrize("name", ["faith-and-index", "answers"])
def test_pdf_is_a_vector_file_without_a_date(replayed: tuple, name: str) -> None:
    pdf = figures.draw(name, *replayed, "pdf")
    assert pdf.startswith(b"%PDF") and b"CreationDate" not in pdf
    assert pdf == figures.draw(name, *replayed, "pdf")


@pytest.mark.parametrize("name", figures.FIGURES)
def test_a_study_without_answers_gives_a_figure_that_says_so(name: str) -> None:
    assert figures.draw(name, *study([]), "svg").startswith(b"<?xml")


def test_the_diamonds_stand_at_the_estimates(replayed: tuple) -> None:
    figure = figures.faith_and_index(*replayed)
    for axis, outcome, key in zip(figure.axes, ("faith", "index"), ("percent", "mean"), strict=True):
        diamonds = [line.get_ydata()[0] for line in axis.lines if line.get_marker() == "D"]
        assert diamonds == [c[outcome][key] for c in replayed[0]["columns"]]


def test_the_raw_points_are_the_participants_means(replayed: tuple) -> None:
    rating = replayed[1].of_task("rating")
    points = figures.participant_points(rating, "Ours 1")
    own = rating.select(rating.column.equals("Ours 1"))
    assert points.tolist() == sorted(own.value[own.participant.codes == p].mean() for p in range(25))


def test_the_confusion_counts_every_answer_once(replayed: tuple) -> None:
    matching = replayed[1].of_task("matching")
    names = list(matching.stimulus_class.labels)
    counts = figures._confusion(matching, names)
    assert counts.sum() == 150
    assert np.trace(counts[:, : len(names)]) == sum(replay.CORRECT)


def test_an_unknown_figure_is_refused_with_the_names(replayed: tuple) -> None:
    with pytest.raises(ValueError, match="no figure 'pie'; there are faith-and-index"):
        figures.draw("pie", *replayed, "svg")


def test_large_studies_are_thinned_and_not_drawn_cell_by_cell() -> None:
    rng = np.random.default_rng(1)
    rows = [
        {"participant": f"p{p}", "task": "rating", "column": "A", "stimulus": f"i{(p * 7 + t) % 400}",
         "rating": int(rng.integers(7)), "position": t}
        for p in range(600) for t in range(12)
    ]  # fmt: skip
    report, trials = study(rows)
    assert len(figures.participant_points(trials, "A")) == figures.POINTS_MAX
    assert len(figures.draw("answers", report, trials, "svg")) < 2_000_000


def test_every_figure_has_a_title_and_a_legend() -> None:
    assert set(CAPTIONS) == set(figures.FIGURES)
    for told in CAPTIONS.values():
        assert told.title
        assert told.legend.endswith(".")
