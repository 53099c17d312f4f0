"""Reads an answer out of a form's fields and scores it: pure functions of plain data."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from survey_site.statistics.answer_scale import CANT_TELL, RATINGS

MISSING = ("timeout", "image_failed")
LONGEST_KEY = 64
LONGEST_RT_MS = 24 * 3600 * 1000
LARGEST_MEASUREMENT = 1e15  # beyond every epoch in ms; NaN and infinity are outside too

_NUMBERS = (
    "onset_ms", "answered_ms", "onset_epoch_ms", "dpr", "viewport_w", "viewport_h", "map_w", "map_h", "natural_w",
    "natural_h", "option_w", "option_h", "blurs", "hidden_ms", "image_retries", "answered_epoch_ms",
)  # fmt: skip
_WORDS = {"input": ("mouse", "touch", "pen", "keyboard"), "scheme": ("light", "dark")}


class AnswerRefused(ValueError):
    """The fields are not an answer to this trial; the message tells the participant what to do."""

    def __init__(self, message: str, field_name: str = "") -> None:
        super().__init__(message)
        self.field_name = field_name


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as posted. Exactly one of option, cant_tell, rating and missing is set."""

    option: int | None = None
    cant_tell: bool = False
    rating: int | None = None
    missing: str = ""
    idempotency_key: str = ""
    body_hash: str = ""
    rt_ms: int | None = None
    seen: str = "unknown"
    client: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Score:
    """choice is a stimulus id; correct and class_correct are None where the trial was not answered or is a rating."""

    choice: int | None = None
    correct: bool | None = None
    class_correct: bool | None = None


def read_answer(fields: Mapping[str, str], task: str, pool_size: int, offer_cant_tell: bool) -> Answer:
    """The answer in the fields `choice` or `rating` (or the reason `missing`), with the measurements."""
    common: dict[str, Any] = {
        "idempotency_key": _key(fields.get("idempotency_key", "")),
        "body_hash": body_hash(fields),
        "rt_ms": _rt(fields.get("rt_ms", "")),
        "seen": fields.get("seen", "") if fields.get("seen") in ("yes", "no") else "unknown",
        "client": client_of(fields.get("client", "")),
    }
    missing = fields.get("missing", "")
    if missing:
        if missing not in MISSING:
            raise AnswerRefused("unknown_reason", "missing")
        return Answer(missing=missing, **common)
    if task == "rating":
        return Answer(rating=_whole(fields.get("rating", ""), RATINGS, "rating"), **common)
    choice = fields.get("choice", "")
    if choice == CANT_TELL:
        if not offer_cant_tell:
            raise AnswerRefused("choice", "choice")
        return Answer(cant_tell=True, **common)
    return Answer(option=_whole(choice, range(pool_size), "choice"), **common)


def score(answer: Answer, target: int, pool: Sequence[int], classes: Mapping[int, str]) -> Score:
    """Compares the chosen picture with the map's source. “I can't tell” is an answer and not correct."""
    if answer.missing or answer.rating is not None:
        return Score()
    if answer.cant_tell or answer.option is None:
        return Score(correct=False, class_correct=False)
    choice = pool[answer.option]
    same_class = bool(classes.get(target)) and classes.get(choice) == classes.get(target)
    return Score(choice=choice, correct=choice == target, class_correct=choice == target or same_class)


def body_hash(fields: Mapping[str, str]) -> str:
    """SHA-256 over every field but the CSRF token: tells a repeated post from one with other content."""
    content = sorted((name, value) for name, value in fields.items() if name != "csrfmiddlewaretoken")
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def client_of(text: str) -> dict[str, Any]:
    """The browser's measurements, known names only. Damaged measurements are dropped, never the answer."""
    try:
        sent = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    if not isinstance(sent, dict):
        return {}
    kept: dict[str, Any] = {}
    for name in _NUMBERS:
        value = sent.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool):
            continue
        if -LARGEST_MEASUREMENT <= value <= LARGEST_MEASUREMENT:
            kept[name] = round(value, 1)
    for name, words in _WORDS.items():
        if sent.get(name) in words:
            kept[name] = sent[name]
    return kept


def _key(text: str) -> str:
    if not 8 <= len(text) <= LONGEST_KEY or not (text.isascii() and text.isprintable()):
        raise AnswerRefused("damaged_form", "idempotency_key")
    return text


def _whole(text: str, allowed: range, name: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 3 and int(text) in allowed:
        return int(text)
    raise AnswerRefused(name, name)


def _rt(text: str) -> int | None:
    if text.isascii() and text.isdigit() and len(text) <= 9 and int(text) <= LONGEST_RT_MS:
        return int(text)
    return None
