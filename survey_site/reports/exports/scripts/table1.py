"""Table 1 from a study's responses.csv: python table1.py responses.csv

Needs pandas, NumPy and SciPy. Prints Human Faith % and Interpretability Index per column, each with its 95 %
interval (participants and images both random) and n; docs/statistics.md gives the formulas.
"""

import sys
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pandas as pd
from scipy import stats


def variance(psi, person, item):
    """Two-way clustered variance of the sum of influence values."""

    def one_way(group):
        sums = psi.groupby(group).sum()
        return (sums**2).sum() * len(sums) / (len(sums) - 1)

    people, items, cells = one_way(person), one_way(item), one_way(person + "\t" + item)
    return max(people + items - cells, people, items)


def faith(rows):
    """Share of right answers in percent and its two-way Wilson interval."""
    y, n, p = rows.correct, len(rows), rows.correct.mean()
    people, items = rows.participant.nunique(), rows.item.nunique()
    if min(people, items) < 2:
        return 100 * p, np.nan, np.nan
    size, t = people, stats.norm.ppf(0.975)
    if 0 < p < 1:
        size = p * (1 - p) / max(variance((y - p) / n, rows.participant, rows.item), p * (1 - p) / n)
        t = stats.t.ppf(0.975, min(people, items) - 1)
    centre = (p + t**2 / (2 * size)) / (1 + t**2 / size)
    half = t / (1 + t**2 / size) * np.sqrt(p * (1 - p) / size + t**2 / (4 * size**2))
    return 100 * p, 100 * (centre - half), 100 * (centre + half)


def index(rows):
    """Mean rating and its interval, cut to the scale."""
    y, mean = rows.rating, rows.rating.mean()
    df = min(rows.participant.nunique(), rows.item.nunique()) - 1
    if df < 1:
        return mean, np.nan, np.nan
    v = variance((y - mean) / len(y), rows.participant, rows.item)
    half = stats.t.ppf(0.975, df) * np.sqrt(v) if v > 1e-20 else np.nan
    low, high = np.clip([mean - half, mean + half], 0, 6)
    return mean, low, high


def rounded(value, places):
    if np.isnan(value):
        return "n/a"
    exact = Decimal(repr(round(float(value), 9)))  # the nearest short decimal, then half up
    return str(exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) + 0)  # + 0: never "-0.0"


data = pd.read_csv(sys.argv[1], dtype={"participant": str, "stimulus": str, "pool": str, "column": str})
data = data[
    (data.excluded != 1) & (data.attention_check != 1) & (data.block != "practice") & (data.seen != "no")
]
matching = data[(data.task == "matching") & data.correct.notna()]
matching = matching.assign(item=matching.pool.map(lambda pool: "|".join(sorted(pool.split("|")))))
rating = data[(data.task == "rating") & data.rating.notna()].rename(columns={"stimulus": "item"})

print("column,faith,faith_low,faith_high,faith_n,index,index_low,index_high,index_n")
for column in data.column.dropna().unique():
    m, r = matching[matching.column == column], rating[rating.column == column]
    shown = [rounded(v, k) for v, k in zip(faith(m), (0, 1, 1), strict=True)] if len(m) else ["n/a"] * 3
    shown += [str(len(m))]
    shown += [rounded(v, 2) for v in index(r)] if len(r) else ["n/a"] * 3
    print(",".join([column, *shown, str(len(r))]))
