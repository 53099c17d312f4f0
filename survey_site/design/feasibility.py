"""What a design needs and what it cannot do, before it is frozen: exact numbers, and what to change.

Plain data in, plain data out; the numbers come from `layout`, so what is promised here can be laid out.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import ceil, lcm

from survey_site.design.assessment import Assessment, DesignFinding, TaskNeeds
from survey_site.design.design import LARGEST_POOL, SMALLEST_POOL
from survey_site.design.exemplar_pools import missing_exemplars
from survey_site.design.halves import Predicted, lacking_halves, uneven
from survey_site.design.latin_square import Square
from survey_site.design.layout import group_count, missing, shortage
from survey_site.design.spec import Spec
from survey_site.design.task_spec import TaskSpec
from survey_site.design.use_of_images import unused

LONG_SESSION_MIN = 30
PRACTICE_S, PAGES_S = (
    25.0,
    150.0,
)  # a practice trial with its feedback; consent, instructions, breaks, debrief


def assess(
    spec: Spec,
    labels: Sequence[str],
    reserve: int = 0,
    seconds: Mapping[str, float] | None = None,
    more: Sequence[DesignFinding] = (),
    reserve_labels: Sequence[str] = (),
    found: Predicted | None = None,
) -> Assessment:
    """Needs and findings of a draft with one main image per entry of `labels` (their classes).

    reserve: how many images are set aside for practice and attention checks. seconds: what a trial of a task takes,
    where a pilot has told. more: findings of the tasks themselves. reserve_labels: classes of the reserve images.
    found: what the network predicts for the main images.
    """
    if refused := (*_impossible(spec), *(finding for finding in more if finding.blocking)):
        return Assessment(
            len(labels), spec.main_images, reserve, spec.reserve_images if spec.tasks else 0, findings=refused
        )
    short = missing(spec, labels)
    enough = list(labels) + [""] * max(spec.main_images - len(labels), 0)
    items = {
        task.task: max(group_count(spec, task, labels if task.pooled else enough, found), spec.trials(task))
        for task in spec.tasks
    }
    squares = {
        task: Square(len(spec.columns_of(task)), items[task.task], spec.trials(task)) for task in spec.tasks
    }
    period = lcm(*(square.period for square in squares.values()))
    # With another number of participants the layout uses another number of items; fixed groups do not give way.
    fixed = [square.period for task, square in squares.items() if task.strategy == "fixed"]
    smallest = lcm(*fixed) if fixed else len(spec.columns)
    balanced = _neighbours(spec.participants, smallest if spec.participants % period else period)
    minutes = _minutes(spec, seconds or {})
    findings = (
        *_shortage(spec, len(labels), short, reserve),
        *_exemplars(spec, labels, reserve, reserve_labels),
        *_halves(spec, found or Predicted(unknown=len(labels))),
        *(finding for task, square in squares.items() for finding in _balance(spec, task, square, balanced)),
        *_variants(spec),
        *_inference(spec, items),
        *_burden(minutes),
        *(() if short else _unused(spec, labels, found)),
        *more,
    )
    return Assessment(
        images_available=len(labels),
        images_needed=len(labels) + short if short else spec.main_images,
        reserve_available=reserve,
        reserve_needed=spec.reserve_images,
        images_missing=short,
        tasks=tuple(
            TaskNeeds(task.task, spec.trials(task), items[task.task], task.group, task.chance)
            for task in spec.tasks
        ),
        minutes=minutes,
        minutes_of_all=minutes * spec.participants,
        period=period,
        balanced_participants=balanced,
        conditions=spec.conditions,
        findings=findings,
    )


def _minutes(spec: Spec, seconds: Mapping[str, float]) -> float:
    """What a participant takes: assumptions, to be replaced by the medians of a pilot."""
    trials = [
        seconds.get(task.task, task.seconds) * (spec.trials(task) + spec.checks(task)) for task in spec.tasks
    ]
    return (sum(trials) + PRACTICE_S * spec.practice_trials * len(spec.tasks) + PAGES_S) / 60


def _impossible(spec: Spec) -> Iterator[DesignFinding]:
    """Choices that no number of images or participants can repair."""

    def block(code: str, text: str, change: str) -> DesignFinding:
        return DesignFinding(code, text, change, blocking=True)

    if not spec.columns:
        yield block("no_column", "The design has no table column.", "Tick at least one condition.")
    for column in spec.columns:
        if not column.conditions:
            yield block("empty_column", f"{column.name} has no condition.", "Add one or remove the column.")
    if spec.participants < 1:
        yield block("no_participant", "No participant is planned.", "Plan at least two.")
    if not spec.tasks:
        yield block("no_trial", "The design has no trial.", "Ask for trials per column in at least one task.")
    for task in spec.tasks:
        if task.group > LARGEST_POOL or task.group < 1:
            allowed = f"{SMALLEST_POOL} to {LARGEST_POOL}"
            yield block("pool_size", f"A pool of {task.group} images.", f"Choose a size of {allowed}.")
        if spec.columns and not spec.columns_of(task):
            yield block(
                f"{task.task}_columns",
                f"The task {task.task} shows maps of {len(task.ranks)} classes, and no column's maps differ by class.",
                "Add a column of a method that explains a class, or leave the task out.",
            )
        if task.half_mistaken and task.per_column % 2:
            yield block(f"{task.task}_halves", *uneven(task.task, task.per_column))
        if len(task.ranks) > len(spec.columns) > 0 and not task.together:
            yield block(
                f"{task.task}_columns",
                f"A {task.task} trial shows {len(task.ranks)} maps under as many columns; there is {len(spec.columns)}.",
                "Add columns, or leave the task out.",
            )


def _shortage(spec: Spec, available: int, short: int, reserve: int) -> Iterator[DesignFinding]:
    if short:
        text, change = shortage(spec, available, short)
        yield DesignFinding("images", text, change, blocking=True)
    if (lacking := spec.reserve_images - reserve) > 0:
        yield DesignFinding(
            "reserve",
            f"Practice and attention checks need {spec.reserve_images} reserve images, there are {reserve}.",
            f"Mark {lacking} more images as reserve, or plan fewer practice trials and checks.",
            blocking=True,
        )


def _exemplars(
    spec: Spec, labels: Sequence[str], reserve: int, reserve_labels: Sequence[str]
) -> Iterator[DesignFinding]:
    """What tasks that show another image of the target's class need of the classes, in numbers."""
    per_class = Counter(label for label in labels if label)
    pairs, blank = sum(number > 1 for number in per_class.values()), len(labels) - per_class.total()
    for task in spec.tasks:
        if not task.exemplar:
            continue
        each = f"two images of one class, the source and another one, and {task.group - 1} images of other classes"
        unnamed = f"; {blank} images have no class and can stand in none" if blank else ""
        yield DesignFinding(
            "exemplars",
            f"Each {task.task} pool takes {each}: {task.images * spec.trials(task)} images for {spec.trials(task)} pools. "
            f"{pairs} of {len(per_class)} classes have two images or more{unnamed}.",
            "Nothing, or add images of these classes for more pools.",
        )
        number = spec.practice_trials + spec.checks(task)
        lacking = missing_exemplars(reserve_labels, size=task.group, count=number)
        if lacking and reserve >= spec.reserve_images:
            yield DesignFinding(
                "reserve",
                f"Practice and attention checks need {number} pools of reserve images, each of {each}.",
                f"Mark {lacking} more images of fitting classes as reserve, or plan fewer practice trials and checks.",
                blocking=True,
            )


def _halves(spec: Spec, found: Predicted) -> Iterator[DesignFinding]:
    """Whether there are enough predictions of both kinds; where it is known, how many are shown."""
    for task in spec.tasks:
        if not task.half_mistaken:
            continue
        if told := lacking_halves(task.task, spec.trials(task), found):
            yield DesignFinding(f"{task.task}_halves", *told, blocking=found.known > 0)
            continue
        shown = group_count(spec, task, [""] * (found.known + found.unknown), found)
        yield DesignFinding(
            f"{task.task}_halves",
            f"Of {found.known + found.unknown} images the network takes {found.right} for what they are and "
            f"{found.mistaken} for something else: the task {task.task} shows {shown // 2} of each kind.",
            "Nothing; each participant sees as many right as wrong predictions under every column.",
        )


def _balance(
    spec: Spec, task: TaskSpec, square: Square, balanced: tuple[int, ...]
) -> Iterator[DesignFinding]:
    if bound := square.cell_range(spec.participants):
        unit = "pool" if task.pooled else "image"
        yield DesignFinding(
            f"{task.task}_cells",
            f"{spec.participants} participants do not fill whole squares of {square.period}: the number of "
            f"answers per {unit} × column will differ by up to {bound} in the {task.task} task.",
            f"Plan {' or '.join(map(str, balanced))} participants.",
        )
    visits = spec.participants * square.trials // (square.items * square.columns)
    if task.pooled and not task.exemplar and visits < task.group:
        yield DesignFinding(
            "targets",
            f"Each pool comes up {_times(visits)} under a column, so {max(visits, 1)} of its {task.group} "
            "images will be asked for; the others are distractors only.",
            f"Nothing, or plan {square.period * task.group} participants to ask for every image.",
        )


def _times(number: int) -> str:
    return {0: "not once", 1: "once", 2: "twice"}.get(number, f"{number} times")


def _variants(spec: Spec) -> Iterator[DesignFinding]:
    for place, column in enumerate(spec.columns):
        for task in spec.tasks:
            if place not in spec.columns_of(task):
                continue
            answers, variants = spec.participants * task.per_column, len(column.conditions)
            if answers < variants:
                yield DesignFinding(
                    "variants_unseen",
                    f"{column.name} pools {variants} conditions and gets {answers} {task.task} answers: "
                    f"{variants - answers} conditions would never be shown.",
                    f"Remove conditions, or plan {-(-variants // task.per_column)} participants.",
                    blocking=True,
                )
            elif answers % variants:
                yield DesignFinding(
                    "variants_uneven",
                    f"The {variants} conditions of {column.name} share {answers} {task.task} answers: "
                    f"{answers // variants} or more each, not all alike.",
                    f"Nothing, or a number of answers that {variants} divides.",
                )


def _inference(spec: Spec, items: Mapping[str, int]) -> Iterator[DesignFinding]:
    if len(spec.columns) == 1:
        yield DesignFinding(
            "no_comparison", "With one column there is nothing to compare.", "Add a reference column."
        )
    if spec.participants == 1:
        yield DesignFinding("one_participant", "One participant gives no interval.", "Plan at least two.")
    for task in spec.tasks:
        if task.few_told and items[task.task] < spec.rules.few_items:
            # Fewer trials per column than this cannot show so many items.
            columns = len(spec.columns_of(task))
            trials = "trial" if task.per_column == 1 else "trials"
            t = max(task.per_column, ceil(spec.rules.few_items / columns))
            needed = t * columns
            yield DesignFinding(
                "few_items",
                f"{task.per_column} {task.task} {trials} per column on {items[task.task]} {task.unit}: the comparisons "
                f"of {task.outcome} take these as a sample, and have little power.",
                f"Ask for {t} or more {task.task} trials per column on {needed} or more {task.unit} "
                f"({needed * task.images} images).",
            )
    if spec.attention_checks == 1:
        yield DesignFinding(
            "one_check",
            "One attention check cannot exclude anybody fairly; panels ask for two failures.",
            "Plan three checks, or none.",
        )


def _unused(spec: Spec, labels: Sequence[str], found: Predicted | None) -> Iterator[DesignFinding]:
    if told := unused(spec, labels, found):
        yield DesignFinding("unused", *told)


def _burden(minutes: float) -> Iterator[DesignFinding]:
    if minutes > LONG_SESSION_MIN:
        yield DesignFinding(
            "long", f"A session takes about {minutes:.0f} minutes; people tire.", "Ask for fewer trials."
        )


def _neighbours(participants: int, period: int) -> tuple[int, ...]:
    """The multiples of the period next to the number of participants; itself where it is one."""
    below = participants // period * period
    if below == participants:
        return (participants,)
    above = below + period
    return (below, above) if below else (above,)
