"""Trials as arrays: the one input of every statistic, whatever the tasks.

Built from rows (or columns) named as in ``responses.csv``, with the score that a task gave to each answer.
Categories become integer codes with sorted labels, so that the order of the rows never changes a result. Missing
is code −1 or NaN, never 0.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from survey_site.statistics.factor import BoolArray, Factor, FloatArray, IntArray
from survey_site.statistics.repeated import Repeated
from survey_site.statistics.shown_pools import shown_pools
from survey_site.statistics.stored import Stored

# Participants (or trials) of these kinds stand apart: they are in no estimate, before or after exclusion.
APART = ("bot", "preview", "pilot", "withdrawn", "surplus", "unfinished", "unseen")
_TRUE = frozenset({"1", "true", "yes", "t"})
_FALSE = frozenset({"0", "false", "no", "f"})


@dataclass(frozen=True, eq=False)
class Trials:
    """N presented trials. ``item`` is the cluster of images: the pool where a trial shows one, else the image.

    ``value``: the score, within its outcome's bounds; NaN = missing, with ``timeout`` saying why. ``second_value``: the
    task's second score. ``chance``, ``second_chance``: the probability that a guess scores 1, NaN where nobody knows; of
    the first score 1/m where a pool of m is shown and nothing else is said. ``declined``: the participant said that they
    cannot tell. ``check``: 0 no attention check, 1 passed, 2 failed, 3 unknown. ``answer_at``/``target_at``: 0-based
    place of the answer and of the target in the shown pool, −1 unknown. ``further``: the row counts an answer once more,
    in the column of another map of its trial. ``signs``: those that the
    row's participant shows, separated by ``|``. ``answers``: the stored answers, for a task's own analysis.
    ``observed``: by synthetic observer its `choice` and whether that is `right`.
    """

    task: Factor
    participant: Factor
    item: Factor
    stimulus: Factor
    stimulus_class: Factor
    column: Factor
    classifier: Factor
    base: Factor
    method: Factor
    condition: Factor
    map_id: Factor
    choice: Factor
    choice_class: Factor
    value: FloatArray
    second_value: FloatArray
    chance: FloatArray
    second_chance: FloatArray
    declined: BoolArray
    timeout: BoolArray
    position: FloatArray
    pool_size: IntArray
    answer_at: IntArray
    target_at: IntArray
    rt_ms: FloatArray
    seen: Factor
    check: IntArray
    practice: BoolArray
    exclusion: Factor
    further: BoolArray
    signs: Factor
    answers: Stored
    observed: Stored

    def __len__(self) -> int:
        return len(self.value)

    def select(self, index: IntArray | BoolArray) -> "Trials":
        """The chosen rows; codes and labels keep their meaning. Where all are chosen, these trials themselves."""
        if index.dtype == np.bool_ and index.all():
            return self
        parts: dict[str, Any] = {}
        for f in fields(self):
            part = getattr(self, f.name)
            parts[f.name] = part.take(index) if isinstance(part, Factor | Stored) else part[index]
        return Trials(**parts)

    def of_task(self, task: str) -> "Trials":
        """Rows of one task."""
        return self.select(self.task.equals(task))

    def answered(self) -> "Trials":
        """Rows with a value."""
        return self.select(~np.isnan(self.value))

    def with_values(self, value: FloatArray) -> "Trials":
        """The same trials under another scoring."""
        return replace(self, value=value)

    def by_second_score(self, rows: BoolArray | None = None) -> "Trials":
        """The same trials with the second score in place of the first, and its chance; where `rows` says, or all."""
        chosen = np.ones(len(self), np.bool_) if rows is None else rows
        return replace(
            self,
            value=np.where(chosen, self.second_value, self.value),
            chance=np.where(chosen, self.second_chance, self.chance),
        )


def from_rows(rows: Iterable[Mapping[str, Any]]) -> Trials:
    """Trials from dictionaries keyed by the columns of ``responses.csv`` (values typed or as text).

    Files without the column ``score`` go through ``tasks.csv_rows`` first, where the tasks say what it is.
    """
    names = _NEEDED + _OPTIONAL
    columns: dict[str, list[Any]] = {name: [] for name in names}
    appends = [(name, columns[name].append) for name in names]
    for row in rows:
        for name, append in appends:
            append(row.get(name))
    return from_columns(columns)


_NEEDED = ("participant", "task", "column", "stimulus")
_OPTIONAL = (
    "stimulus_class", "classifier", "base", "method", "map_sha256", "pool", "choice", "choice_class",
    "score", "second_score", "chance", "second_chance",
    "declined", "expected", "answers", "position", "block", "rt_ms", "seen", "attention_check",
    "excluded", "exclusion_reason", "missing_reason", "further", "signs", "pool_position",
    "observed",
)  # fmt: skip


def from_columns(columns: Mapping[str, Sequence[Any]]) -> Trials:
    """Trials from equally long columns named as in ``responses.csv``.

    Raises ``ValueError`` naming the column when one that is needed is absent or a participant, stimulus or task
    empty, when lengths differ, or when a value cannot be.
    """
    n = _checked_length(columns)
    empty: list[Any] = [None] * n
    get = {name: columns.get(name, empty) for name in _NEEDED + _OPTIONAL}
    value = _numbers(get["score"], "score")
    shown = shown_pools(get["pool"], get["choice"], get["stimulus"], get["pool_position"])
    reasons = Factor.encode(get["missing_reason"])
    declined = _flags(get["declined"], "declined") == 1
    return Trials(
        task=_complete(get["task"], "task"),
        participant=_complete(get["participant"], "participant"),
        item=shown.item,
        stimulus=_complete(get["stimulus"], "stimulus"),
        stimulus_class=Factor.encode(get["stimulus_class"]),
        column=Factor.encode(get["column"]),
        classifier=Factor.encode(get["classifier"]),
        base=Factor.encode(get["base"]),
        method=Factor.encode(get["method"]),
        condition=_conditions(get),
        map_id=Factor.encode(get["map_sha256"]),
        choice=Factor.encode(get["choice"]),
        choice_class=Factor.encode(get["choice_class"]),
        value=value,
        second_value=_numbers(get["second_score"], "second_score"),
        chance=_chance(_numbers(get["chance"], "chance"), shown.size),
        second_chance=_numbers(get["second_chance"], "second_chance"),
        declined=declined,
        timeout=np.isnan(value) & ~declined & (reasons.equals("timeout") | (reasons.codes < 0)),
        position=_numbers(get["position"], "position"),
        pool_size=shown.size,
        answer_at=shown.answer_at,
        target_at=shown.target_at,
        rt_ms=_numbers(get["rt_ms"], "rt_ms"),
        seen=Factor.encode(get["seen"]),
        check=_checks(get["attention_check"], value, _numbers(get["expected"], "expected")),
        practice=Factor.encode(get["block"]).equals("practice"),
        exclusion=_excluded(get["excluded"], get["exclusion_reason"]),
        further=_flags(get["further"], "further") == 1,
        signs=Factor.encode(get["signs"]),
        answers=Stored.encode(get["answers"]),
        observed=Stored.encode(get["observed"]),
    )


def _checked_length(columns: Mapping[str, Sequence[Any]]) -> int:
    absent = [name for name in _NEEDED if name not in columns]
    if absent:
        raise ValueError(f"columns needed and not there: {', '.join(absent)}")
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns differ in length: {lengths}")
    return lengths["participant"]


def _numbers(values: Sequence[Any], name: str) -> FloatArray:
    """float64 with NaN for missing; booleans and their words count as 0/1."""

    def number(v: Any) -> float:
        if v is None or v == "":
            return np.nan
        try:
            return float(v)
        except ValueError:
            word = str(v).lower()
            if word in _TRUE or word in _FALSE:
                return float(word in _TRUE)
            raise ValueError(f"column {name}: {v!r} is not a number") from None

    return _converted(values, number)


def _converted(values: Sequence[Any], convert: Callable[[Any], float]) -> FloatArray:
    """(N,), each different value converted once where the column says which these are."""
    if isinstance(values, Repeated):
        return _converted(values.values, convert)[np.asarray(values.codes, np.int32)]
    return np.fromiter(map(convert, values), np.float64, len(values))


def _chance(said: FloatArray, pool_size: IntArray) -> FloatArray:
    known = np.where(pool_size > 1, 1 / np.maximum(pool_size, 1), np.nan)
    return np.where(np.isnan(said), known, said)


def _flags(values: Sequence[Any], name: str) -> FloatArray:
    numbers = _numbers(values, name)
    if not np.isin(numbers[~np.isnan(numbers)], (0, 1)).all():
        raise ValueError(f"column {name}: values are 0, 1 or missing")
    return numbers


def _complete(values: Sequence[Any], name: str) -> Factor:
    factor = Factor.encode(values)
    if (factor.codes < 0).any():
        raise ValueError(f"column {name}: row {int(np.argmax(factor.codes < 0)) + 1} has none")
    return factor


def _conditions(get: Mapping[str, Sequence[Any]]) -> Factor:
    """Column, classifier, base and method as one label, which `condition_parts` takes apart whatever they hold."""
    parts = Repeated.joined(*(get[k] for k in ("column", "classifier", "base", "method")))
    return Factor.encode(parts.map(_label))


def _label(parts: tuple[Any, ...]) -> str:
    return json.dumps([str(part or "") for part in parts], ensure_ascii=False)


def condition_parts(label: str) -> tuple[str, str, str, str]:
    """Column, classifier, base and method of a label of `Trials.condition`."""
    column, classifier, base, method = json.loads(label)
    return column, classifier, base, method


def _checks(words: Sequence[Any], score: FloatArray, expected: FloatArray) -> IntArray:
    """Outcome of attention checks: 0 no check, 1 passed, 2 failed, 3 not known from the data.

    ``attention_check`` says passed, failed or unknown itself, or is 0/1: then a check is passed by the ``expected``
    score, or by 1 where none is. An unknown outcome is held against nobody.
    """
    said = Factor.encode(Repeated.of(words).map(_word))
    passed, failed, plain = said.isin(("passed", "pass")), said.isin(("failed", "fail")), said.isin(_TRUE)
    right = score == np.where(np.isnan(expected), 1.0, expected)
    unknown = said.equals("unknown")
    return np.select([passed | (plain & right), failed | plain, unknown], [1, 2, 3], 0).astype(np.int64)


def _word(value: Any) -> str | None:
    """1.0, as data frames have it, is 1."""
    if value in (None, ""):
        return None
    return str(int(value) if isinstance(value, float) and value.is_integer() else value).lower()


def _excluded(flags: Sequence[Any], reasons: Sequence[Any]) -> Factor:
    def reason(row: tuple[Any, Any]) -> str | None:
        flag, text = row
        if flag in (None, "", 0) or str(flag).lower() in _FALSE:
            return None
        return str(text) if text not in (None, "") else "excluded"

    return Factor.encode(Repeated.joined(flags, reasons).map(reason))
