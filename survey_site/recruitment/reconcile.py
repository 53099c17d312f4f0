"""Compares Prolific's submissions with the study's rows and says what to do: pure functions of plain data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from survey_site.recruitment.completion import Outcome
from survey_site.recruitment.submissions import Submission

# Of several submissions of one person the one that is furthest decides: who returned one and finished another is paid.
LIVE_FIRST = (
    "AWAITING REVIEW",
    "APPROVED",
    "PARTIALLY APPROVED",
    "ACTIVE",
    "RESERVED",
    "SCREENED OUT",
    "REJECTED",
    "TIMED OUT",
    "RETURNED",
)
PAID = ("APPROVED", "PARTIALLY APPROVED")
GOING_ON = ("ACTIVE", "RESERVED")
GIVEN_UP = ("TIMED OUT", "RETURNED")
NO_CODE = ("", "NOCODE")


@dataclass(frozen=True, slots=True)
class Known:
    """One participant as the study knows them.

    outcome: completed, failed_attention, too_fast, unfinished, withdrawn, or turned_away: shown a code at the door, and no
    participant.
    """

    external_id: str
    participant: str
    outcome: str
    answered: int
    planned: int


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do with somebody. approve: by approving the submission. settled: nothing is left to do."""

    text: str
    approve: bool = False
    settled: bool = False


NOTHING = Advice("nothing to do", settled=True)
APPROVE = Advice("approve", approve=True)
APPROVE_WITHOUT_CODE = Advice("completed here, the code was not entered: approve", approve=True)
PAID_ALREADY = Advice("approved already", settled=True)
PAY_ONCE = Advice("several submissions would be paid: pay one of them")
TOO_FAST = Advice("finished faster than the declared minimum: decide by the study's rule")
BY_RULE = Advice("failed the declared attention checks: decide by the study's rule")
WITHDREW = Advice("withdrew: the data are erased; pay as the consent says")
MISSING = Advice("unfinished: answers are missing")
EXPORT_AGAIN = Advice("not in Prolific's file: export it again")
ASK = Advice("never arrived here: ask before paying")


@dataclass(frozen=True, slots=True)
class ReconciledPerson:
    """One person with what both sides say. code: as entered; code_of: which outcome's code that is, or empty."""

    external_id: str
    participant: str
    status: str
    outcome: str
    answered: int
    planned: int
    code: str
    code_of: str
    advice: Advice
    submissions: int = 1


@dataclass(frozen=True, slots=True)
class AdviceGroup:
    """Everybody who gets the same advice; their ids one a line, as Prolific's bulk approval takes them."""

    advice: Advice
    people: tuple[ReconciledPerson, ...]

    @property
    def ids(self) -> str:
        return "\n".join(person.external_id for person in self.people)


def reconcile(
    submissions: Iterable[Submission], known: Iterable[Known], codes: Mapping[Outcome, str]
) -> list[AdviceGroup]:
    """Everybody of either side once, by advice: what needs a look first, then whom to approve, then what is settled.

    codes: the study's codes by outcome; those that are empty are compared with nothing.
    """
    ours = {one.external_id: one for one in known}
    theirs: dict[str, list[Submission]] = {}
    for one in submissions:
        theirs.setdefault(one.external_id, []).append(one)
    people = [_person(key, ours.get(key), theirs.get(key, []), codes) for key in sorted({*ours, *theirs})]
    groups: dict[Advice, list[ReconciledPerson]] = {}
    for person in people:
        groups.setdefault(person.advice, []).append(person)
    found = [AdviceGroup(advice, tuple(members)) for advice, members in groups.items()]
    return sorted(found, key=lambda group: (group.advice.settled, group.advice.approve, group.advice.text))


def _person(
    key: str, ours: Known | None, theirs: list[Submission], codes: Mapping[Outcome, str]
) -> ReconciledPerson:
    live = min(theirs, key=_place) if theirs else None
    status, code = (live.status, live.code) if live else ("", "")
    code_of = next((outcome for outcome, known in codes.items() if known and known == code), "")
    outcome = ours.outcome if ours else ""
    if sum(one.status in ("AWAITING REVIEW", *PAID) for one in theirs) > 1:
        advice = PAY_ONCE
    elif status and status not in LIVE_FIRST:
        advice = Advice(f"Prolific's status “{status.lower()}” is not known here: look there")
    else:
        advice = _advice(outcome, status, code, code_of)
    return ReconciledPerson(
        external_id=key,
        participant=ours.participant if ours else "",
        status=status,
        outcome=outcome,
        answered=ours.answered if ours else 0,
        planned=ours.planned if ours else 0,
        code=code,
        code_of=code_of,
        advice=advice,
        submissions=len(theirs),
    )


def _place(submission: Submission) -> int:
    known = submission.status in LIVE_FIRST
    return LIVE_FIRST.index(submission.status) if known else -1  # what is not known is not passed over


def _advice(outcome: str, status: str, code: str, code_of: str) -> Advice:
    if not status:
        return NOTHING if outcome == "turned_away" else EXPORT_AGAIN
    match outcome:
        case "completed":
            return _completed(status, code, code_of)
        case "failed_attention" | "too_fast":
            rule = BY_RULE if outcome == "failed_attention" else TOO_FAST
            return rule if status in ("AWAITING REVIEW", *GOING_ON) else NOTHING
        case "withdrawn":
            return WITHDREW if status == "AWAITING REVIEW" else NOTHING
        case "unfinished":
            return _unfinished(status, code_of)
    return _not_here(status, code_of, turned_away=outcome == "turned_away")


def _completed(status: str, code: str, code_of: str) -> Advice:
    if status == "AWAITING REVIEW":
        if code_of not in ("", "completed"):
            return Advice(f"completed here, but entered the code for “{_words(code_of)}”: look, then approve")
        if code_of == "" and code.upper() not in NO_CODE:
            return Advice("completed here, entered another code: approve", approve=True)
        return APPROVE if code_of else APPROVE_WITHOUT_CODE
    if status == "APPROVED":
        return PAID_ALREADY
    if status in GOING_ON:
        return Advice("completed here, not handed in there yet: wait, or ask for it")
    # Such a submission cannot be approved any more.
    return Advice(f"completed here, {status.lower()} there: pay the rest by a bonus")


def _unfinished(status: str, code_of: str) -> Advice:
    if code_of == "completed" and status in ("AWAITING REVIEW", *PAID):
        return Advice("entered the completion code without finishing here: ask before paying")
    if status == "APPROVED":
        return Advice("approved there, unfinished here: look")
    return MISSING if status == "AWAITING REVIEW" else NOTHING


def _not_here(status: str, code_of: str, *, turned_away: bool) -> Advice:
    if status == "APPROVED" and not turned_away:
        return Advice("approved there, never arrived here: look")
    if status != "AWAITING REVIEW":
        return NOTHING
    if code_of == "completed":
        return Advice("entered the completion code, never took part here: ask before paying")
    if turned_away and code_of:
        return Advice(f"turned away here with the code for “{_words(code_of)}”: pay what was promised for it")
    return ASK


def _words(outcome: str) -> str:
    return outcome.replace("_", " ")
