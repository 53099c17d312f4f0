"""The pools that trials showed, out of their texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from survey_site.statistics.factor import Factor, IntArray
from survey_site.statistics.repeated import Repeated


@dataclass(frozen=True)
class ShownPools:
    """Of N trials: the cluster that each belongs to, its pool's size, and places of answer and target there; −1 unknown."""

    item: Factor
    size: IntArray
    answer_at: IntArray
    target_at: IntArray


def shown_pools(
    pools: Sequence[Any], choices: Sequence[Any], targets: Sequence[Any], said: Sequence[Any]
) -> ShownPools:
    """Pool size, places and cluster of each trial. The shown order varies; the cluster is the set.

    said: where the answer stands, of a pool that does not show the source itself.
    """
    texts = (pool if isinstance(pool, str) else "|".join(map(str, pool or ())) for pool in pools)
    rows = Repeated.joined(texts, choices, targets, said)
    n = len(rows.values)
    size, answer, target = np.zeros(n, np.int64), np.full(n, -1), np.full(n, -1)
    items: list[str] = []
    for row, (text, choice, source, stated) in enumerate(rows.values):
        if not text:
            items.append(str(source))
            continue
        shown = text.split("|")
        items.append("|".join(sorted(shown)))
        places = {image: place for place, image in enumerate(shown)}
        size[row] = len(places)
        answer[row] = places.get(str(choice), -1)
        target[row] = places.get(str(source), -1 if stated in (None, "") else int(stated))
    index = np.asarray(rows.codes, np.int32)
    return ShownPools(Factor.encode(items).take(index), size[index], answer[index], target[index])
