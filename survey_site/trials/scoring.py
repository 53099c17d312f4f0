"""Reads what every answer has out of a form's fields; what is special to a task, the task reads and scores. Pure."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from survey_site.tasks.contract import AnswerRefused, Given, Reading, Task
from survey_site.trials.measurements import AT_CONSENT, FLOOR_PX, NUMBERS, WORDS

__all__ = ["Answer", "AnswerRefused", "read_answer"]

MISSING = ("timeout", "image_failed")
LONGEST_KEY = 64
LONGEST_RT_MS = 24 * 3600 * 1000
SAID_HERE = ("below_floor", "impossible_time")  # not for the browser to say
LARGEST_MEASUREMENT = 1e15  # beyond every epoch in ms; NaN and infinity are outside too


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as posted: what the task read, or the reason why there is none."""

    given: Given | None = None
    missing: str = ""
    idempotency_key: str = ""
    body_hash: str = ""
    rt_ms: int | None = None
    seen: str = "unknown"
    client: dict[str, Any] = field(default_factory=dict)


def read_answer(fields: Mapping[str, str], task: Task, reading: Reading) -> Answer:
    """The task's answer in the fields (or the reason `missing`), with the measurements. Raises AnswerRefused."""
    common: dict[str, Any] = {
        "idempotency_key": _key(fields.get("idempotency_key", "")),
        "body_hash": body_hash(fields),
        "rt_ms": _rt(fields.get("rt_ms", "")),
        "seen": fields.get("seen", "") if fields.get("seen") in ("yes", "no") else "unknown",
        "client": client_of(fields.get("client", "")) | _without_scripts(fields.get("scripts", "")),
    }
    missing = fields.get("missing", "")
    if missing:
        if missing not in MISSING:
            raise AnswerRefused("unknown_reason")
        return Answer(missing=missing, **common)
    return Answer(task.read(fields, reading), **common)


def body_hash(fields: Mapping[str, str]) -> str:
    """SHA-256 over every field but the CSRF token: tells a repeated post from one with other content."""
    content = sorted((name, value) for name, value in fields.items() if name != "csrfmiddlewaretoken")
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def client_of(text: str) -> dict[str, Any]:
    """The browser's measurements of a trial, known names only. Damaged measurements are dropped, never the answer."""
    sent = _sent(text)
    kept = _numbers(sent, NUMBERS)
    for name, words in WORDS.items():
        if sent.get(name) in words:
            kept[name] = sent[name]
    for name in SAID_HERE:
        kept.pop(name, None)
    return kept | ({"below_floor": 1} if kept.get("smallest_px", FLOOR_PX) < FLOOR_PX else {})


def client_at_consent(text: str) -> dict[str, Any]:
    """The same of the page of consent, and of the study's own questions."""
    return _numbers(_sent(text), [one.name for one in AT_CONSENT])


def _sent(text: str) -> dict[str, Any]:
    try:
        sent = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return sent if isinstance(sent, dict) else {}


def _numbers(sent: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name in names:
        value = sent.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool):
            continue
        if -LARGEST_MEASUREMENT <= value <= LARGEST_MEASUREMENT:
            kept[name] = round(value, 1)
    return kept


def _without_scripts(sent: str) -> dict[str, Any]:
    """Why nothing was measured: the browser runs no scripts (`off`), or some of them did not come (`failed`)."""
    return {"scripts": sent} if sent in ("off", "failed") else {}


def _key(text: str) -> str:
    if not 8 <= len(text) <= LONGEST_KEY or not (text.isascii() and text.isprintable()):
        raise AnswerRefused("damaged_form")
    return text


def _rt(text: str) -> int | None:
    if text.isascii() and text.isdigit() and len(text) <= 9 and int(text) <= LONGEST_RT_MS:
        return int(text)
    return None
