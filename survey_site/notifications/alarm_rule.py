"""When a count is unusual: a pure rule of two counts and the rate that the study declared. No SciPy.

A study says which share of participants it expects to drop out, or to fail the attention checks. Of n participants
k did. That is unusual if k or more of n would happen with a probability below `ALPHA` at the expected share (exact
one-sided binomial test), from `least` participants on. The count is looked at again and again while participants come;
`ALPHA` is small enough that a study of 1000 participants that behaves as declared raises an alarm with a probability
under 2 % (computed exactly in the tests). What was said is said again only when n has doubled.
"""

import math

ALPHA = 0.001


def at_least(k: int, n: int, p: float) -> float:
    """P(X ≥ k) of a binomial X with n draws at probability p, to about ten digits for n up to millions."""
    if not 0 <= p <= 1 or n < 0:
        raise ValueError(f"A share lies between 0 and 1 and a number is not negative: got p = {p}, n = {n}.")
    if k <= 0:
        return 1.0
    if k > n or p == 0:
        return 0.0
    if p == 1:
        return 1.0
    if k <= n * p:  # the lower tail is the short one
        return max(0.0, 1.0 - at_least(n - k + 1, n, 1 - p))
    log = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    term = math.exp(log + k * math.log(p) + (n - k) * math.log1p(-p))
    total, odds = 0.0, p / (1 - p)
    for i in range(k, n + 1):
        total += term
        if term < total * 1e-16:
            break
        term *= (n - i) / (i + 1) * odds
    return min(1.0, total)


def is_unusual(k: int, n: int, expected: float, least: int) -> bool:
    """Whether k of n is more than the expected share explains."""
    return n >= max(least, 1) and k > n * expected and at_least(k, n, expected) < ALPHA


def bracket(n: int, least: int) -> int:
    """The largest of least, 2·least, 4·least … that n has reached: an alarm is given once for each."""
    least = max(least, 1)
    return int(least * 2 ** ((n // least).bit_length() - 1)) if n >= least else 0
