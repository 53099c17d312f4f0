"""YAML as plain data and nothing more: text, numbers, true, false, null, lists and mappings. No Django.

What else YAML can is refused: anchors and aliases (a kilobyte of them unfolds to a gigabyte), tags (which name code),
several documents, keys that stand twice, and the old spellings (`no`, `12:30`, a date) that turn text into something
else. JSON is read too.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from survey_site.telemetry.lines import one_line

MOST_BYTES = 2_000_000
DEEPEST = 12
TOO_DEEP = f"the file is nested more than {DEEPEST} deep; no part of a study is"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_WHOLE = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}


class BadYaml(ValueError):
    """The text is no plain YAML; the message says in one line where, why and what to do."""


def read(data: bytes) -> Any:
    """The plain data of YAML or JSON. Raises BadYaml."""
    if len(data) > MOST_BYTES:
        raise BadYaml(
            f"the file has more than {MOST_BYTES / 1e6:.0f} MB; a study's description is far smaller"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadYaml("the file is not UTF-8 text; save it as UTF-8") from None
    if "\0" in text:
        raise BadYaml("the file holds a NUL, which is no text; save it anew")
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
        except json.JSONDecodeError:
            pass  # YAML has mappings in braces, too
        except RecursionError:
            raise BadYaml(TOO_DEEP) from None
        except ValueError as error:
            raise BadYaml(one_line(error, None)) from None
        else:
            return _refuse_odd_text(found)
    try:
        return _refuse_odd_text(_document(yaml.parse(text, Loader=_Loader)))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        why = getattr(error, "problem", None) or one_line(error, None)
        raise BadYaml(f"{place}this is not YAML ({why}); look for a missing quote or indentation") from None


def written(document: Any, head: str = "") -> str:
    """The data as readable YAML in the order of its keys; the same data give the same text. head: a comment above it."""
    body = yaml.dump(
        document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False
    )
    return "".join(f"# {line}\n" for line in head.splitlines()) + str(body)


class _Plain(_Dumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: Any, value: str) -> Any:
    """Lines as lines where they come back as they are, quotes where a number would; else PyYAML finds a way."""
    lines = value.split("\n")
    tame = value.replace("\n", "").isprintable() and not lines[0].startswith(" ")
    kept = tame and lines[0] and not any(line != line.rstrip() for line in lines)
    style = "|" if kept and len(lines) > 1 else None
    if not isinstance(_resolved(value), str):
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Plain.add_representer(str, _text)


def _document(events: Iterator[Any]) -> Any:
    """The one document of a stream of events."""
    found: list[Any] = []
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            if found:
                raise BadYaml(f"{_line(event)}: a second document begins; a file describes one study")
            found.append(_node(next(events), events, 0))
    return found[0] if found else None


def _node(event: Any, events: Iterator[Any], depth: int) -> Any:
    if isinstance(event, yaml.AliasEvent) or event.anchor:
        raise BadYaml(f"{_line(event)}: anchors and aliases (& and *) are not read; write the value out")
    if event.tag not in (None, "!"):
        raise BadYaml(f"{_line(event)}: tags ({event.tag}) are not read; write plain values")
    if depth > DEEPEST:
        raise BadYaml(f"{_line(event)}: {TOO_DEEP}")
    match event:
        case yaml.ScalarEvent():
            return _scalar(event)
        case yaml.SequenceStartEvent():
            items = []
            while not isinstance(event := next(events), yaml.SequenceEndEvent):
                items.append(_node(event, events, depth + 1))
            return items
    pairs: dict[str, Any] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        if not isinstance(event, yaml.ScalarEvent):
            raise BadYaml(f"{_line(event)}: a key must be a word")
        _node(event, events, depth + 1)  # refuses anchors and tags
        if event.value in pairs:
            raise BadYaml(f"{_line(event)}: the key {event.value!r} stands twice; only one would be read")
        pairs[event.value] = _node(next(events), events, depth + 1)
    return pairs


def _scalar(event: Any) -> Any:
    """Text where it stands in quotes, or as lines; else what the word means."""
    return _resolved(event.value) if event.implicit[0] else event.value


def _resolved(word: str) -> Any:
    if word in _WORDS:
        return _WORDS[word]
    if _WHOLE.fullmatch(word):
        return int(word)
    return float(word) if _NUMBER.fullmatch(word) else word


def _line(event: Any) -> str:
    return f"line {event.start_mark.line + 1}"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands twice; only one would be read")
    return found


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number that can be kept; write another value")


def _refuse_odd_text(value: Any, depth: int = 0) -> Any:
    """The value; raises BadYaml where a text in it could not be stored, or lies too deep."""
    if depth > DEEPEST:
        raise BadYaml(TOO_DEEP)
    match value:
        case str():
            if "\0" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
                raise BadYaml(f"the text {value[:40]!r} holds a sign that cannot be stored; write it anew")
        case dict():
            for name, one in value.items():
                _refuse_odd_text(name)
                _refuse_odd_text(one, depth + 1)
        case list():
            for one in value:
                _refuse_odd_text(one, depth + 1)
    return value
