"""Simulated participants asked for at the desk: played by the queue `reports`, counted, and taken out again. No NumPy."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Count

from survey_site.reports.cached_task import CachedTask
from survey_site.studies.models import Study
from survey_site.tasks.behaviour import Behaviour, Simulator
from survey_site.trials.models import Participant
from survey_site.trials.simulation.play import play
from survey_site.trials.simulation.robot import InProcess
from survey_site.trials.withdrawal import withdraw

SIMULATION = CachedTask("reports.simulate", silence_s=120)
FEWEST, MOST, USUAL = 1, 200, 10  # simulated participants at once
State = Participant.State


@dataclass(frozen=True, slots=True)
class Simulated:
    """How many simulated participants a study has, and how they stand; those that were taken out are in none of them."""

    total: int = 0
    finished: int = 0

    @property
    def left(self) -> int:
        return self.total - self.finished


def key_of(study: Study) -> str:
    """Under which the study's task tells how far it is: one at a time."""
    return f"simulate:{study.pk}"


def ask(study: Study, participants: int) -> str:
    """Sends the task unless it is under way; returns why it could not be sent, or the empty string.

    Those who are asked for later are other people: their seed is the number of simulated rows there are.
    """
    seed = study.participants.filter(kind=Participant.Kind.BOT).count()
    return SIMULATION.ask(key_of(study), [study.pk, participants, seed])


def run(study: Study, participants: int, seed: int, told: Callable[[float, str], None]) -> None:
    """Lets them play through the study's real pages, marked as simulated. told: how far it is (0..1), and a word for it.

    Raises UnexpectedPage where a page does not lead on, such as when the study is closed meanwhile.
    """
    simulator = Simulator(Behaviour(), str(seed))
    for index in range(participants):
        told(index / participants, f"{index + 1} / {participants}")
        play(InProcess(), study, simulator, index)


def counted(study: Study) -> Simulated:
    """In one query."""
    rows = study.participants.filter(kind=Participant.Kind.BOT).exclude(state=State.WITHDRAWN)
    found = Counter(dict(rows.order_by().values_list("state").annotate(n=Count("pk"))))
    return Simulated(found.total(), found[State.FINISHED])


def take_out(study: Study) -> int:
    """Erases all that simulated participants answered; returns how many they were.

    An empty row stays of each, as of a person who withdraws: the ledger holds that they came, and nothing else tells.
    """
    rows = study.participants.filter(kind=Participant.Kind.BOT).exclude(state=State.WITHDRAWN)
    receipts = list(rows.order_by("pk").values_list("receipt", flat=True))
    for receipt in receipts:
        withdraw(receipt)
    return len(receipts)
