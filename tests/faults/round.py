"""One fault from before it strikes to the count of what is left: participants answer, maps are computed, it strikes."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from io import StringIO

from django.core.management import CommandError, call_command

from survey_site.stimuli import jobs
from tests.faults import counted
from tests.faults.bench import ANSWERS_WITHIN_S, PEOPLE, Bench, NotRun, asked
from tests.faults.counted import Count
from tests.stack.waiting import Late

ANSWERS_AFTER = 100  # so that what the fault left behind is met by people


@dataclass(frozen=True)
class Fault:
    """strike: does the harm and mends what an operator or supervisor would mend; it is called in mid-work.

    around: what has to be there before the first participant; gives the address that they use. maps: whether maps are
    computed meanwhile.
    """

    name: str
    strike: Callable[[Bench], object]
    around: Callable[[Bench], AbstractContextManager[str]] = lambda bench: nullcontext(bench.stack.url)
    maps: bool = True


@dataclass
class Row:
    """What came of one fault. Seconds count from when it was mended; None where it was not looked at."""

    name: str
    answers: Count = field(default_factory=Count)
    maps: Count = field(default_factory=Count)
    silence_s: float = 0.0
    answers_s: float | None = None
    maps_s: float | None = None
    trouble: str = ""
    problems: list[str] = field(default_factory=list)
    not_run: str = ""

    @property
    def clean(self) -> bool:
        return self.answers.clean and self.maps.clean and not self.problems


def run(bench: Bench, fault: Fault) -> Row:
    """Strikes once and counts. What does not come back in time is a problem of the row, not an exception."""
    row = Row(fault.name)
    try:
        with fault.around(bench) as url:
            bench.crowd = bench.people(url)
            bench.crowd.start()
            try:
                _struck(bench, fault, row)
            finally:
                bench.crowd.stop()
    except NotRun as error:
        row.not_run = str(error)
        return row
    except (Late, TimeoutError) as error:
        row.problems.append(str(error))
    _count(bench, fault, row)
    return row


def _struck(bench: Bench, fault: Fault, row: Row) -> None:
    bench.until_more_answers(PEOPLE, ANSWERS_WITHIN_S)
    if fault.maps:
        bench.draft = bench.new_draft()
        jobs.request(bench.draft)
        bench.until_mid_batch()
    fault.strike(bench)
    mended = time.monotonic()
    bench.until_more_answers(PEOPLE, ANSWERS_WITHIN_S)
    row.answers_s = time.monotonic() - mended
    bench.until_more_answers(ANSWERS_AFTER, ANSWERS_WITHIN_S)
    if fault.maps:
        bench.until_maps_are_there(bench.draft)
        row.maps_s = time.monotonic() - mended


def _count(bench: Bench, fault: Fault, row: Row) -> None:
    crowd = bench.crowd
    row.silence_s = crowd.longest_silence_s
    row.trouble = ", ".join(f"{count} × {what}" for what, count in crowd.trouble.most_common())
    row.problems += crowd.refused
    row.answers = asked(
        lambda: counted.answers(bench.study, crowd.notes) + counted.participants(bench.study, bench.everybody)
    )
    row.problems += row.answers.problems
    looked_at = [bench.study.slug]
    if fault.maps:
        row.maps = asked(lambda: counted.maps(bench.draft))
        row.problems += row.maps.problems
        looked_at.append(bench.draft.slug)
    for slug in looked_at:
        row.problems += verified(slug)


def verified(slug: str) -> list[str]:
    """What `manage.py verify` finds wrong with a study."""
    said = StringIO()
    try:
        call_command("verify", slug, stdout=said, stderr=said)
    except CommandError as error:
        return [f"verify: {error}", *said.getvalue().splitlines()[:5]]
    return []
