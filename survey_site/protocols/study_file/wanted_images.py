"""The images that a study's description names, and what is wrong with how it names them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from survey_site.protocols.study_file import layout
from survey_site.protocols.study_file.kinds import Found, mapping
from survey_site.protocols.study_file.layout import at, kind_of, unknown_keys
from survey_site.stimuli.models import Stimulus

SLUG = re.compile(r"[-a-zA-Z0-9_]{1,80}")
SHA256 = re.compile(r"[0-9a-f]{64}")
MOST_IMAGES = 10_000


@dataclass(frozen=True, slots=True)
class WantedImage:
    """An image that the description names. sha256: of the stored picture or of the file; file: its name; empty: by name."""

    name: str
    stimulus_class: str
    role: str = Stimulus.Role.MAIN
    sha256: str = ""
    file: str = ""
    source: str = ""
    licence: str = ""

    @property
    def path(self) -> str:
        return at("images", self.stimulus_class)


def images(data: Any) -> Found:
    """The images by class."""
    given, problems = mapping("images", data)
    found: list[WantedImage] = []
    for label, rows in given.items():
        path = at("images", label)
        if len(label) > 120:
            problems.append(f"{path}: a class has at most 120 signs")
        if not isinstance(rows, list):
            problems.append(f"{path}: it is {kind_of(rows)} and must be a list of images")
            continue
        for place, row in enumerate(rows, start=1):
            if wrong := list(_refuse_image(f"{path}[{place}]", row)):
                problems += wrong
            else:
                found.append(WantedImage(stimulus_class=label, **row))
    problems += _twice("name", [image.name for image in found])
    problems += _twice("sha256", [image.sha256 for image in found if image.sha256])
    if len(found) > MOST_IMAGES:
        problems.append(f"images: there are {len(found)}, more than {MOST_IMAGES}; make two studies")
    return found, problems


def _refuse_image(path: str, row: Any) -> Iterator[str]:
    if not isinstance(row, dict):
        yield f"{path}: it is {kind_of(row)} and must be keys with values, such as name: owl-1"
        return
    yield from unknown_keys(path, row, layout.IMAGE)
    for name, value in row.items():
        if name in layout.IMAGE and not isinstance(value, str):
            yield f"{path}.{name}: it is {kind_of(value)} and must be text; put it in quotes"
            return
    if not SLUG.fullmatch(row.get("name", "")):
        yield f"{path}.name: it must be 1 to 80 letters, digits, hyphens and underscores"
    if row.get("role", Stimulus.Role.MAIN) not in Stimulus.Role.values:
        yield f"{path}.role: it must be {' or '.join(Stimulus.Role.values)}"
    if row.get("sha256") and not SHA256.fullmatch(row["sha256"]):
        yield f"{path}.sha256: it must be 64 digits, 0 to 9 and a to f"
    for name, most in (("source", 300), ("licence", 120), ("file", 300)):
        if len(row.get(name, "")) > most:
            yield f"{path}.{name}: it has more than {most} signs; shorten it"


def _twice(what: str, values: list[str]) -> list[str]:
    seen: set[str] = set()
    twice = sorted({value for value in values if value in seen or seen.add(value)})  # type: ignore[func-returns-value]
    return [f"images: the {what} {value[:16]} stands twice; name each image once" for value in twice[:3]]
