"""The study folder of `export_study`: names of its files, and rows as lines of canonical JSON.

`study.json` holds the study's settings, conditions, texts and sealed protocols; one `.jsonl` file per table has
one row per line; `media/` has the files of the storage under their own paths; `manifest.json` has the number
of rows and the SHA-256 of every file. What is empty (null, "", [], {}) is left out of a row. Rows name each other
by keys and by their place, never by database ids, so that export, import and export give the same bytes.

Version 1 had columns for the answers of two tasks; it is read as well (protocols/format_1.py), and no longer written.

Not in the folder: people's resume links, external ids of recruitment, users, and the study's state. Of who withdrew
only an empty row is written, after all others: `withdrawn-1` and so on, with kind, state and protocol.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from math import isfinite
from typing import Any, NotRequired, TypedDict

from django.db.backends.base.operations import BaseDatabaseOperations
from django.db.models import (
    BooleanField,
    DateField,
    DateTimeField,
    FloatField,
    IntegerField,
    JSONField,
    Model,
)

from survey_site.design import canonical

FORMAT = "saliency-survey-study"
VERSION = 2
READ = (1, VERSION)
MANIFEST, STUDY, MEDIA = "manifest.json", "study.json", "media"
TABLES = ("stimuli", "features", "maps", "participants", "tickets", "trials")

STUDY_FIELDS = (
    "slug", "title", "target_participants", "task_settings", "practice_trials", "attention_checks", "trial_timeout_s",
    "count_unknown_seen", "lease_minutes", "resume_days", "image_px", "colour_map", "edges", "seed", "exclusion_rules",
    "analysis_plan", "languages",
)  # fmt: skip
# Younger than the format: written where they differ from the default, so that older folders stay as they are.
LATER_STUDY_FIELDS = (
    "require_rehearsal", "window_width_px", "window_height_px", "controller", "contact", "ethics_number",
    "ids_erased_on", "replicates_paper", "closes_on", "explain_own_class", "overlay",
)  # fmt: skip
CONDITION_FIELDS = ("column", "column_order", "classifier", "base", "method", "is_reference")
OWN_MODEL_FIELDS = ("name", "source", "path", "sha256", "layer", "preprocessing", "fit", "class_names")
PROTOCOL_FIELDS = ("version", "pilot", "hash", "sealed_at", "document")
LATER_PROTOCOL_FIELDS = ("reason",)
STIMULUS_FIELDS = (
    "key", "stimulus_class", "role", "sha256", "upload_sha256", "path", "width", "height", "source", "licence",
)  # fmt: skip
LATER_STIMULUS_FIELDS = ("region_sha256", "region_path")
MAP_FIELDS = (
    "classifier", "layer", "class_index", "class_name", "method", "parameters_hash", "array_sha256", "array_path",
    "metrics", "provenance", "current",
)  # fmt: skip
LATER_MAP_FIELDS = ("rank",)  # of the explained class, 0 being the one that the network predicts
PICTURE_FIELDS = ("colour_map", "sha256", "path")
PARTICIPANT_FIELDS = (
    "code", "kind", "state", "ticket_number", "surplus", "excluded", "exclusion_reason", "consent_version",
    "language", "user_agent_family", "device", "demographics", "client", "acknowledged", "started_at", "consented_at",
    "finished_at", "last_seen_at",
)  # fmt: skip
# All that is written of who withdrew, beside a name that tells nothing.
WITHDRAWN_FIELDS = ("kind", "state")
TICKET_FIELDS = ("number", "state", "lease_expires_at")
TRIAL_FIELDS = (
    "position", "block", "task", "pool_index", "attention_check", "expected", "probability", "issued_at",
)  # fmt: skip
RESPONSE_FIELDS = (
    "score", "second_score", "declined", "missing", "answer", "rt_ms", "seen", "client", "answered_at",
)  # fmt: skip


KINDS = (
    (BooleanField, (bool,), "true or false"),
    (IntegerField, (int,), "a whole number"),
    (FloatField, (int, float), "a number"),
)

INTEGERS = BaseDatabaseOperations.integer_field_ranges  # the narrowest of all databases
CLOCKS_APART = timedelta(minutes=1)  # two servers of one site

FolderRow = dict[str, Any]  # fields of one row by name, as JSON; which, the lists above say


class FileFacts(TypedDict):
    """A file of the folder; rows: of a table."""

    sha256: str
    rows: NotRequired[int]


class FolderManifest(TypedDict):
    """`manifest.json`: format and version of the folder, the study's slug, and every file by its path in the folder.

    simulated: how many of its participants a program simulated, where there are any.
    """

    format: str
    version: int
    study: str
    files: dict[str, FileFacts]
    simulated: NotRequired[int]


class BadFolder(ValueError):
    """The folder cannot be imported. The message says which file and what is wrong with it."""


def packed(row: Model, names: Iterable[str]) -> FolderRow:
    """The named fields of a row as plain data."""
    return without_empty({name: _plain(getattr(row, name)) for name in names})


def packed_if_set(row: Model, names: Iterable[str]) -> FolderRow:
    """The named fields whose value is not the default."""
    fields = {name: row._meta.get_field(name) for name in names}
    return packed(row, [name for name, field in fields.items() if getattr(row, name) != _empty(field)])


def without_empty(values: FolderRow) -> FolderRow:
    """The same without null, "", [] and {}; 0 and false stay."""
    return {name: value for name, value in values.items() if value is not None and value not in ("", [], {})}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def unpacked(model: type[Model], names: Iterable[str], row: FolderRow) -> FolderRow:
    """Field values for the model: what is left out is empty; times become aware date-times.

    Raises ValueError for a value of the wrong kind, or one that cannot be: a database might change it, store it, or refuse
    it in words of its own.
    """
    return {name: _typed(model._meta.get_field(name), row.get(name)) for name in names}


def _typed(field: Any, value: Any) -> Any:
    if value is None:
        return _empty(field)
    if isinstance(field, DateTimeField):
        return _time(field.name, value)
    if isinstance(field, DateField):
        return date.fromisoformat(value)
    for kind, types, words in KINDS:
        if isinstance(field, kind) and type(value) not in types:
            raise ValueError(f"{field.name} is {value!r} and must be {words}")
    if isinstance(field, FloatField) and not isfinite(value):
        raise ValueError(f"{field.name} is {value!r} and must be a number")
    if isinstance(field, IntegerField):
        lowest, highest = INTEGERS[field.get_internal_type()]
        if not lowest <= value <= highest:
            raise ValueError(f"{field.name} is {value} and must lie between {lowest} and {highest}")
    if field.choices and value not in (known := [choice for choice, _ in field.flatchoices]):
        raise ValueError(f"{field.name} is {value!r} and must be one of {', '.join(map(repr, known))}")
    return value


def _time(name: str, value: Any) -> datetime:
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError(f"{name} is {value!r} and must say its time zone")
    return found


def in_order(*times: tuple[str, datetime | None]) -> None:
    """Raises ValueError where a named time lies before one that is named earlier; unknown ones are passed over."""
    known = [(name, time) for name, time in times if time is not None]
    for (before, earlier), (after, later) in pairwise(known):
        if later + CLOCKS_APART < earlier:
            raise ValueError(f"{after} ({later.isoformat()}) lies before {before} ({earlier.isoformat()})")


def loads(text: str) -> Any:
    """JSON alone: Python reads NaN and Infinity too, which no database stores as they are. Raises ValueError."""
    return json.loads(text, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _empty(field: Any) -> Any:
    if field.null:
        return None
    if isinstance(field, JSONField):  # a default that is not empty would have been written
        return type(field.get_default())() if field.has_default() else {}
    return field.get_default() if field.has_default() else ""


def line(row: FolderRow) -> bytes:
    """One row as canonical JSON with its line end."""
    return canonical.canonical(row) + b"\n"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
