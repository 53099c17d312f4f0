"""What `make soak` does once its programs run: counts what was, lets people answer, and counts again."""

import threading
import time
from pathlib import Path

from survey_site.studies.models import Study
from tests import factories
from tests.faults import counted
from tests.faults.acknowledged import Acknowledged
from tests.faults.counted import Count
from tests.faults.crowd import Crowd
from tests.faults.pieces import FAILED, FINISHED, HEADINGS, OVER, STOPPED, Pieces
from tests.faults.table import line, rule
from tests.stack.stack import Stack

PROMPT_S = 1
WITHOUT_SCRIPTS = 10  # one in so many


class LongRun:
    """people: at once. Everything that outlives this process lies in the folder."""

    def __init__(self, stack: Stack, folder: Path, people: int, study: str) -> None:
        self.stack, self.people = stack, people
        self.notes = Acknowledged.kept_in(folder / "notes")
        self.pieces = Pieces(folder / "pieces.json")
        self.study = Study.objects.filter(slug=study).first() or factories.live(
            study,
            images=100,
            pool_size=4,
            rating_trials_per_column=8,
            matching_trials_per_column=6,
            reserve=6,
        )

    def go_on(self, answers: int, until: float, every_s: float) -> int:
        """To so many answers, or to a moment of the monotonic clock; the status. ^C ends it early and tidily."""
        if self.notes.begun:
            earlier = self.told("as the last piece left it")
            if not earlier.clean:
                return 1
        self.pieces.begin(self.notes.total)
        crowd = Crowd(
            self.stack.url,
            self.study.slug,
            self.people,
            self.notes,
            without_scripts=WITHOUT_SCRIPTS,
            going_on=list(self.notes.unfinished()),
        )
        crowd.start()
        ended_by = FAILED
        try:
            self._watch(crowd, answers, until, every_s)
            ended_by = FINISHED if self.notes.total >= answers else OVER
        except KeyboardInterrupt:
            ended_by = STOPPED
        finally:
            crowd.stop()
            self.pieces.at(self.notes.total, ended_by)
        print("", line(HEADINGS), rule(HEADINGS), sep="\n")
        for number, piece in enumerate(self.pieces.all, 1):
            print(line(piece.cells(number)))
        print(
            f"\nlongest silence {crowd.longest_silence_s:.1f} s; in place of pages: {dict(crowd.trouble) or 'none'}"
        )
        print(*crowd.refused[:10], sep="\n")
        found = self.told("at the end of this piece")
        return int(not found.clean or bool(crowd.refused))

    def _watch(self, crowd: Crowd, answers: int, until: float, every_s: float) -> None:
        """Says how far it is, and returns at the end."""
        pause, began, before, told = threading.Event(), time.monotonic(), self.notes.total, 0.0
        while self.notes.total < answers and time.monotonic() < until:
            pause.wait(PROMPT_S)
            self.pieces.at(self.notes.total)
            spent = time.monotonic() - began
            if spent - told >= every_s:
                told, rate = spent, (self.notes.total - before) / spent
                left = (answers - self.notes.total) / rate / 60 if rate else float("inf")
                print(f"{self.notes.total} acknowledged, {rate:.0f}/s, {left:.0f} min left", flush=True)

    def told(self, when: str) -> Count:
        """Compares everything acknowledged so far with the database, and says so."""
        began = time.monotonic()
        count = counted.answers(self.study, self.notes) + counted.participants(self.study, [self.notes])
        print(
            f"{when}: {count.asked} acknowledged, {count.found} found, {count.lost} lost, {count.doubled} doubled, "
            f"{len(self.notes.begun)} participants (compared in {time.monotonic() - began:.0f} s)",
            *count.problems[:10],
            sep="\n",
            flush=True,
        )
        return count
