"""`manage.py observe`: asks for the observers, waits where it is told to, and says in one line why they cannot be tried."""

import io
from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command

from saliency_worker import observer_store
from survey_site.celery import app
from survey_site.protocols.management.commands import observe as command
from survey_site.stimuli import leased_rows
from survey_site.stimuli.models import SaliencyMap
from survey_site.stimuli.observed import ObservedMap, ObserverJob
from survey_site.studies.models import AuditEntry, Study
from tests.observers.painted import study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture(autouse=True)
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "send_task", lambda *args, **kwargs: None)


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """A worker that works off what is queued whenever the command waits; the seconds that it waited."""
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        for job in leased_rows.claim(
            ObserverJob, list(ObserverJob.objects.values_list("pk", flat=True)), "w"
        ):
            observer_store.observe(job, "w")

    monkeypatch.setattr(command.time, "sleep", wait)
    yield waited


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("observe", *arguments, stdout=out)
    return out.getvalue()


def test_it_asks_and_does_not_wait_unless_it_is_told_to(worker: list[float]) -> None:
    painted = study()
    assert run(painted.slug) == "the observers of painted: queued\n"
    assert ObserverJob.objects.get().state == "queued"
    assert not worker
    (entry,) = AuditEntry.objects.filter(verb="observers: request")
    assert entry.study == painted


def test_waiting_ends_with_what_must_be_said_of_the_results(worker: list[float]) -> None:
    said = run(study().slug, "--wait").splitlines()
    assert said[0] == "the observers of painted: queued"
    assert any("no other classifier has bare maps here" in line for line in said[1:])
    assert said[-1] == "the observers of painted: done"
    assert worker == [command.POLL_SECONDS]
    assert ObservedMap.objects.count() == 16


def test_what_is_done_is_not_done_again_but_for_the_trained_matcher(worker: list[float]) -> None:
    painted = study()
    run(painted.slug, "--wait")
    assert run(painted.slug, "--wait").startswith("the observers of painted: done\n")
    assert len(worker) == 1
    assert run(painted.slug, "--trained", "--wait").startswith("the observers of painted: queued\n")
    assert len(worker) == 2
    assert all("trained" in row.found for row in ObservedMap.objects.all())
    assert run(painted.slug, "--trained").startswith("the observers of painted: done\n")


def test_a_failure_is_told_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(seconds: float) -> None:
        ObserverJob.objects.update(state="failed", reason="the disk is full")

    monkeypatch.setattr(command.time, "sleep", fail)
    with pytest.raises(CommandError, match="could not be tried: the disk is full"):
        run(study().slug, "--wait")


def test_a_job_that_was_cancelled_or_deleted_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    painted = study()
    monkeypatch.setattr(command.time, "sleep", lambda s: ObserverJob.objects.update(state="cancelled"))
    with pytest.raises(CommandError, match="cancelled"):
        run(painted.slug, "--wait")
    monkeypatch.setattr(command.time, "sleep", lambda s: ObserverJob.objects.all().delete())
    with pytest.raises(CommandError, match="deleted"):
        run(painted.slug, "--wait")


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (
            {"matching_trials_per_column": 0, "rating_trials_per_column": 2},
            "No task of this study shows pools",
        ),
        ({"images": 4}, "needs 8 images"),
    ],
)
def test_a_study_in_which_nothing_can_be_matched_is_refused(made: dict[str, int], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        run(study(**made).slug)
    assert not ObserverJob.objects.exists()
    assert not AuditEntry.objects.filter(verb="observers: request").exists()


def test_studies_without_maps_unknown_and_archived_ones_are_refused() -> None:
    painted = study()
    with pytest.raises(CommandError, match="no study 'nope'; there are: painted"):
        run("nope")
    SaliencyMap.objects.filter(stimulus__study=painted).delete()
    with pytest.raises(CommandError, match="no maps yet"):
        run(painted.slug)
    Study.objects.update(state="archived")
    with pytest.raises(CommandError, match="archived"):
        run(painted.slug)
