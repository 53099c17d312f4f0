"""Compares Prolific's submissions CSV with the study's rows: pure functions of plain data.

Prolific exports one row per submission with `Participant id` (or `participant_id`), `Status` (or `status`) and
`Completion code` (or `entered_code`). Nothing of the file is stored.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MOST_ROWS = 100_000
_NAMES = {
    "id": ("participant id", "participant_id", "prolific id", "prolific pid"),
    "status": ("status",),
    "code": ("completion code", "entered_code", "completion_code"),
}


class BadFile(ValueError):
    """The file is not Prolific's export; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Submission:
    """One row of Prolific's file."""

    external_id: str
    status: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """One participant as the study knows them. `outcome`: completed, failed_attention, unfinished or withdrawn."""

    external_id: str
    participant: str
    outcome: str
    answered: int
    planned: int


@dataclass(frozen=True, slots=True)
class ReconciledPerson:
    """One person with what both sides say, and what the researcher should do."""

    external_id: str
    participant: str
    status: str
    outcome: str
    answered: int
    planned: int
    advice: str


def read_submissions(data: bytes) -> list[Submission]:
    """The rows of the file; raises BadFile. A byte-order mark and either naming of the columns are accepted."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile("This is not a CSV in UTF-8; export the submissions again from Prolific.") from error
    if "\0" in text:
        raise BadFile("This is no text; export the submissions again from Prolific.")
    try:
        return _rows(csv.DictReader(io.StringIO(text)))
    except csv.Error as error:
        raise BadFile(f"This is not Prolific's CSV ({error}); export the submissions again.") from error


def _rows(reader: "csv.DictReader[str]") -> list[Submission]:
    columns = {kind: _column(reader.fieldnames or (), names) for kind, names in _NAMES.items()}
    if not columns["id"] or not columns["status"]:
        raise BadFile("The file needs the columns “Participant id” and “Status”, as Prolific exports them.")
    rows: list[Submission] = []
    for row in reader:
        if len(rows) == MOST_ROWS:
            raise BadFile(f"The file has more than {MOST_ROWS} rows.")
        identifier = (row.get(columns["id"]) or "").strip()
        if identifier:
            code = (row.get(columns["code"]) or "").strip() if columns["code"] else ""
            rows.append(Submission(identifier, (row.get(columns["status"]) or "").strip().upper(), code))
    return rows


def reconcile(submissions: Iterable[Submission], known: Iterable[Known]) -> list[ReconciledPerson]:
    """One line per person of either side, those that need a look first."""
    ours: dict[str, Known] = {one.external_id: one for one in known}
    theirs = {one.external_id: one for one in submissions}
    lines = [_line(ours.get(key), theirs.get(key)) for key in sorted({*ours, *theirs})]
    return sorted(lines, key=lambda line: (line.advice in ("", "approve"), line.external_id))


def counts(lines: Iterable[ReconciledPerson]) -> Mapping[str, int]:
    """How many people each advice goes to."""
    found: dict[str, int] = {}
    for line in lines:
        found[line.advice or "nothing to do"] = found.get(line.advice or "nothing to do", 0) + 1
    return found


def _column(names: Iterable[str], wanted: tuple[str, ...]) -> str:
    return next((name for name in names if name and name.strip().lower() in wanted), "")


def _line(ours: Known | None, theirs: Submission | None) -> ReconciledPerson:
    status = theirs.status if theirs else ""
    if ours is None:
        assert theirs is not None
        return ReconciledPerson(theirs.external_id, "", status, "", 0, 0, _advice_unknown(status))
    advice = _advice(ours.outcome, status)
    return ReconciledPerson(
        ours.external_id, ours.participant, status, ours.outcome, ours.answered, ours.planned, advice
    )


def _advice_unknown(status: str) -> str:
    return "" if status in ("RETURNED", "TIMED-OUT", "TIMED OUT") else "never arrived here: ask before paying"


def _advice(outcome: str, status: str) -> str:
    if not status:
        return "not in Prolific's file: export it again"
    if outcome == "completed":
        return (
            "approve"
            if status in ("AWAITING REVIEW", "APPROVED")
            else "completed here: pay though Prolific says otherwise"
        )
    if outcome == "failed_attention":
        return "failed the declared attention checks: decide by the study's rule"
    if outcome == "withdrawn":
        return "withdrew: the data are erased"
    return (
        ""
        if status in ("RETURNED", "TIMED-OUT", "TIMED OUT", "ACTIVE")
        else "unfinished: answers are missing"
    )
