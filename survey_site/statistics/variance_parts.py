"""How much of the scatter comes from people, from images, and from which image suits which column. Closed form.

With e the answers minus their column's mean, the mean product of e over pairs of answers that share only the participant
estimates the variance of participants; over pairs that share only the image, that of images; over pairs of one image and
column but two people, the latter plus image × column (moment estimators of crossed random effects: Searle, Casella &
McCulloch 1992, ch. 5). A negative estimate is printed as 0.
"""

import numpy as np

from survey_site.statistics.comparison_types import ScatterParts
from survey_site.statistics.data import Trials
from survey_site.statistics.factor import FloatArray, IntArray


def variance_parts(trials: Trials) -> ScatterParts:
    """Variances of one task's answers, in squared units of the score (of shares: squared probabilities)."""
    answered = trials.answered()
    answered = answered.select(answered.column.codes >= 0)
    found: ScatterParts = {
        "participant": None,
        "item": None,
        "item_by_column": None,
        "residual": None,
        "reason": None,
    }
    n = len(answered)
    if n < 2:
        return {**found, "reason": "not estimable: needs two answers"}
    column, person, item = answered.column.codes, answered.participant.codes, answered.item.codes
    counts = np.bincount(column)
    e = answered.value - (np.bincount(column, answered.value) / np.maximum(counts, 1))[column]
    left = n - int(np.count_nonzero(counts))
    if left < 1:
        return {**found, "reason": "not estimable: one answer in each column"}
    total = float(e @ e) / left
    width = int(item.max()) + 1
    both = person * width + item
    in_column = column * width + item
    alone = in_column.astype(np.int64) * (int(person.max()) + 1) + person
    people = _shared(e, person) - _shared(e, both)
    items = _shared(e, item) - _shared(e, in_column) - (_shared(e, both) - _shared(e, alone))
    suits = _shared(e, in_column) - _shared(e, alone)
    parts = [_mean(pairs) for pairs in (people, items, suits)]
    missing = [
        name
        for name, part in zip(("participants", "images", "images under a column"), parts, strict=True)
        if part is None
    ]
    by_person, by_item, by_suit = (max(part or 0.0, 0.0) for part in parts)
    interaction = None if parts[2] is None else max(by_suit - by_item, 0.0)
    return {
        "participant": None if parts[0] is None else by_person,
        "item": None if parts[1] is None else by_item,
        "item_by_column": interaction,
        "residual": max(total - by_person - by_item - (interaction or 0.0), 0.0),
        "reason": f"the design repeats no {' and no '.join(missing)}" if missing else None,
    }


def _shared(e: FloatArray, group: IntArray) -> FloatArray:
    """Σ over ordered pairs of two answers in one group of e·e′, and the number of such pairs, (2,)."""
    codes = np.unique(group, return_inverse=True)[1]
    sums, counts = np.bincount(codes, e), np.bincount(codes)
    return np.array([float(sums @ sums) - float(e @ e), float((counts * (counts - 1)).sum())])


def _mean(pairs: FloatArray) -> float | None:
    return float(pairs[0] / pairs[1]) if pairs[1] > 0 else None
