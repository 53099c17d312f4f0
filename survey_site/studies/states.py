"""The life of a study: its states and every step between them, in one table.

A state says who comes in and what may change; a `Transition` says from where it may be taken, where it leads, and whose
right it is. Pages, commands and refusals read the table, so that a state or a step is added here and nowhere else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from survey_site.studies.errors import SeveralProblems

Verb = str


class State(models.TextChoices):
    """Where a study stands. Who is in it may finish in every state; who comes anew is let in while it is open."""

    DRAFT = "draft", _("Draft")
    PILOT = "pilot", _("Pilot")
    LIVE = "live", _("Live")
    PAUSED = "paused", _("Paused")
    CLOSED = "closed", _("Closed")
    ARCHIVED = "archived", _("Archived")


OPEN = frozenset({State.PILOT, State.LIVE})  # takes participants
COLLECTING = OPEN | {State.PAUSED}  # is not over: a paused study goes on
OVER = frozenset({State.CLOSED, State.ARCHIVED})
SEALED = COLLECTING | OVER  # the design is read, not changed
DELETABLE = OVER | {State.DRAFT}  # nobody can come, so that nobody's answer is deleted while it is given


@dataclass(frozen=True, slots=True)
class Transition:
    """One step. target: None where the step leads back to what the newest seal is, a pilot or live.

    title: of its button. told: what it does, beside the button. same: the state stays as it is. seals: a document is
    sealed under its hash. right: who may, of studies/access.py.
    """

    verb: Verb
    title: str | Promise
    told: str | Promise
    sources: frozenset[State]
    target: State | None
    right: Literal["edit"] = "edit"
    same: bool = False
    seals: bool = False

    def leads_to(self, state: State, *, pilot: bool, sealed: bool = True) -> State:
        """The state after this step; pilot: whether the newest seal is that of a pilot; sealed: whether there is one."""
        if self.same:
            return state
        if self.target == State.CLOSED and not sealed:
            return State.DRAFT
        return self.target or (State.PILOT if pilot else State.LIVE)


TRANSITIONS: tuple[Transition, ...] = (
    Transition(
        "live",
        _("Seal the protocol and go live"),
        _("Seals the protocol under its SHA-256 and lets participants in."),
        frozenset({State.DRAFT, State.PILOT}),
        State.LIVE,
        seals=True,
    ),
    Transition(
        "pilot",
        _("Start a pilot"),
        _("Seals it as well; the answers never enter the analysis."),
        frozenset({State.DRAFT}),
        State.PILOT,
        seals=True,
    ),
    Transition(
        "pause",
        _("Pause"),
        _("Lets nobody new in; who is in the study may finish. The seal stays."),
        OPEN,
        State.PAUSED,
    ),
    Transition(
        "resume",
        _("Resume"),
        _("Lets participants in again, under the same seal."),
        frozenset({State.PAUSED}),
        None,
    ),
    Transition(
        "close",
        _("Close"),
        _("Ends the recruitment; who is in the study may finish. It can be reopened."),
        COLLECTING,
        State.CLOSED,
    ),
    Transition(
        "reopen",
        _("Reopen"),
        _("Lets participants in again, under the same seal; all answers stay together."),
        frozenset({State.CLOSED}),
        None,
    ),
    Transition(
        "amend",
        _("Amend"),
        _(
            "Changes texts outside the measurement, the title, the target or the closing date; all answers stay together."
        ),
        COLLECTING | {State.CLOSED},
        None,
        same=True,
    ),
    Transition(
        "version",
        _("New version (back to draft)"),
        _("Makes the design editable; what was answered keeps the seal under which it was given."),
        COLLECTING | {State.CLOSED},
        State.DRAFT,
    ),
    Transition(
        "archive",
        _("Archive"),
        _(
            "Puts it out of sight: lists leave it out, and nothing in it can be changed. The report can be read."
        ),
        DELETABLE - {State.ARCHIVED},
        State.ARCHIVED,
    ),
    Transition(
        "restore",
        _("Take out of the archive"),
        _("Makes it a closed study again, or a draft where nothing was sealed."),
        frozenset({State.ARCHIVED}),
        State.CLOSED,
    ),
)
BY_VERB = {transition.verb: transition for transition in TRANSITIONS}
SEALING = ("pilot", "live", "amend")
"""Verbs of the steps that seal a protocol, unless one goes on that is sealed."""


class StateForbids(SeveralProblems):
    """The state of the study does not allow this step; the message says which do, and what is possible instead."""


def possible(state: str) -> Iterator[Transition]:
    """The steps that can be taken from a state, in the order of the table."""
    return (transition for transition in TRANSITIONS if state in transition.sources)


def transition(verb: Verb, state: str) -> Transition:
    """The step of this verb from this state. Raises StateForbids, also for a verb that there is not."""
    found = BY_VERB.get(verb)
    if found is None:
        raise StateForbids([f"There is no step “{verb}”; the steps are {', '.join(BY_VERB)}."])
    if state not in found.sources:
        raise StateForbids([refusal(found, state)])
    return found


def refusal(step: Transition, state: str) -> str:
    """Which state forbids the step, where it is possible, and what is possible now."""
    allowed = _either([str(one.label).lower() for one in State if one in step.sources])
    now = _either([f"“{one.title}”" for one in possible(state)]) or "nothing"
    return (
        f"The study is {State(state).label.lower()}: “{step.title}” is possible only while it is {allowed}. "
        f"Possible now: {now}."
    )


def no_deletion(state: str) -> str:
    """Why a study in this state is not deleted, and what is possible now."""
    allowed = _either([str(one.label).lower() for one in State if one in DELETABLE])
    now = _either([f"“{one.title}”" for one in possible(state)])
    return f"The study is {State(state).label.lower()}: it can be deleted only while it is {allowed}. Possible now: {now}."


def archived() -> str:
    """Why nothing is changed in an archived study."""
    return f"The study is archived: nothing in it can be changed. Possible now: “{BY_VERB['restore'].title}”."


def _either(names: list[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
