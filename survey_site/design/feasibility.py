"""What a design needs and what it cannot do, before it is frozen: exact numbers, and what to change.

Plain data in, plain data out; the numbers come from `layout`, so what is promised here can be laid out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import lcm

from survey_site.design.design import LARGEST_POOL, SMALLEST_POOL
from survey_site.design.latin_square import Square
from survey_site.design.layout import missing, pool_count, rating_count, shortage
from survey_site.design.spec import Spec

LONG_SESSION_MIN = 30


@dataclass(frozen=True, slots=True)
class SessionPace:
    """Seconds a participant takes: assumptions, to be replaced by the medians of a pilot."""

    matching_s: float = 14.0
    rating_s: float = 8.0
    practice_s: float = 25.0
    pages_s: float = 150.0  # consent, instructions, breaks, debrief

    def minutes(self, matching: int, rating: int, practice: int) -> float:
        seconds = self.matching_s * matching + self.rating_s * rating + self.practice_s * practice
        return (seconds + self.pages_s) / 60


@dataclass(frozen=True, slots=True)
class DesignFinding:
    """One thing to know, and what to change about it. Only a blocking finding prevents the freeze."""

    code: str
    text: str
    change: str
    blocking: bool = False


@dataclass(frozen=True, slots=True)
class Assessment:
    """The numbers of a design. `minutes` are for one participant; `period` is the participants of a full square."""

    images_available: int
    images_needed: int
    reserve_available: int
    reserve_needed: int
    images_missing: int = 0
    pools: int = 0
    rating_images: int = 0
    matching_trials: int = 0
    rating_trials: int = 0
    minutes: float = 0.0
    minutes_of_all: float = 0.0
    period: int = 1
    balanced_participants: tuple[int, ...] = ()
    chance: float | None = None
    conditions: int = 0
    findings: tuple[DesignFinding, ...] = ()

    @property
    def feasible(self) -> bool:
        return not any(finding.blocking for finding in self.findings)


def assess(
    spec: Spec, labels: Sequence[str], reserve: int = 0, pace: SessionPace | None = None
) -> Assessment:
    """Needs and findings of a draft with one main image per entry of `labels` (their classes).

    reserve: how many images are set aside for practice and attention checks.
    """
    if refused := tuple(_impossible(spec)):
        return Assessment(len(labels), spec.main_images, reserve, spec.reserve_images, findings=refused)
    short = missing(spec, labels)
    pools = max(pool_count(spec, labels), spec.matching_trials)
    rated = rating_count(spec, max(len(labels), spec.main_images))
    matching = Square(len(spec.columns), pools, spec.matching_trials)
    rating = Square(len(spec.columns), rated, spec.rating_trials)
    period = lcm(matching.period, rating.period)
    # With another number of participants the layout uses another number of items; fixed pools do not give way.
    smallest = matching.period if spec.strategy == "fixed" else len(spec.columns)
    balanced = _neighbours(spec.participants, smallest if spec.participants % period else period)
    minutes = (pace or SessionPace()).minutes(
        spec.matching_trials + spec.matching_checks,
        spec.rating_trials + spec.rating_checks,
        spec.practice_pools + spec.practice_ratings,
    )
    findings = (
        *_shortage(spec, len(labels), short, reserve),
        *_balance(spec, matching, rating, balanced),
        *_variants(spec),
        *_inference(spec, pools),
        *_burden(minutes),
    )
    return Assessment(
        images_available=len(labels),
        images_needed=len(labels) + short if short else spec.main_images,
        reserve_available=reserve,
        reserve_needed=spec.reserve_images,
        images_missing=short,
        pools=pools,
        rating_images=rated,
        matching_trials=spec.matching_trials,
        rating_trials=spec.rating_trials,
        minutes=minutes,
        minutes_of_all=minutes * spec.participants,
        period=period,
        balanced_participants=balanced,
        chance=1 / spec.pool_size if spec.matching_trials else None,
        conditions=spec.conditions,
        findings=findings,
    )


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
    if not spec.matching_per_column + spec.rating_per_column:
        yield block("no_trial", "The design has no trial.", "Ask for matching or rating trials per column.")
    if spec.matching_per_column and not SMALLEST_POOL <= spec.pool_size <= LARGEST_POOL:
        allowed = f"{SMALLEST_POOL} to {LARGEST_POOL}"
        yield block("pool_size", f"A pool of {spec.pool_size} images.", f"Choose a size of {allowed}.")
    if spec.strategy == "same_class" and spec.headline == "class" and spec.matching_per_column:
        yield block(
            "headline",
            "In pools of one class every choice is of the right class: Human Faith would be 100 %.",
            "Count the source image as correct, or choose another pool strategy.",
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


def _balance(
    spec: Spec, matching: Square, rating: Square, balanced: tuple[int, ...]
) -> Iterator[DesignFinding]:
    for square, task, unit in ((matching, "matching", "pool"), (rating, "rating", "image")):
        if bound := square.cell_range(spec.participants) if square.trials else 0:
            yield DesignFinding(
                f"{task}_cells",
                f"{spec.participants} participants do not fill whole squares of {square.period}: the number of "
                f"answers per {unit} × column will differ by up to {bound} in the {task} task.",
                f"Plan {' or '.join(map(str, balanced))} participants.",
            )
    visits = (
        spec.participants * matching.trials // (matching.items * matching.columns) if matching.items else 0
    )
    if matching.trials and visits < spec.pool_size:
        yield DesignFinding(
            "targets",
            f"Each pool comes up {visits} times under a column, so {max(visits, 1)} of its {spec.pool_size} "
            "images will be asked for; the others are distractors only.",
            f"Nothing, or plan {matching.period * spec.pool_size} participants to ask for every image.",
        )


def _variants(spec: Spec) -> Iterator[DesignFinding]:
    for column in spec.columns:
        for task, per_column in (("matching", spec.matching_per_column), ("rating", spec.rating_per_column)):
            answers, variants = spec.participants * per_column, len(column.conditions)
            if per_column and answers < variants:
                yield DesignFinding(
                    "variants_unseen",
                    f"{column.name} pools {variants} conditions and gets {answers} {task} answers: "
                    f"{variants - answers} conditions would never be shown.",
                    f"Remove conditions, or plan {-(-variants // per_column)} participants.",
                    blocking=True,
                )
            elif per_column and answers % variants:
                yield DesignFinding(
                    "variants_uneven",
                    f"The {variants} conditions of {column.name} share {answers} {task} answers: "
                    f"{answers // variants} or more each, not all alike.",
                    f"Nothing, or a number of answers that {variants} divides.",
                )


def _inference(spec: Spec, pools: int) -> Iterator[DesignFinding]:
    if len(spec.columns) == 1:
        yield DesignFinding(
            "no_comparison", "With one column there is nothing to compare.", "Add a reference column."
        )
    if spec.participants == 1:
        yield DesignFinding("one_participant", "One participant gives no interval.", "Plan at least two.")
    least_pools, least_trials = spec.rules.two_way_items, spec.rules.two_way_trials
    if spec.matching_per_column and (pools < least_pools or spec.matching_per_column < least_trials):
        t = max(spec.matching_per_column, least_trials)
        needed = max(least_pools, t * len(spec.columns))
        yield DesignFinding(
            "images_not_generalised",
            f"{spec.matching_per_column} matching trials per column on {pools} pools: the comparisons of Human "
            "Faith hold for these images only and have little power.",
            f"Ask for {t} or more matching trials per column on {needed} or more pools "
            f"({needed * spec.pool_size} images).",
        )
    if spec.attention_checks == 1:
        yield DesignFinding(
            "one_check",
            "One attention check cannot exclude anybody fairly; panels ask for two failures.",
            "Plan three checks, or none.",
        )


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
