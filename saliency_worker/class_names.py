"""Names of a network's classes, read from the files that people have: a list, name → index, or index → name.

Standard library only; the desk reads them too.
"""

import json
from collections.abc import Sequence
from pathlib import Path

FORMS = (
    'write a JSON list in the order of the scores, {"name": index} or {"index": "name"}, '
    "or plain text with one name a line"
)
LONGEST_NAME = 120  # what a stored map holds
SHOWN = 5


class BadClassNames(ValueError):
    """The names are no names of the network's classes; one line that says what to change."""


def read_class_names(text: str) -> tuple[str, ...]:
    """The names in the order of the network's scores.

    JSON: a list of names; name → index, as Keras's ``class_indices``; or index → name. Indices count from 0, each
    once. Anything that begins neither with ``[`` nor with ``{`` is one name a line, empty lines left out.
    Raises BadClassNames.
    """
    stripped = text.lstrip("\ufeff").strip()
    names = _of_json(stripped) if stripped.startswith(("[", "{")) else _of_lines(stripped)
    if not names:
        raise BadClassNames(f"they are empty; {FORMS}")
    for place, name in enumerate(names):
        if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
            raise BadClassNames(
                f"the name of class {place}, {name[:40]!r}, is no name; give 1 to {LONGEST_NAME} printable characters"
            )
    return tuple(names)


def read_class_file(path: Path, classes: int | None = None) -> tuple[str, ...]:
    """The names in a file, one for each of the network's classes where their number is given. Raises BadClassNames."""
    try:
        names = read_class_names(path.read_text("utf-8"))
        return fitting(names, classes) if classes is not None else names
    except OSError as error:
        raise BadClassNames(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise BadClassNames(f"{path}: it is no UTF-8 text; save it as UTF-8") from error
    except BadClassNames as error:
        raise BadClassNames(f"{path}: {error}") from error


def fitting(names: Sequence[str], classes: int) -> tuple[str, ...]:
    """The names, where there is one for each class. Raises BadClassNames."""
    if len(names) != classes:
        raise BadClassNames(
            f"there are {len(names)} names, but the network has {classes} classes; give one name for each"
        )
    return tuple(names)


def index_of(names: Sequence[str], classes: int, wanted: str) -> int:
    """The class that a text means: a name as it is written, else in any case, else a whole number as an index.

    A name goes before a number, for digits are names too. Raises BadClassNames.
    """
    text = wanted.strip()
    exact = [place for place, name in enumerate(names) if name == text]
    found = exact or [place for place, name in enumerate(names) if _folded(name) == _folded(text)]
    if len(found) > 1:
        raise BadClassNames(f"{text!r} is the name of classes {', '.join(map(str, found))}; give the index")
    if found:
        return found[0]
    if text.isascii() and text.isdigit():
        if int(text) < classes:
            return int(text)
        raise BadClassNames(f"class {text} does not exist: the network has the classes 0 to {classes - 1}")
    if not names:
        raise BadClassNames(f"{text!r} is no index, and the network has no class names; give them with it")
    shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    raise BadClassNames(f"{text!r} is no class of the network; it has {shown}")


def same_name(one: str, other: str) -> bool:
    """Whether two names mean one class."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    """Case, and how words are joined, differ between folders, tables and networks."""
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())


def _of_lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _of_json(text: str) -> list[str]:
    try:
        found = json.loads(text, object_pairs_hook=_once)
    except (json.JSONDecodeError, RecursionError) as error:
        raise BadClassNames(f"they are no JSON ({error}); {FORMS}") from error
    if isinstance(found, list) and all(isinstance(name, str) for name in found):
        return found
    if isinstance(found, dict) and found:
        values = list(found.values())
        if all(type(value) is int for value in values):
            return _in_order({value: name for name, value in found.items()}, len(found))
        if all(isinstance(value, str) for value in values) and all(_is_index(key) for key in found):
            return _in_order({int(key): name for key, name in found.items()}, len(found))
    raise BadClassNames(f"they are neither a list of names nor an object of names and indices; {FORMS}")


def _is_index(key: str) -> bool:
    return key.isascii() and key.isdigit()


def _in_order(names: dict[int, str], count: int) -> list[str]:
    if sorted(names) != list(range(count)):
        raise BadClassNames(f"their indices are not 0 to {count - 1}, each once; number them so")
    return [names[index] for index in range(count)]


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """JSON lets a key stand twice, and its readers silently take the last."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadClassNames("a name or an index stands in them twice; give each once")
    return found
