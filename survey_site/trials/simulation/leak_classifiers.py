"""The classifiers of the leak audit and the tokens they learn from. Standard library only.

Values enter as tokens: exact values, words and lengths of texts, quantile bins of numbers. Naive Bayes adds
up many weak hints; the decision tree finds conditions that hold together.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log
from statistics import quantiles

Value = str | int | float | None
Features = tuple[tuple[str, Value], ...]
Tokens = frozenset[str]
Scorer = Callable[[Tokens], Mapping[str, float]]
Examples = Sequence[tuple[Tokens, str]]

MOST_EXACT_VALUES = 20
BINS = 4
RAREST_TOKEN = 5
TREE_DEPTH, SMALLEST_LEAF = 4, 8


@dataclass(frozen=True, slots=True)
class Tokenised:
    """Features as tokens, but for the numbers, whose bins depend on the training examples."""

    fixed: Tokens
    numbers: tuple[tuple[str, float], ...]


def tokenise(features: Features) -> Tokenised:
    fixed: list[str] = []
    numbers: list[tuple[str, float]] = []
    for name, value in features:
        if isinstance(value, str):
            fixed += [f"{name} = {value}", f"{name} has {len(value)} characters"]
            fixed += [f"{name} contains {word}" for word in re.findall(r"[^\W_]+", value.lower())]
        elif value is None:
            fixed.append(f"{name} missing")
        else:
            numbers.append((name, float(value)))
    return Tokenised(frozenset(fixed), tuple(numbers))


class Vocabulary:
    """Bins of numbers and the tokens worth knowing, from the training examples alone."""

    def __init__(self, examples: Iterable[Tokenised]) -> None:
        training = list(examples)
        numbers: defaultdict[str, list[float]] = defaultdict(list)
        for example in training:
            for name, value in example.numbers:
                numbers[name].append(value)
        self._edges = {name: quantiles(found, n=BINS) for name, found in numbers.items() if len(found) > 1}
        self._exact = {name for name, found in numbers.items() if len(set(found)) <= MOST_EXACT_VALUES}
        counts = Counter(token for example in training for token in self._all(example))
        # What is in all examples or in a few cannot tell anything about others.
        self._known = frozenset(t for t, n in counts.items() if RAREST_TOKEN <= n < len(training))

    def tokens(self, example: Tokenised) -> Tokens:
        return self._known.intersection(self._all(example))

    def _all(self, example: Tokenised) -> Iterator[str]:
        yield from example.fixed
        for name, value in example.numbers:
            yield f"{name} in bin {sum(value > edge for edge in self._edges.get(name, ()))}"
            if name in self._exact:
                yield f"{name} = {value:g}"


def naive_bayes(examples: Examples) -> Scorer:
    """Bernoulli naive Bayes on the tokens present, Laplace smoothed."""
    classes = Counter(label for _, label in examples)
    counts: dict[str, Counter[str]] = {label: Counter() for label in classes}
    for tokens, label in examples:
        counts[label].update(tokens)

    def score(tokens: Tokens) -> dict[str, float]:
        present = sorted(tokens)
        return {
            label: log(size) + sum(log((counts[label][token] + 1) / (size + 2)) for token in present)
            for label, size in classes.items()
        }

    return score


def decision_tree(examples: Examples, depth: int = TREE_DEPTH) -> Scorer:
    """Decision tree on token presence, split by Gini impurity."""
    classes = Counter(label for _, label in examples)
    shares = {label: (count + 0.5) / (len(examples) + 1) for label, count in classes.items()}
    token = _best_split(examples, classes) if depth and len(classes) > 1 else None
    if token is None:
        return lambda tokens: shares
    inside = decision_tree([example for example in examples if token in example[0]], depth - 1)
    outside = decision_tree([example for example in examples if token not in example[0]], depth - 1)
    return lambda tokens: inside(tokens) if token in tokens else outside(tokens)


def _best_split(examples: Examples, classes: Counter[str]) -> str | None:
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for tokens, label in examples:
        for token in tokens:
            found[token][label] += 1
    whole, best, best_gain = len(examples), None, 1e-9
    purity = sum(count * count for count in classes.values()) / whole
    for token in sorted(found):
        inside = found[token].total()
        if min(inside, whole - inside) < SMALLEST_LEAF:
            continue
        gain = sum(count * count for count in found[token].values()) / inside - purity
        gain += sum((classes[label] - found[token][label]) ** 2 for label in classes) / (whole - inside)
        if gain > best_gain:
            best, best_gain = token, gain
    return best


CLASSIFIERS: dict[str, Callable[[Examples], Scorer]] = {
    "naive Bayes": naive_bayes,
    "decision tree": decision_tree,
}
