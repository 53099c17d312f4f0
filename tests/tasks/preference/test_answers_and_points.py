"""Which map was preferred: read, scored for both columns, and counted."""

import pytest

from survey_site.tasks.contract import AnswerRefused, Counts, Reading, Truth
from survey_site.tasks.preference import answers, duels, points
from survey_site.tasks.preference.task import TASK

READING = Reading(TASK.default_settings, maps=2)


@pytest.mark.parametrize("sent", ["", "2", "-1", "1.0", "none"])
def test_what_is_no_map_of_the_trial_is_refused(sent: str) -> None:
    with pytest.raises(AnswerRefused, match="preferred"):
        answers.read({"preferred": sent}, READING)


@pytest.mark.parametrize(("place", "first", "own"), [(0, 0, 1), (1, 0, 0), (0, 1, 0), (1, 1, 1)])
def test_the_own_map_scores_one_and_its_rival_the_rest(place: int, first: int, own: int) -> None:
    given = answers.read({"preferred": str(place)}, READING)
    scored = answers.score(given, Truth("x", first=first))
    assert (scored.values, scored.score) == ({"preferred": place, "own": own}, own)
    assert answers.further_score(float(own)) == 1 - own
    assert not answers.refuse(scored.values)


def test_a_check_scores_the_place_that_it_asks_for() -> None:
    for first in (0, 1):
        scored = answers.score(answers.read({"preferred": "1"}, READING), Truth("x", first=first, expected=1))
        assert scored.score == 1


@pytest.mark.parametrize(
    "values", [{}, {"preferred": 1}, {"preferred": 2, "own": 0}, {"preferred": True, "own": 0}]
)
def test_damaged_stored_values_are_no_preference(values: dict[str, object]) -> None:
    assert "0 or 1 each" in answers.refuse(values)


def test_a_cell_without_answers_has_no_share() -> None:
    cell = points.cell(Counts(), {})
    assert (cell["percent"], cell["text"]) == (None, None)
    assert points.cell(Counts(n=8, total=6), {})["percent"] == 75


def test_the_shares_that_columns_win_follow_from_their_strengths_and_average_to_a_half() -> None:
    found = duels.expected({"a": 0.2, "b": 0.5, "c": 0.8})
    # Odds 1/4, 1, 4: a beats b with 1/5 and c with 1/17.
    assert found["a"] == pytest.approx((1 / 5 + 1 / 17) / 2)
    assert sum(found.values()) == pytest.approx(1.5)
    assert duels.expected({"a": 0.9}) == {"a": 0.5}
