"""The site under fault: its programs, a study that takes answers, and studies whose maps are computed."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from django.core.cache import cache
from django.db import DatabaseError, connection

from survey_site.protocols import freeze
from survey_site.protocols.models import Protocol
from survey_site.reports import cached_report
from survey_site.reports.cached_task import forget_progress
from survey_site.reports.population import Population
from survey_site.reports.report_types import StudyReport
from survey_site.stimuli import jobs
from survey_site.stimuli.models import PrecomputeJob
from survey_site.studies.models import Study
from tests.factories import FACTS, task_settings
from tests.faults.acknowledged import Acknowledged
from tests.faults.crowd import Crowd
from tests.faults.cutting_proxy import CuttingProxy
from tests.faults.gate import Gate
from tests.faults.twice import Twice
from tests.stack.disk import Disk
from tests.stack.stack import Stack
from tests.stack.waiting import Late, until
from tests.worker.study import tiny_study

PEOPLE, THINK_S = 8, 0.1
IMAGES = 64
ANSWERS_WITHIN_S = 120
MAPS_WITHIN_S = 420  # a lease (120 s), a sweep, and three steps of back-off
State = PrecomputeJob.State
Found = TypeVar("Found")


class NotRun(Exception):
    """This machine cannot be given the fault; the message says what is missing."""


def asked(question: Callable[[], Found]) -> Found:
    """The answer of the database, asked again over new connections where the old ones are broken."""
    try:
        return question()
    except DatabaseError:
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]
        return question()


class Bench:
    """classifier: name of the tiny network of the maps. disks: by what lies on them, if they could be made."""

    def __init__(self, stack: Stack, classifier: str, disks: dict[str, Disk]) -> None:
        self.stack, self.classifier, self.disks = stack, classifier, disks
        self._drafts = 0
        self.everybody: list[Acknowledged] = []
        self.study = self._open("answers", target_participants=50_000)
        self.draft = self.study
        self.crowd = self.people(stack.url)
        self.proxy: CuttingProxy | None = None
        self.twice: Twice | None = None
        self.gate: Gate | None = None
        self._reported: Study | None = None

    def _open(self, slug: str, **settings: int) -> Study:
        """A study that takes participants, its maps computed by the worker of the stack."""
        study = self.new_draft(slug)
        tasks = task_settings(pool_size=2, matching_trials_per_column=4, rating_trials_per_column=6)
        for name, value in {**FACTS, **tasks, **settings}.items():
            setattr(study, name, value)
        study.save()
        jobs.request(study)
        self.until_maps_are_there(study)
        freeze.go_live(study)
        return study

    def new_draft(self, slug: str = "") -> Study:
        """A study with pictures of its own, for which nothing was computed yet."""
        self._drafts += 1
        name = slug or f"maps-{self._drafts}"
        return tiny_study(self.classifier, IMAGES, name, first=1000 * self._drafts)

    def people(self, url: str, study: str = "answers", size: int = PEOPLE) -> Crowd:
        """Participants with a list of their own of what was acknowledged; not started."""
        self.everybody.append(Acknowledged())
        return Crowd(url, study, size, self.everybody[-1], THINK_S)

    def until_more_answers(self, answers: int, seconds: float) -> float:
        """Until so many more were acknowledged than are now."""
        wanted = self.crowd.notes.total + answers
        return until(lambda: self.crowd.notes.total >= wanted, "answers are acknowledged", seconds)

    def jobs_in(self, *states: str) -> int:
        """Of the draft of this fault."""
        rows = PrecomputeJob.objects.filter(stimulus__study=self.draft, state__in=states)
        return asked(rows.count)

    def until_mid_batch(self) -> None:
        """Some images are explained, and the worker holds others."""
        until(lambda: self.jobs_in(State.DONE) > 0 < self.jobs_in(State.RUNNING), "a batch is under way")

    def until_a_job_was_put_back(self, seconds: float = 90) -> None:
        """The worker has met the fault, and said so on a job."""
        rows = PrecomputeJob.objects.filter(stimulus__study=self.draft).exclude(reason="")
        until(lambda: asked(rows.exists), "a job tells of the fault", seconds)

    def until_maps_are_there(self, study: Study) -> float:
        """Seconds until no job is left. Raises Late with the reasons of those that failed."""
        rows = PrecomputeJob.objects.filter(stimulus__study=study)
        spent = until(lambda: asked(lambda: jobs.progress(study)).settled, "maps finish", MAPS_WITHIN_S)
        if failed := asked(lambda: list(rows.filter(state=State.FAILED).values_list("reason", flat=True))):
            raise Late(f"{len(failed)} jobs failed: {failed[0]}")
        return spent

    def reported_study(self) -> Study:
        """A study that some people have answered, and nobody answers any more."""
        if self._reported is None:
            study = self._open("reported", target_participants=50)
            people = self.people(self.stack.url, study.slug)
            people.start()
            until(lambda: len(people.notes.ended) >= PEOPLE, "some people finish", ANSWERS_WITHIN_S)
            people.stop()
            self._reported = study
        return self._reported

    @contextmanager
    def storage_away(self) -> Iterator[None]:
        """An empty folder in its place, as where a disk is not mounted. What is written there meanwhile is gone after."""
        aside = self.files.with_name("aside")
        self.files.rename(aside)
        self.files.mkdir(mode=0o700)
        try:
            yield
        finally:
            shutil.rmtree(self.files)
            aside.rename(self.files)

    @property
    def files(self) -> Path:
        """Where the site's storage lies."""
        return Path(self.stack.environment["STORAGE_URL"].removeprefix("file://"))


class Reported:
    """The report of a study whose data do not change: asked for as its page does, again and again until it is there."""

    def __init__(self, study: Study) -> None:
        self.study, self.population = study, Population()
        self.protocol = Protocol.objects.get(study=study)
        self.version = cached_report.data_version(self.protocol, self.population)

    def ask(self) -> None:
        cached_report.ask(self.study, self.protocol, self.population, self.version)

    def found(self) -> StudyReport | None:
        """Asks where there is none."""
        found = cached_report.report_of(self.version)
        if found is None:
            self.ask()
        return found

    def forget(self) -> None:
        """As if it had never been computed."""
        cache.delete(f"report:{self.version}")
        forget_progress(self.version)

    def is_under_way(self) -> bool:
        """A worker has begun and not finished; asked for again as long as it has not, as the page does."""
        self.ask()
        state = cached_report.ANALYSIS.state(self.version)
        return state.running and bool(state.progress) and state.percent > 0

    def until_found(self, seconds: float) -> StudyReport:
        until(lambda: self.found() is not None, "the report is there", seconds)
        found = self.found()
        assert found
        return found
