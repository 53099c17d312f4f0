"""What is worth telling, as a pure function of a study's counts, and how it is said."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from survey_site.notifications.alarm_rule import bracket, is_unusual


@dataclass(frozen=True, slots=True)
class Limits:
    """What the study declares as usual: shares from 0 to 1, None where it does not want to know."""

    dropout: float | None = 0.2
    failed_attention: float | None = 0.1
    least: int = 20
    starts: int | None = 40  # in ten minutes


@dataclass(frozen=True, slots=True)
class Counts:
    """A study at one moment. People are persons under its newest protocol; `version` is 0 before and under a pilot."""

    jobs: int = 0
    jobs_failed: int = 0
    jobs_open: int = 0  # queued, running or paused
    jobs_ended: str = ""  # when the last of them ended: tells one batch from the next
    reasons: tuple[str, ...] = ()
    version: int = 0
    target: int = 0
    finished: int = 0
    quota: int | None = None
    places_taken: int = 0
    ended: int = 0  # finished or dropped out
    dropped: int = 0
    checked: int = 0  # finished, with attention checks
    failed_attention: int = 0
    starts: int = 0  # in the last ten minutes
    hour: str = ""  # of this look: an unusual number of starts is told once in it


@dataclass(frozen=True, slots=True)
class Occasion:
    """One thing to tell. `page` is the page of the admin that shows more."""

    kind: str
    occasion: str
    subject: str
    body: str
    page: str
    facts: dict[str, Any] = field(default_factory=dict)


def occasions(counts: Counts, limits: Limits) -> list[Occasion]:
    """Everything that is worth telling at this moment; what was told before has the same kind and occasion."""
    return [*_maps(counts), *_people(counts), *_unusual(counts, limits)]


def as_facts(counts: Counts, *names: str) -> dict[str, Any]:
    known = asdict(counts)
    return {name: known[name] for name in names}


def _maps(counts: Counts) -> Iterator[Occasion]:
    if not counts.jobs or counts.jobs_open or not counts.jobs_ended:
        return
    facts = as_facts(counts, "jobs", "jobs_failed")
    if not counts.jobs_failed:
        yield Occasion(
            "maps_ready", counts.jobs_ended, "the maps are ready",
            f"All {counts.jobs} precompute jobs are done. Next: check the design and go live.",
            "study_precompute", facts,
        )  # fmt: skip
        return
    why = "".join(f"\n- {reason}" for reason in counts.reasons)
    yield Occasion(
        "maps_failed", counts.jobs_ended, f"{counts.jobs_failed} of {counts.jobs} precompute jobs failed",
        f"{counts.jobs_failed} of {counts.jobs} precompute jobs failed, the others are done. "
        f"The reasons:{why}\nMend what they say, then press “Retry failed”.",
        "study_precompute", facts,
    )  # fmt: skip


def _people(counts: Counts) -> Iterator[Occasion]:
    if counts.version and counts.target and counts.finished >= counts.target:
        yield Occasion(
            "target_reached", f"v{counts.version}: {counts.target}", f"{counts.target} participants have finished",
            f"{counts.finished} participants have finished and count; the target was {counts.target}. "
            "Next: close the study and read the report.",
            "study_live", as_facts(counts, "finished", "target"),
        )  # fmt: skip
    if counts.version and counts.quota and counts.places_taken >= counts.quota:
        yield Occasion(
            "quota_used", f"v{counts.version}: {counts.quota}", f"all {counts.quota} places are taken",
            f"All {counts.quota} places of the recruitment's quota are taken; whoever comes now is turned away, "
            "until somebody drops out. Raise the quota, or pause the recruitment at the provider.",
            "study_monitor", as_facts(counts, "places_taken", "quota"),
        )  # fmt: skip


def _unusual(counts: Counts, limits: Limits) -> Iterator[Occasion]:
    if not counts.version:
        return
    if limits.starts is not None and counts.starts > limits.starts:
        yield Occasion(
            "starts_unusual", f"v{counts.version}: {counts.hour}", f"{counts.starts} people began in ten minutes",
            f"{counts.starts} people began in the last ten minutes; the study expects {limits.starts} at most. If nobody "
            "sent so many, it may be a script: pause the study on its monitor, by one click. Who is in it may finish; "
            "places of whoever began and answers nothing are free again after ten minutes.",
            "study_monitor", as_facts(counts, "starts") | {"expected": limits.starts},
        )  # fmt: skip
    k, n, expected = counts.dropped, counts.ended, limits.dropout
    if expected is not None and is_unusual(k, n, expected, limits.least):
        yield Occasion(
            "dropout_unusual", f"v{counts.version}: {bracket(n, limits.least)}", f"{k} of {n} participants dropped out",
            f"{k} of {n} participants who began have left in the middle ({k / n:.0%}); the study expects {expected:.0%}. "
            "Try the study on a phone and on a slow connection, and see where they leave.",
            "study_monitor", as_facts(counts, "dropped", "ended") | {"expected": expected},
        )  # fmt: skip
    k, n, expected = counts.failed_attention, counts.checked, limits.failed_attention
    if expected is not None and is_unusual(k, n, expected, limits.least):
        yield Occasion(
            "attention_unusual", f"v{counts.version}: {bracket(n, limits.least)}",
            f"{k} of {n} participants failed the attention checks",
            f"{k} of {n} participants who finished have failed the attention checks by the study's rule ({k / n:.0%}); "
            f"the study expects {expected:.0%}. Look at the checks as a participant would, and at where participants "
            "come from.",
            "study_monitor", as_facts(counts, "failed_attention", "checked") | {"expected": expected},
        )  # fmt: skip
