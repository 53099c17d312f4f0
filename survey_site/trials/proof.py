"""Whether a participant's trials, presentations and answers are those that were stored, and all of them (ledger.py)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from survey_site.studies.unreadable import UNREADABLE, told
from survey_site.trials import ledger
from survey_site.trials.models import AnswerLink, Exposure, Participant, Response, Trial


def faults(person: Participant, held: "Held", protocol_hash: str, *, exposed: bool = True) -> list[str]:
    """What speaks against it, in words; nothing where all is whole.

    exposed: not of a reconstruction, where there is no telling who saw what.
    """
    trials = held.trials[person.pk]
    parts = [_trials(person, trials), chain_faults(person, protocol_hash, held)]
    if exposed:
        parts.append(_exposures(trials, held.exposures[person.pk]))
    found = [person.seal_fault(), *(fault for part in parts for fault in _read(part))]
    return [fault for fault in found if fault]


def _read(part: Iterator[str]) -> Iterator[str]:
    try:
        yield from part
    except UNREADABLE as error:
        yield told(error)


def answers_changed(person: Participant) -> bool:
    """Whether the answers are not those that were given. Whatever else is wrong is not for participants to judge."""
    try:
        return any(chain_faults(person, person.protocol.hash, Held([person])))
    except UNREADABLE:
        return True


class Held:
    """What belongs to the participants of a batch, by their row ids."""

    def __init__(self, batch: Sequence[Participant]) -> None:
        own = {"participant__in": [person.pk for person in batch]}
        self.trials: dict[int, list[Trial]] = defaultdict(list)
        self.links: dict[int, list[AnswerLink]] = defaultdict(list)
        self.responses: dict[int, list[tuple[int, Response]]] = defaultdict(list)
        self.exposures: dict[int, list[Exposure]] = defaultdict(list)
        for trial in Trial.objects.filter(**own).order_by("position"):
            self.trials[trial.participant_id].append(trial)
        for link in AnswerLink.objects.filter(**own).order_by("number"):
            self.links[link.participant_id].append(link)
        for exposure in Exposure.objects.filter(**own).order_by("pk"):
            self.exposures[exposure.participant_id].append(exposure)
        # By the trial's participant: the answer's own column is one of the things to check.
        answers = Response.objects.filter(trial__participant__in=own["participant__in"])
        for answer in answers.select_related("trial").order_by("trial__position"):
            self.responses[answer.trial.participant_id].append((answer.trial.position, answer))


def _trials(person: Participant, trials: Sequence[Trial]) -> Iterator[str]:
    if person.state == Participant.State.WITHDRAWN:
        if trials:
            yield f"who withdrew has {len(trials)} trials"
        return
    if not person.plan:
        return  # counted by `not_sealed`
    if ledger.plan_digest(trials) != person.plan:
        yield "the trials are not those that were planned"
    shown = ""
    for trial in trials:
        if trial.issued_at is not None:
            shown = ledger.presented(shown, trial.position, trial.issued_at)
    if shown != person.presented:
        yield "the presentations are not those that were made"


def chain_faults(person: Participant, protocol_hash: str, held: Held) -> Iterator[str]:
    """Why the answers are not those that the participant's row says there were; nothing where they are."""
    links, answers = held.links[person.pk], held.responses[person.pk]
    head = ledger.beginning(person, protocol_hash)
    for link in links:
        head = ledger.next_head(head, link.position, link.digest)
    if [link.number for link in links] != list(range(1, person.chain_length + 1)):
        yield f"the chain has {len(links)} links, and had {person.chain_length}"
    elif head != person.chain_head:
        yield "the chain does not end where it did"
    digests = {link.position: link.digest for link in links}
    for position, answer in answers:
        name = f"the answer to trial {position + 1}"
        if answer.ledger is not None:
            yield f"{name} still holds its link: the database had lost its trigger; run manage.py migrate, then reseal"
        elif position not in digests:
            yield f"{name} is in no chain"
        elif ledger.digest_of(answer, person.code, position) != digests[position]:
            yield f"{name} was changed"
    if person.state != Participant.State.WITHDRAWN:
        for position in sorted(digests.keys() - {position for position, _ in answers}):
            yield f"the answer to trial {position + 1} is gone"


def _exposures(trials: Sequence[Trial], exposures: Sequence[Exposure]) -> Iterator[str]:
    """An original is exposed by the first trial that showed it."""
    due: dict[int, int] = {}
    for trial in trials:
        if trial.issued_at is not None:
            for stimulus in {trial.stimulus_id, *trial.pool}:
                due.setdefault(stimulus, trial.pk)
    if due != {exposure.stimulus_id: exposure.trial_id for exposure in exposures}:
        yield "the exposures are not those of the presentations"
