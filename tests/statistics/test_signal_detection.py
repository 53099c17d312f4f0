"""d′ and criterion: known answers, both leanings, and what cannot be estimated."""

import numpy as np
import pytest
from scipy import stats

from survey_site.statistics.detection import Judged, signal_detection


def judged(hits: int, misses: int, rejected: int, alarms: int, people: int = 8) -> Judged:
    found_out = np.repeat([1.0, 0.0, 1.0, 0.0], [hits, misses, rejected, alarms])
    n = len(found_out)
    right = np.arange(n) < hits + misses
    item = np.where(right, np.arange(n) % 5, 5 + np.arange(n) % 5)
    return Judged(found_out, right, np.arange(n) % people, item)


def test_it_is_that_of_the_textbook_with_half_an_answer_more_on_either_side() -> None:
    found = signal_detection(judged(40, 10, 30, 20))
    hit, alarm = stats.norm.ppf(40.5 / 51), stats.norm.ppf(20.5 / 51)
    assert found["d_prime"] == pytest.approx(hit - alarm)
    assert found["criterion"] == pytest.approx(-(hit + alarm) / 2)
    assert found["d_prime_ci"] and found["d_prime_ci"][0] < found["d_prime"] < found["d_prime_ci"][1]
    assert found["reason"] is None


def test_who_believes_everything_tells_nothing_apart_and_leans_to_right() -> None:
    found = signal_detection(judged(50, 0, 0, 50))
    assert found["d_prime"] == pytest.approx(0, abs=1e-12)
    assert found["criterion"] is not None and found["criterion"] < -2
    assert found["d_prime_ci"] and found["d_prime_ci"][0] < 0 < found["d_prime_ci"][1]


def test_swapping_what_is_right_keeps_d_and_turns_the_leaning() -> None:
    one, other = signal_detection(judged(40, 10, 30, 20)), signal_detection(judged(30, 20, 40, 10))
    assert one["d_prime"] == pytest.approx(other["d_prime"])
    assert one["criterion"] == pytest.approx(-other["criterion"])  # type: ignore[operator]


@pytest.mark.parametrize("counts", [(0, 0, 3, 2), (3, 2, 0, 0), (0, 0, 0, 0)])
def test_one_kind_of_prediction_alone_gives_nothing(counts: tuple[int, int, int, int]) -> None:
    found = signal_detection(judged(*counts))
    assert found["d_prime"] is None and "right and to wrong" in str(found["reason"])


def test_one_participant_gives_no_interval() -> None:
    found = signal_detection(judged(10, 5, 8, 7, people=1))
    assert found["d_prime"] is not None and found["d_prime_ci"] is None
    assert "at least 2 participants" in str(found["reason"])
