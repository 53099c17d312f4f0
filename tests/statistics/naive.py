"""Second implementations in plain Python, written from the definitions and not from the code."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from itertools import combinations, product


def cluster_variance(psi: Sequence[float], group: Sequence[Hashable]) -> float:
    sums: dict[Hashable, float] = defaultdict(float)
    for value, g in zip(psi, group, strict=True):
        sums[g] += value
    return sum(s * s for s in sums.values()) * len(sums) / (len(sums) - 1)


def v2(psi: Sequence[float], participant: Sequence[int], item: Sequence[int]) -> float:
    cells = list(zip(participant, item, strict=True))
    vp, vi = cluster_variance(psi, participant), cluster_variance(psi, item)
    return max(vp + vi - cluster_variance(psi, cells), vp, vi, 0.0)


def sign_flip(d: Sequence[float], two_sided: bool = True) -> float:
    observed, hits, total = sum(d), 0, 0
    for signs in product((-1, 1), repeat=len(d)):
        s = sum(a * b for a, b in zip(signs, d, strict=True))
        hits += abs(s) >= abs(observed) - 1e-9 if two_sided else s >= observed - 1e-9
        total += 1
    return hits / total


def holm(p: Sequence[float]) -> list[float]:
    order = sorted(range(len(p)), key=lambda k: p[k])
    out, running = [0.0] * len(p), 0.0
    for rank, k in enumerate(order):
        running = max(running, min(1.0, (len(p) - rank) * p[k]))
        out[k] = running
    return out


def dominance(a: Sequence[float], b: Sequence[float]) -> float:
    return sum((x > y) - (x < y) for x in a for y in b) / (len(a) * len(b))


def poisson_binomial_tail(k: int, ps: Sequence[float]) -> float:
    total = 0.0
    for r in range(k, len(ps) + 1):
        for chosen in combinations(range(len(ps)), r):
            term = 1.0
            for j, p in enumerate(ps):
                term *= p if j in chosen else 1 - p
            total += term
    return total
