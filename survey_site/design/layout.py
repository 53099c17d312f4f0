"""From a draft's choices and its images to the design that the protocol seals."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from survey_site.design.design import Design, DesignError, Group, Id, TaskPlan
from survey_site.design.exemplar_pools import check_exemplar_pool, exemplar_pools, missing_exemplars
from survey_site.design.halves import Predicted, in_halves, lacking_halves, predicted
from survey_site.design.pools import Candidate, Pool, PoolError, missing_images, partition
from survey_site.design.seeded import permutation
from survey_site.design.spec import Spec
from survey_site.design.task_spec import TaskSpec

Items = Mapping[str, tuple[Pool, ...]]
"""By task the groups of images that its trials show, a single image being a group of one."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """How the reserve images serve practice and attention checks, by task."""

    practice: Mapping[str, tuple[Group, ...]]
    checks: Mapping[str, tuple[Group, ...]]


@dataclass(frozen=True, slots=True)
class Layout:
    """What the freeze stores: each task's groups with their similarities, and the reserve's use."""

    items: Items
    reserve: Reserve

    def design(self, spec: Spec) -> Design:
        return Design(
            seed=spec.seed,
            columns=tuple(column.conditions for column in spec.columns),
            tasks=tuple(
                TaskPlan(
                    task=task.task,
                    trials=spec.trials(task),
                    items=tuple(group.stimuli for group in self.items[task.task]),
                    practice=self.reserve.practice[task.task],
                    checks=self.reserve.checks[task.task],
                    fresh=task.fresh,
                    instructed=task.instructed,
                    ranks=task.ranks,
                    together=task.together,
                    columns=spec.columns_of(task) if task.together else (),
                    unit=task.unit,
                    salt=task.salt,
                    exemplar=task.exemplar,
                )
                for task in spec.tasks
            ),
        )


def lay_out(
    spec: Spec,
    candidates: Sequence[Candidate],
    reserve: Sequence[Id],
    classes: Mapping[Id, str] | None = None,
) -> Layout:
    """Groups from the main images, practice and checks from the reserve. classes: of the reserve images.

    Raises PoolError or DesignError, whose text says what to change.
    """
    return Layout(main_stimuli(spec, candidates), deal_reserve(spec, reserve, classes or {}))


def main_stimuli(spec: Spec, candidates: Sequence[Candidate]) -> dict[str, tuple[Pool, ...]]:
    """The groups of each task. Raises PoolError with the number of images missing."""
    labels = [candidate.label for candidate in candidates]
    if short := missing(spec, labels):
        raise PoolError(" ".join(shortage(spec, len(candidates), short)), short)
    items: dict[str, tuple[Pool, ...]] = {}
    left = list(candidates)
    for task in spec.pooled:
        count = group_count(spec, task, [candidate.label for candidate in left])
        items[task.task] = _grouped(spec, task, left, count)
        used = {stimulus for pool in items[task.task] for stimulus in pool.stimuli}
        left = [candidate for candidate in left if candidate.id not in used]
    grouped = {stimulus for pools in items.values() for pool in pools for stimulus in pool.stimuli}
    for task in spec.single:
        # Images of the groups first: fewer maps to compute, and a picture's answers in two tasks can be compared.
        free = left if task.fresh else list(candidates)
        shuffled = [free[i] for i in permutation(len(free), spec.seed, task.task)]
        shuffled.sort(key=lambda candidate: candidate.id not in grouped)
        chosen = _chosen(spec, task, shuffled)
        items[task.task] = tuple(Pool((stimulus,)) for stimulus in chosen)
        if task.fresh:
            left = [candidate for candidate in left if candidate.id not in set(chosen)]
    return items


def _grouped(spec: Spec, task: TaskSpec, left: Sequence[Candidate], count: int) -> tuple[Pool, ...]:
    seed = " ".join((spec.seed, *task.salt))
    if task.exemplar and task.strategy != "fixed":
        return exemplar_pools(left, size=task.group, count=count, seed=seed)
    pools = partition(
        left, strategy=task.strategy, size=task.images, count=count, seed=seed, fixed=task.fixed_groups
    )
    if not task.exemplar:
        return pools
    known = {candidate.id: candidate for candidate in left}
    return tuple(
        Pool(check_exemplar_pool([known[image] for image in pool.stimuli], number), pool.similarity)
        for number, pool in enumerate(pools, 1)
    )


def _chosen(spec: Spec, task: TaskSpec, shuffled: Sequence[Candidate]) -> list[Id]:
    """The images of a task that shows one at a time, from the front of the list; in halves where it asks for these."""
    labels = [candidate.label for candidate in shuffled]
    if not task.half_mistaken:
        return [candidate.id for candidate in shuffled][: group_count(spec, task, labels)]
    found = predicted([candidate.right for candidate in shuffled])
    if told := lacking_halves(task.task, spec.trials(task), found):
        raise PoolError(" ".join(told))
    trials = spec.trials(task)
    count = group_count(spec, task, labels, found)
    right, mistaken = ([c.id for c in shuffled if c.right is kind] for kind in (True, False))
    return list(in_halves(right, mistaken, trials, len(spec.columns_of(task)), count // trials))


def deal_reserve(spec: Spec, reserve: Sequence[Id], classes: Mapping[Id, str]) -> Reserve:
    """Deals the reserve images out in their order; first those of tasks that need two of one class, by their classes.

    Raises DesignError with the number missing.
    """
    if (short := spec.reserve_images - len(reserve)) > 0:
        raise DesignError(
            f"Practice and attention checks need {spec.reserve_images} reserve images, there are "
            f"{len(reserve)}: mark {short} more as reserve, or ask for fewer."
        )
    by_class = {
        task.task: _reserve_pools(spec, task, reserve, classes) for task in spec.pooled if task.exemplar
    }
    used = {stimulus for groups in by_class.values() for group in groups for stimulus in group}
    take = iter([stimulus for stimulus in reserve if stimulus not in used])
    practice, checks = {}, {}
    for task in spec.pooled:
        own = by_class.get(task.task)
        number = spec.practice_trials
        practice[task.task] = _groups(take, task.group, number) if own is None else own[:number]
    for task in (*spec.pooled, *spec.single):
        own = by_class.get(task.task)
        checks[task.task] = (
            _groups(take, task.group, spec.checks(task)) if own is None else own[spec.practice_trials :]
        )
    practised: list[Group] = [
        (stimulus,) for groups in practice.values() for group in groups for stimulus in group
    ]
    if spec.single:
        practised += _groups(take, 1, max(spec.practice_trials - len(practised), 0))
    practice |= {task.task: tuple(practised[: spec.practice_trials]) for task in spec.single}
    return Reserve(practice, checks)


def _reserve_pools(
    spec: Spec, task: TaskSpec, reserve: Sequence[Id], classes: Mapping[Id, str]
) -> tuple[Group, ...]:
    """Practice, then checks, of a task that shows another exemplar."""
    candidates = [Candidate(stimulus, classes.get(stimulus, "")) for stimulus in reserve]
    number = spec.practice_trials + spec.checks(task)
    seed = " ".join((spec.seed, "reserve", *task.salt))
    try:
        return tuple(p.stimuli for p in exemplar_pools(candidates, size=task.group, count=number, seed=seed))
    except PoolError as error:
        raise DesignError(f"Of the reserve images, for practice and attention checks: {error}") from None


def _groups(take: Iterator[Id], size: int, number: int) -> tuple[Group, ...]:
    return tuple(tuple(next(take) for _ in range(size)) for _ in range(number))


def groups(trials: int, items: int, columns: int, participants: int) -> int:
    """G: how many sets of T items to use, where `items` are at hand.

    More items make the result less a matter of these images. As many as possible, such that the
    participants still fill whole squares (K·G | N); where K ∤ N, such that every cell is met (K·G ≤ N).
    """
    at_most = min(items // trials, participants // columns)
    whole = [g for g in range(1, at_most + 1) if participants % (columns * g) == 0]
    return max(whole, default=max(at_most, 1))


def group_count(spec: Spec, task: TaskSpec, labels: Sequence[str], found: Predicted | None = None) -> int:
    """How many groups to make of images of these classes; T at the least, all the fixed ones.

    found: what the network predicts for them, which bounds a task of which half must be mistaken.
    """
    if task.pooled and task.strategy == "fixed":
        return len(task.fixed_groups)
    trials, room = spec.trials(task), group_room(spec, task, labels, found)
    return trials * groups(trials, room, len(spec.columns_of(task)), spec.participants)


def group_room(spec: Spec, task: TaskSpec, labels: Sequence[str], found: Predicted | None = None) -> int:
    """The most groups that images of these classes give, whatever the number of participants; T at the least."""
    trials = spec.trials(task)
    room = max(len(labels) // task.images - _elsewhere(spec, task), trials)
    if task.half_mistaken and found and found.known:
        room = max(min(room, found.usable), trials)
    if task.pooled:  # what gives so many groups gives fewer
        more = range(trials + 1, room + 1)
        room = trials + bisect_left(more, True, key=lambda number: lacking(task, labels, number) > 0)
    return room


def _elsewhere(spec: Spec, task: TaskSpec) -> int:
    """Groups that must be left for the tasks after this one that need images of their own."""
    after = spec.tasks[spec.tasks.index(task) + 1 :] if task.pooled or task.fresh else ()
    images = sum(other.images * spec.groups_needed(other) for other in after if other.pooled or other.fresh)
    return -(-images // task.images)


def lacking(task: TaskSpec, labels: Sequence[str], count: int) -> int:
    """The fewest images to add so that images of these classes give a task so many groups; 0 if they do."""
    if task.exemplar:
        return missing_exemplars(labels, size=task.group, count=count)
    return missing_images(labels, strategy=task.strategy, size=task.group, count=count)


def missing(spec: Spec, labels: Sequence[str]) -> int:
    """The fewest main images to add before this design can be laid out; 0 if it can."""
    total = max(spec.main_images - len(labels), 0)
    grouped = [task for task in spec.pooled if task.strategy != "fixed"]
    if len(spec.pooled) != 1 or not grouped:
        return total
    task = grouped[0]
    return max(total, lacking(task, labels, spec.trials(task)))


def shortage(spec: Spec, available: int, short: int) -> tuple[str, str]:
    """What the main images are needed for, and what to change."""
    parts = []
    for task in spec.tasks:
        if task.pooled:
            each = f"{task.group} per pool{' and its source' if task.exemplar else ''}"
            parts.append(
                f"{task.images * spec.trials(task)} for {task.task} ({each} × {task.per_column} trials × "
                f"{len(spec.columns_of(task))} columns)"
            )
        else:
            shared = f", the same ones as for {spec.pooled[0].task} where possible" if spec.pooled else ""
            parts.append(f"{spec.trials(task)} for {task.task}{'' if task.fresh else shared}")
    kind = {"one_per_class": ", of new or small classes", "same_class": ", in classes near to a full pool"}
    strategy = spec.pooled[0].strategy if spec.pooled else ""
    which = kind.get(strategy, "")
    if spec.pooled and spec.pooled[0].exemplar:
        which = ", so that each pool has two images of one class beside images of other classes"
    return (
        f"The design needs {spec.main_images} images ({'; '.join(parts)}), there are {available}.",
        f"Add {short}{which}, or choose smaller pools, fewer trials or fewer columns.",
    )
