"""What is called unusual: the exact binomial tail, and how often the repeated look errs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from survey_site.notifications.alarm_rule import at_least, bracket, is_unusual

SHARES = st.floats(0.01, 0.99)


@given(n=st.integers(0, 3000), data=st.data(), p=SHARES)
def test_the_tail_is_the_binomials(n: int, data: st.DataObject, p: float) -> None:
    k = data.draw(st.integers(0, n))
    assert at_least(k, n, p) == pytest.approx(binom.sf(k - 1, n, p), rel=1e-7, abs=1e-12)


@pytest.mark.parametrize(
    ("k", "n", "p", "expected"),
    [(0, 0, 0.5, 1), (1, 0, 0.5, 0), (3, 3, 1, 1), (1, 9, 0, 0), (2, 2, 0.5, 0.25)],
)
def test_the_edges_of_the_tail(k: int, n: int, p: float, expected: float) -> None:
    assert at_least(k, n, p) == pytest.approx(expected)


def test_a_share_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        at_least(1, 2, 1.5)


@given(n=st.integers(0, 2000), data=st.data(), p=SHARES, least=st.integers(5, 100))
def test_more_failures_never_make_it_usual_again(n: int, data: st.DataObject, p: float, least: int) -> None:
    k = data.draw(st.integers(0, n))
    if is_unusual(k, n, p, least):
        assert n >= least
        assert k > n * p
        assert is_unusual(min(k + 1, n), n, p, least)


@pytest.mark.parametrize("p", [0.05, 0.1, 0.2, 0.4])
def test_a_study_as_declared_alarms_seldom_however_often_it_is_looked_at(p: float) -> None:
    """The exact probability that the count crosses the limit at any of the first 1000 participants."""
    alive = [1.0]  # probability of k without an alarm so far
    alarmed = 0.0
    limit = 0
    for n in range(1, 1001):
        grown = [0.0] * (len(alive) + 1)
        for k, mass in enumerate(alive):
            grown[k] += mass * (1 - p)
            grown[k + 1] += mass * p
        while limit <= n and not is_unusual(limit, n, p, 20):
            limit += 1  # it never falls when n grows
        if n >= 20:
            alarmed += sum(grown[limit:])
            grown = grown[:limit]
        alive = grown
    assert 0 < alarmed < 0.02


@pytest.mark.parametrize(("p", "real"), [(0.2, 0.5), (0.1, 0.35)])
def test_a_share_far_above_the_expected_is_found_among_sixty(p: float, real: float) -> None:
    limit = next(k for k in range(61) if is_unusual(k, 60, p, 20))
    assert binom.sf(limit - 1, 60, real) > 0.9


@given(n=st.integers(0, 10_000), least=st.integers(1, 100))
def test_brackets_double(n: int, least: int) -> None:
    found = bracket(n, least)
    if n < least:
        assert found == 0
    else:
        assert found <= n < 2 * found
        assert found % least == 0
