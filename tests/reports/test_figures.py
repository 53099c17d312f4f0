"""Figures: vector, grey, the same bytes each time, honest about empty data."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from fixtures import replay
from survey_site.reports import figures
from survey_site.reports.analysis import task_figures
from survey_site.reports.figure_captions import captions
from survey_site.reports.figure_of_task import draw_data
from survey_site.statistics import data
from survey_site.statistics.figure_data import FigureData
from survey_site.statistics.plan import AnalysisPlan
from survey_site.tasks.matching.analysis import confusion
from tests.statistics.two_tasks import ANALYSES, OUTCOMES, build_report, load

Study = tuple[dict, data.Trials, dict[str, FigureData]]
ALL = [
    "estimates",
    "class-confusion",
    "rating-distributions",
    "learning",
    "response-times",
    "answers",
    "participant-flow",
]


def study(rows: list[dict]) -> Study:
    trials = load(rows)
    plan = AnalysisPlan(columns=replay.COLUMNS, resamples=199, model_rows_max=0)
    report = build_report(trials, plan, participants=replay.participants())
    return report, trials, task_figures(trials, report["columns"], OUTCOMES, ANALYSES)


@pytest.fixture(scope="module")
def replayed() -> Study:
    timed = [r | {"rt_ms": 900 + 37 * k % 5000} for k, r in enumerate(replay.responses())]
    return study(timed)


def test_the_figures_are_the_general_ones_and_those_of_the_tasks(replayed: Study) -> None:
    assert figures.names(replayed[2]) == ALL


@pytest.mark.parametrize("name", ALL)
def test_svg_is_grey_and_the_same_every_time(replayed: Study, name: str) -> None:
    first, second = (figures.draw(name, *replayed, "svg") for _ in range(2))
    assert first == second
    root = ET.fromstring(first)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert b"<image" not in first
    colours = set(re.findall(rb"#([0-9a-f]{6})\b", first))
    assert colours and all(c[0:2] == c[2:4] == c[4:6] for c in colours)
    assert b"<dc:date" not in first


@pytest.mark.parametrize("name", ["estimates", "class-confusion", "answers"])
def test_pdf_is_a_vector_file_without_a_date(replayed: Study, name: str) -> None:
    pdf = figures.draw(name, *replayed, "pdf")
    assert pdf.startswith(b"%PDF") and b"CreationDate" not in pdf
    assert pdf == figures.draw(name, *replayed, "pdf")


@pytest.mark.parametrize("name", ALL)
def test_a_study_without_answers_gives_a_figure_that_says_so(name: str) -> None:
    assert figures.draw(name, *study([]), "svg").startswith(b"<?xml")


def test_the_diamonds_stand_at_the_estimates(replayed: Study) -> None:
    figure = figures.estimates(*replayed[:2])
    for axis, outcome, key in zip(figure.axes, ("faith", "index"), ("percent", "mean"), strict=True):
        diamonds = [line.get_ydata()[0] for line in axis.lines if line.get_marker() == "D"]
        assert diamonds == [c[outcome][key] for c in replayed[0]["columns"]]


def test_the_raw_points_are_the_participants_means(replayed: Study) -> None:
    rating = replayed[1].of_task("rating")
    points = figures.participant_points(rating, "Ours 1")
    own = rating.select(rating.column.equals("Ours 1"))
    assert points.tolist() == sorted(own.value[own.participant.codes == p].mean() for p in range(25))


def test_the_confusion_counts_every_answer_once(replayed: Study) -> None:
    matching = replayed[1].of_task("matching")
    names = list(matching.stimulus_class.labels)
    counts = confusion(matching, names)
    assert counts.sum() == 150
    assert np.trace(counts[:, : len(names)]) == sum(replay.CORRECT)


def test_an_unknown_figure_is_refused_with_the_names(replayed: Study) -> None:
    with pytest.raises(ValueError, match="no figure 'pie'; there are estimates, class-confusion"):
        figures.draw("pie", *replayed, "svg")


def test_large_studies_are_thinned_and_not_drawn_cell_by_cell() -> None:
    rng = np.random.default_rng(1)
    rows = [
        {"participant": f"p{p}", "task": "rating", "column": "A", "stimulus": f"i{(p * 7 + t) % 400}",
         "rating": int(rng.integers(7)), "position": t}
        for p in range(600) for t in range(12)
    ]  # fmt: skip
    report, trials, own = study(rows)
    assert len(figures.participant_points(trials, "A")) == figures.POINTS_MAX
    assert len(figures.draw("answers", report, trials, own, "svg")) < 2_000_000


def test_every_figure_has_a_title_and_a_legend(replayed: Study) -> None:
    words = captions(replayed[2], 0.9)
    assert set(words) == set(ALL)
    for told in words.values():
        assert told["title"]
        assert told["legend"].endswith(".")
    assert "bar: 90 % interval" in words["estimates"]["legend"]


def test_the_shares_of_the_ratings_add_up_and_stand_in_their_bars(replayed: Study) -> None:
    data = replayed[2]["rating-distributions"]
    assert [round(sum(row), 9) for row in data.values] == [100] * 6
    axis = draw_data(data).axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == list(replay.COLUMNS)
    widths = [bar.get_width() for bar in axis.patches]
    assert widths == [share for row in data.values for share in row]


def test_lines_and_points_are_drawn_where_their_numbers_are() -> None:
    for kind, style in (("lines", "-"), ("points", "None")):
        data = FigureData(
            kind, "T", "L.", ("a", "b"), values=((1, 2, None), (3, 4, 5)), x=(0, 1, 2), low=0, high=6
        )
        axis = draw_data(data).axes[0]
        assert [line.get_xdata().tolist() for line in axis.lines] == [[0, 1, 2], [0, 1, 2]]
        assert axis.lines[1].get_ydata().tolist() == [3, 4, 5]
        assert axis.lines[0].get_linestyle() == style
        assert axis.get_ylim() == (0, 6)
        assert [text.get_text() for text in axis.get_legend().get_texts()] == ["a", "b"]


def test_a_figure_whose_numbers_do_not_fit_its_names_is_refused() -> None:
    with pytest.raises(ValueError, match="needs 1 rows of 2 values each"):
        FigureData("bars", "T", "L.", ("a",), ("x", "y"), values=((1,),))
