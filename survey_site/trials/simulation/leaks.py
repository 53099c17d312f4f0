"""Leak audit: can the answer or the method be told from what a browser receives, the pictures left out?

Pure analysis of collected observations. Two simple classifiers (naive Bayes, a small decision tree) learn from
some participants and predict for the next ones; a study without leaks scores at chance. To the values of each option
comes how it compares with the other options and with the map, because a leak is most often a relation ("the
only file of that size").
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from survey_site.design.seeded import below, permutation
from survey_site.trials.simulation.leak_classifiers import (
    CLASSIFIERS,
    Features,
    Value,
    Vocabulary,
    tokenise,
)

FAMILY_ERROR = 0.01


@dataclass(frozen=True, slots=True)
class Observation:
    """What one trial sent to the browser.

    page: what belongs to the trial as a whole; shown: what belongs to the map; options: what belongs to each
    candidate, in display order. answer: the position of the true one; None for a rating. method: the
    condition or column behind the map. secret: what a task whose answer is no place keeps to itself, such as whether a
    prediction is right; empty where it has none. Pictures' pixels, and labels that are shown on purpose, are no feature.
    """

    participant: str
    method: str
    page: Mapping[str, Value]
    shown: Mapping[str, Value]
    options: tuple[Mapping[str, Value], ...] = ()
    answer: int | None = None
    secret: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """Accuracy on unseen participants of one classifier for one target.

    low, high: 99 % simultaneous interval over all results of the audit, participants as clusters (Wilson's
    formula with the effective number of trials). leaking: the whole interval lies above chance.
    """

    target: str
    classifier: str
    trials: int
    participants: int
    accuracy: float
    low: float
    high: float
    chance: float

    @property
    def leaking(self) -> bool:
        return self.low > self.chance

    def __str__(self) -> str:
        verdict = "LEAK" if self.leaking else "at chance"
        return (
            f"{self.target} by {self.classifier}: {self.accuracy:.1%} [{self.low:.1%}, {self.high:.1%}], "
            f"chance {self.chance:.1%}, {self.trials} trials of {self.participants} participants: {verdict}"
        )


@dataclass(frozen=True, slots=True)
class Audit:
    """The outcome: one result per target and classifier, and the features that give a leak away."""

    results: tuple[Result, ...]
    suspects: tuple[tuple[str, Result], ...] = ()

    @property
    def leaking(self) -> bool:
        return any(result.leaking for result in self.results)


def audit(observations: Sequence[Observation], *, folds: int = 5, seed: str = "audit") -> Audit:
    """Accuracy by forward validation over participants, for every target and classifier.

    Each fold is predicted from the folds before it (Dawid's prequential validation, 1984). Ordinary
    cross-validation would cry wolf: what holds by chance in all the data is learnt from the other folds and
    found again in the one left out. Forward, every prediction has chance accuracy given what was learnt.
    Raises ValueError with fewer participants than folds.
    """
    people = sorted({observation.participant for observation in observations})
    if len(people) < folds:
        raise ValueError(f"The audit needs {folds} participants or more, there are {len(people)}.")
    fold_of = {people[i]: place % folds for place, i in enumerate(permutation(len(people), seed, "folds"))}
    asked = (
        _answer_task(observations),
        _page_task("method", observations, lambda one: one.method),
        _page_task("secret", [one for one in observations if one.secret], lambda one: one.secret),
    )
    tasks = [task for task in asked if task.examples]
    tests = len(tasks) * len(CLASSIFIERS)
    results: list[Result] = []
    suspects: list[tuple[str, Result]] = []
    for task in tasks:
        found = [_validate(task, name, fold_of, folds, seed, tests) for name in CLASSIFIERS]
        results += found
        if any(result.leaking for result in found):
            suspects += _suspects(task, fold_of, folds, seed)
    return Audit(tuple(results), tuple(suspects))


@dataclass(frozen=True, slots=True)
class _Example:
    """One thing to classify; the candidates of a group compete, and `label` "1" marks the true one.

    A method example is a group of its own with the method as label.
    """

    participant: str
    group: int
    features: Features
    label: str


@dataclass(frozen=True, slots=True)
class _Task:
    target: str
    examples: tuple[_Example, ...]
    chance: float


def _answer_task(observations: Sequence[Observation]) -> _Task:
    examples, chances = [], []
    for group, observation in enumerate(observations):
        if observation.answer is None or len(observation.options) < 2:
            continue
        chances.append(1 / len(observation.options))
        for position, option in enumerate(observation.options):
            features = (
                ("position", str(position)),
                *((f"option {name}", value) for name, value in option.items()),
                *_relations(observation, position),
            )
            label = "1" if position == observation.answer else "0"
            examples.append(_Example(observation.participant, group, features, label))
    return _Task("answer", tuple(examples), sum(chances) / len(chances) if chances else 0.0)


def _page_task(
    target: str, observations: Sequence[Observation], label: Callable[[Observation], str]
) -> _Task:
    """What the whole page may give away. Whoever knows the task alone guesses its most frequent label."""
    if len({label(observation) for observation in observations}) < 2:
        return _Task(target, (), 0.0)
    examples = [
        _Example(
            observation.participant,
            group,
            (
                *((f"page {name}", value) for name, value in observation.page.items()),
                *((f"map {name}", value) for name, value in observation.shown.items()),
                *(
                    (f"option {position} {name}", value)
                    for position, option in enumerate(observation.options)
                    for name, value in option.items()
                ),
            ),
            label(observation),
        )
        for group, observation in enumerate(observations)
    ]
    by_task: defaultdict[Value, Counter[str]] = defaultdict(Counter)
    for observation in observations:
        by_task[observation.page.get("task", "")][label(observation)] += 1
    frequent = sum(counts.most_common(1)[0][1] for counts in by_task.values())
    return _Task(target, tuple(examples), frequent / len(examples))


def _relations(observation: Observation, position: int) -> Iterator[tuple[str, Value]]:
    """How an option stands to the other options and to the map, feature by feature."""
    option = observation.options[position]
    others = [other for index, other in enumerate(observation.options) if index != position]
    for name, value in option.items():
        rest = [other.get(name) for other in others]
        yield f"option {name} is unlike all others", str(value not in rest)
        if name in observation.shown:
            yield f"option {name} equals the map's", str(value == observation.shown[name])
        numbers = [other for other in rest if isinstance(other, int | float)]
        if isinstance(value, int | float) and len(numbers) == len(rest):
            yield f"option {name} among the options", _rank(value, numbers)


def _rank(value: float, rest: Sequence[float]) -> str:
    return "largest" if value > max(rest) else "smallest" if value < min(rest) else "neither"


def _validate(
    task: _Task, name: str, fold_of: Mapping[str, int], folds: int, seed: str, tests: int
) -> Result:
    hits: list[tuple[str, bool]] = []
    examples = [(example, tokenise(example.features)) for example in task.examples]
    for fold in range(1, folds):
        training = [(e, tokenised) for e, tokenised in examples if fold_of[e.participant] < fold]
        vocabulary = Vocabulary(tokenised for _, tokenised in training)
        score = CLASSIFIERS[name]([(vocabulary.tokens(found), e.label) for e, found in training])
        groups: defaultdict[int, list[tuple[_Example, Mapping[str, float]]]] = defaultdict(list)
        for example, tokenised in examples:
            if fold_of[example.participant] == fold:
                groups[example.group].append((example, score(vocabulary.tokens(tokenised))))
        for group, members in groups.items():
            hits.append((members[0][0].participant, _is_hit(members, seed, group)))
    accuracy, low, high = _interval(hits, tests)
    people = len({person for person, _ in hits})
    return Result(task.target, name, len(hits), people, accuracy, low, high, task.chance)


def _is_hit(members: Sequence[tuple[_Example, Mapping[str, float]]], seed: str, group: int) -> bool:
    """Whether the best guess is right; ties are broken by the seed, not by the order of the options."""
    if len(members) == 1:
        guesses, truth = dict(members[0][1]), members[0][0].label
    else:
        guesses = {str(i): score.get("1", 0.0) - score.get("0", 0.0) for i, (_, score) in enumerate(members)}
        truth = str(next(i for i, (example, _) in enumerate(members) if example.label == "1"))
    best = max(guesses.values())
    tied = sorted(label for label, value in guesses.items() if value >= best - 1e-9)
    return tied[below(len(tied), seed, "tie", group)] == truth


def _interval(hits: Sequence[tuple[str, bool]], tests: int) -> tuple[float, float, float]:
    """Accuracy and its Wilson interval, participants as clusters, Bonferroni over the tests of the audit."""
    n = len(hits)
    p = sum(hit for _, hit in hits) / n
    sums: defaultdict[str, float] = defaultdict(float)
    for person, hit in hits:
        sums[person] += (hit - p) / n
    clusters = len(sums)
    clustered = sum(value * value for value in sums.values()) * clusters / max(clusters - 1, 1)
    effective = p * (1 - p) / max(clustered, p * (1 - p) / n) if 0 < p < 1 else float(clusters)
    z = NormalDist().inv_cdf(1 - FAMILY_ERROR / (2 * tests))
    centre = (p + z * z / (2 * effective)) / (1 + z * z / effective)
    half = z / (1 + z * z / effective) * sqrt(p * (1 - p) / effective + z * z / (4 * effective**2))
    return p, max(centre - half, 0.0), min(centre + half, 1.0)


def _suspects(task: _Task, fold_of: Mapping[str, int], folds: int, seed: str) -> Iterator[tuple[str, Result]]:
    """Features that predict the target alone, the best first."""
    names = sorted({name for example in task.examples for name, _ in example.features})
    found = []
    for name in names:
        examples = tuple(
            _Example(e.participant, e.group, tuple(f for f in e.features if f[0] == name), e.label)
            for e in task.examples
        )
        alone = _Task(task.target, examples, task.chance)
        result = _validate(alone, "naive Bayes", fold_of, folds, seed, len(names))
        if result.leaking:
            found.append((name, result))
    yield from sorted(found, key=lambda entry: -entry[1].accuracy)
