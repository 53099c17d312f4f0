"""Rehearses a draft and stores what was found. NumPy and SciPy; only commands and the queue `reports` import it."""

from dataclasses import asdict

from survey_site.protocols import freeze
from survey_site.protocols.models import Rehearsal
from survey_site.reports.rehearsal.simulate import Progress, rehearse
from survey_site.studies.errors import SeveralProblems
from survey_site.studies.models import Study


class CannotRehearse(SeveralProblems):
    """The draft cannot be carried out yet. `problems` says line by line what must change."""

    lead = "the study cannot be carried out yet:\n"


def run(
    study: Study, seed: int, repetitions: int, progress: Progress = lambda fraction, label: None
) -> Rehearsal:
    """Rehearses the draft as it is now and stores what was found. Raises CannotRehearse, and then stores nothing."""
    draft = freeze.draft_of(study)
    if draft.document is None or draft.problems:
        raise CannotRehearse(draft.problems)
    found = rehearse(draft.document, seed, repetitions, progress)
    return Rehearsal.objects.create(
        study=study,
        document_hash=draft.hash,
        seed=seed,
        participants=study.target_participants,
        repetitions=repetitions,
        passed=found.passed,
        summary=asdict(found),
    )
