"""Rehearses a draft and stores what was found. NumPy and SciPy; only commands and the queue `reports` import it."""

from dataclasses import asdict

from survey_site.design import canonical
from survey_site.protocols import freeze
from survey_site.protocols.models import Rehearsal
from survey_site.reports.rehearsal.simulate import Progress, rehearse
from survey_site.studies.models import Study


class CannotRehearse(ValueError):
    """The draft cannot be carried out yet. `problems` says line by line what must change."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("the study cannot be carried out yet:\n" + "\n".join(problems[:10]))


def run(
    study: Study, seed: int, repetitions: int, progress: Progress = lambda fraction, label: None
) -> Rehearsal:
    """Rehearses the draft as it is now and stores what was found. Raises CannotRehearse, and then stores nothing."""
    if problems := freeze.unplannable(study):
        raise CannotRehearse(problems)
    document = freeze.draft_document(study)
    found = rehearse(document, seed, repetitions, progress)
    return Rehearsal.objects.create(
        study=study,
        document_hash=canonical.sha256(document),
        seed=seed,
        participants=study.target_participants,
        repetitions=repetitions,
        passed=found.passed,
        summary=asdict(found),
    )
