"""Reads Prolific's submissions CSV, as exported or as a spreadsheet program saved it again. Nothing of it is stored.

Prolific exports one row per submission with `Participant id` (or `participant_id`), `Status` (or `status`) and
`Completion code` (or `entered_code`). Spreadsheet programs write `;` or tabs, UTF-16, Latin-1 and a first line `sep=;`.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass

MOST_ROWS = 100_000
AGAIN = "export the submissions again from Prolific"
NAMES = {
    "id": ("participant id", "prolific id", "prolific pid", "participant"),
    "status": ("status", "submission status"),
    "code": ("completion code", "entered code", "completion code entered"),
}
DELIMITERS = ",;\t|"
# What a spreadsheet makes of an id such as 123456789012345678901234: the digits are lost.
ROUNDED = re.compile(r"\d([.,]\d+)?[eE]\+\d+")


class BadFile(ValueError):
    """The file is not Prolific's export; the message says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Submission:
    """One row of Prolific's file. status: in capitals, its words separated by single spaces."""

    external_id: str
    status: str
    code: str = ""


def read_submissions(data: bytes) -> list[Submission]:
    """The rows of the file; raises BadFile."""
    text = _text(data)
    lines = text.lstrip("\r\n").splitlines(keepends=True)
    told = re.fullmatch(r"\s*\"?sep=([,;\t|])\"?\s*", lines[0], re.IGNORECASE) if lines else None
    lines = lines[1:] if told else lines
    if not "".join(lines).strip():
        raise BadFile(f"The file is empty; {AGAIN}.")
    try:
        for delimiter in told[1] if told else DELIMITERS:
            reader = csv.DictReader(io.StringIO("".join(lines), newline=""), delimiter=delimiter)
            columns = {kind: _column(reader.fieldnames or (), names) for kind, names in NAMES.items()}
            if columns["id"] and columns["status"]:
                return _rows(reader, columns)
    except csv.Error as error:
        raise BadFile(f"This is not Prolific's CSV ({error}); {AGAIN}.") from error
    raise BadFile(
        "The file needs the columns “Participant id” and “Status”, as Prolific exports them. "
        f"The first line here is “{lines[0].strip()[:80]}”."
    )


def _text(data: bytes) -> str:
    if data.startswith(b"PK\x03\x04") or data.startswith(b"\xd0\xcf\x11\xe0"):
        raise BadFile(
            f"This is a workbook of a spreadsheet program; {AGAIN} as CSV and do not open it in between."
        )
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return _decoded(data, encoding)
    head = data[:200]
    if head[1::2].count(0) > len(head) // 4:  # Latin letters in UTF-16 without a mark
        return _decoded(data, "utf-16-le")
    if head[::2].count(0) > len(head) // 4:
        return _decoded(data, "utf-16-be")
    try:
        return _decoded(data, "utf-8")
    except UnicodeDecodeError:
        return _decoded(data, "latin-1")


def _decoded(data: bytes, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "utf-8":
            raise
        raise BadFile(f"The file is cut off or damaged; {AGAIN}.") from error
    if "\0" in text:
        raise BadFile(f"This is no text; {AGAIN}.")
    return text


def _rows(reader: "csv.DictReader[str]", columns: dict[str, str]) -> list[Submission]:
    rows: list[Submission] = []
    for row in reader:
        if len(rows) == MOST_ROWS:
            raise BadFile(f"The file has more than {MOST_ROWS} rows.")
        found = {kind: (row.get(name) or "").strip() if name else "" for kind, name in columns.items()}
        if ROUNDED.fullmatch(found["id"]):
            raise BadFile(
                f"A spreadsheet program has made the number {found['id']} of an identifier; {AGAIN} and do not open it in "
                "between."
            )
        if found["id"]:
            rows.append(Submission(found["id"], status_in_words(found["status"]), found["code"]))
    return rows


def status_in_words(status: str) -> str:
    """`TIMED-OUT`, `timed_out` and `Timed out` are one."""
    return " ".join(re.split(r"[\s_-]+", status.strip().upper()))


def _column(names: Iterable[str | None], wanted: tuple[str, ...]) -> str:
    return next((name for name in names if name and status_in_words(name).lower() in wanted), "")
