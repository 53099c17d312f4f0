"""Canonical JSON of a protocol document, its SHA-256, and the readable difference of two documents.

Canonical means: keys sorted by code point, no white space, UTF-8, numbers in their shortest form. The
text survives every JSON store (PostgreSQL's jsonb, SQLite, a file): reading it back gives the same hash.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from math import isfinite
from typing import Any

Json = dict[str, Any] | list[Any] | str | int | float | bool | None

# Items of a list are the same item in both documents if they share one of these fields.
IDENTITIES = ("id", "key", "name", "column", "sha256")
SHOWN_CHARACTERS = 120
NOT_STORED = re.compile("[\\0\\ud800-\\udfff]")


class NotCanonical(ValueError):
    """A value that JSON stores would refuse or change; the message names its place."""


def canonical(document: Json) -> bytes:
    """The canonical text. Raises NotCanonical for NaN, NUL, lone surrogates and values that are not JSON."""
    normal = _normal(document, "document")
    return json.dumps(normal, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def sha256(document: Json) -> str:
    """SHA-256 of the canonical text, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(document)).hexdigest()


@dataclass(frozen=True, slots=True)
class Difference:
    """One change: `path` such as ``conditions[Ours 1].base``; `old` or `new` is None where it did not exist."""

    path: str
    old: str | None
    new: str | None

    def __str__(self) -> str:
        if self.old is None:
            return f"{self.path}: added {self.new}"
        if self.new is None:
            return f"{self.path}: removed {self.old}"
        return f"{self.path}: {self.old} → {self.new}"


def differences(old: Json, new: Json) -> list[Difference]:
    """What changed from one document to the other, in the order of the paths; empty if the hashes agree."""
    return list(_differences(_normal(old, "document"), _normal(new, "document"), ""))


def _normal(value: Any, path: str) -> Json:
    """The value as every JSON store gives it back: 1.0 as 1, −0.0 as 0, tuples as lists."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        if not isfinite(value):
            raise NotCanonical(f"{path} is {value}; JSON has finite numbers only.")
        return int(value) if value.is_integer() else value
    if isinstance(value, str):
        return _text(value, path)
    if isinstance(value, list | tuple):
        return [_normal(item, f"{path}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, dict):
        if strange := [key for key in value if not isinstance(key, str)]:
            raise NotCanonical(f"{path} has the key {strange[0]!r}; keys must be texts.")
        return {_text(key, path): _normal(item, f"{path}.{key}") for key, item in value.items()}
    raise NotCanonical(f"{path} is a {type(value).__name__}; write it as a text or a number.")


def _text(value: str, path: str) -> str:
    if NOT_STORED.search(value):
        raise NotCanonical(f"{path} contains a NUL or half a character; PostgreSQL cannot store it.")
    return value


def _differences(old: Json, new: Json, path: str) -> Iterator[Difference]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            where = f"{path}.{key}" if path else key
            yield from _either(old, new, key, where)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _list_differences(old, new, path)
    elif type(old) is not type(new) or old != new:
        yield _change(path, old, new)


def _list_differences(old: list[Any], new: list[Any], path: str) -> Iterator[Difference]:
    if (before := _by_identity(old)) is not None and (after := _by_identity(new)) is not None:
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _either(before, after, key, f"{path}[{key}]")
        kept_before, kept_after = [k for k in before if k in after], [k for k in after if k in before]
        if kept_before != kept_after:
            yield Difference(f"{path} (order)", _shown(kept_before), _shown(kept_after))
        return
    matcher = SequenceMatcher(
        None, [canonical(item) for item in old], [canonical(item) for item in new], False
    )
    for tag, start, stop, new_start, new_stop in matcher.get_opcodes():
        if tag == "replace" and stop - start == new_stop - new_start:
            for index in range(stop - start):
                yield from _differences(
                    old[start + index], new[new_start + index], f"{path}[{start + index}]"
                )
        elif tag != "equal":
            removed, added = old[start:stop], new[new_start:new_stop]
            yield Difference(
                f"{path}[{start}]", _shown(removed) if removed else None, _shown(added) if added else None
            )


def _by_identity(items: list[Any]) -> dict[str, Any] | None:
    """The items under their identity, or None where they have none or share one."""
    for field in IDENTITIES:
        if items and all(isinstance(item, dict) and isinstance(item.get(field), str | int) for item in items):
            named = {str(item[field]): item for item in items}
            if len(named) == len(items):
                return named
    return None


def _either(old: dict[str, Any], new: dict[str, Any], key: str, path: str) -> Iterator[Difference]:
    if key not in new:
        yield Difference(path, _shown(old[key]), None)
    elif key not in old:
        yield Difference(path, None, _shown(new[key]))
    else:
        yield from _differences(old[key], new[key], path)


def _change(path: str, old: Json, new: Json) -> Difference:
    if isinstance(old, str) and isinstance(new, str) and len(old) + len(new) > SHOWN_CHARACTERS:
        return Difference(path, *_excerpts(old, new))
    return Difference(path, _shown(old), _shown(new))


def _excerpts(old: str, new: str) -> tuple[str, str]:
    """Two long texts from shortly before their first difference on."""
    pairs = zip(old, new, strict=False)
    first = next((i for i, (one, two) in enumerate(pairs) if one != two), min(len(old), len(new)))
    start = max(first - SHOWN_CHARACTERS // 4, 0)
    lead = "…" if start else ""
    return _shown(lead + old[start:]), _shown(lead + new[start:])


def _shown(value: Json) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
