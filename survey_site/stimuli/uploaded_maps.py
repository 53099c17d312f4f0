"""Maps made elsewhere: a zip of `.npy` or PNG with a manifest, read and judged whole. Pure; nothing is stored.

The manifest (`manifest.csv`, or `manifest.json` with a list of objects) says of each file: `file`, `stimulus` (the
key of an image of the study), `method` (a label such as "RISE"), and optionally `classifier`, the classes `explained` and
`predicted`, the predicted one's `confidence` (0 to 1), and in JSON `provenance` (an object: what made the map).
`saliency_worker.map_archive` writes such a zip.
"""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from saliency_worker import catalog
from survey_site.stimuli.archives import Archive
from survey_site.stimuli.arrays import BadMap, read_map
from survey_site.stimuli.storage import sha256
from survey_site.studies.errors import SeveralProblems

MANIFESTS = ("manifest.csv", "manifest.json")
NEEDED = ("file", "stimulus", "method")
TEXTS = (*NEEDED, "classifier", "explained", "predicted", "confidence")
DEFAULT_CLASSIFIER = "uploaded"
LONGEST_KEY, LONGEST_LABEL, LONGEST_CLASS = 30, 60, 120
LONGEST_PROVENANCE = 20_000  # characters of JSON


class BadMaps(SeveralProblems):
    """The upload is refused whole. `problems` has one line for each thing that must change."""

    lead, joint, shown = "nothing was stored: ", "; ", 5


@dataclass(frozen=True, slots=True)
class ManifestLine:
    """One line of the manifest."""

    file: str
    stimulus: str
    method: str
    classifier: str
    explained: str = ""
    predicted: str = ""
    confidence: float | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return method_key(self.method)


@dataclass(frozen=True, slots=True)
class MadeMap:
    """One map of an upload that has passed every check; its numbers are read again when they are stored."""

    line: ManifestLine
    side: int
    sha256: str


def method_key(label: str) -> str:
    """The key under which a method of this label is stored: lower case, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_KEY].rstrip("-")


def is_uploaded(key: str) -> bool:
    """Whether a method key names no method of the catalogue, so that its maps can only be uploaded."""
    return key not in catalog.ALL_KEYS


def check_upload(
    archive: Archive, stimuli: Sequence[str], sides: Mapping[str, int], clock: Callable[[], None]
) -> list[MadeMap]:
    """All maps of a zip. Raises BadMaps with every problem found; never returns a part.

    stimuli: keys of the study's images. sides: side in pixels that the maps of a classifier must have. clock: is called
    before each map, and raises where the whole takes too long.
    """
    lines = read_manifest(archive)
    files = [name for name in archive.members if _base(name) not in MANIFESTS]
    problems = [*_unmatched(lines, files), *_repeated(lines), *_unknown(lines, set(stimuli))]
    made = []
    for line in lines:
        if line.file in archive.members:
            clock()
            data = archive.read(line.file)
            try:
                made.append(MadeMap(line, read_map(line.file, data).side, sha256(data)))
            except BadMap as error:
                problems.append(f"{line.file}: {error}")
    problems += _sizes(made, sides)
    if problems:
        raise BadMaps(problems)
    return made


def read_manifest(archive: Archive) -> list[ManifestLine]:
    """The lines of the one manifest. Raises BadMaps where there is none, or where it cannot be read."""
    found = [name for name in archive.members if _base(name) in MANIFESTS]
    if len(found) != 1:
        raise BadMaps(
            [f"the zip holds {len(found) or 'no'} manifest; put in one manifest.csv or manifest.json that says "
             "file, stimulus and method of each map"]
        )  # fmt: skip
    manifest = found[0]
    try:
        text = archive.read(manifest).decode("utf-8-sig")
        if "\0" in text:
            raise ValueError("it holds a NUL, which no text has")
        rows = _json_rows(text) if manifest.endswith(".json") else _csv_rows(text)
    except (UnicodeDecodeError, ValueError, csv.Error) as error:
        raise BadMaps([f"{manifest} cannot be read: {error}"]) from error
    folder = manifest.rpartition("/")[0]
    problems = [
        f"{manifest}, entry {number}: {problem}"
        for number, row in enumerate(rows, start=1)
        for problem in _row_problems(row)
    ]
    if problems or not rows:
        raise BadMaps(problems or [f"{manifest} lists no map"])
    return [_line(row, folder) for row in rows]


def _line(row: Mapping[str, Any], folder: str) -> ManifestLine:
    confidence = row.get("confidence")
    return ManifestLine(
        f"{folder}/{row['file']}" if folder else row["file"],
        row["stimulus"],
        row["method"],
        _known_case(row.get("classifier") or DEFAULT_CLASSIFIER),
        row.get("explained", ""),
        row.get("predicted", ""),
        float(confidence) if confidence else None,
        row.get("provenance") or {},
    )


def _row_problems(row: Mapping[str, Any]) -> Iterator[str]:
    """What keeps an entry from being a line, its values being texts but for the provenance."""
    yield from (f"no {name}" for name in NEEDED if not row.get(name))
    if not all(is_text(value) for value in row.values()):
        yield "it holds a sign that no text has; write plain text"
        return
    yield from (
        f"{name} has more than {LONGEST_CLASS} characters"
        for name in ("explained", "predicted")
        if len(row.get(name, "")) > LONGEST_CLASS
    )
    try:
        fits = 0 <= float(row.get("confidence") or 0) <= 1
    except ValueError:
        fits = False
    if not fits:
        yield f"confidence is {row['confidence']}; give the probability of the predicted class, 0 to 1"
    made = row.get("provenance") or {}
    if not isinstance(made, dict):
        yield "provenance is no object; write {…}, or leave it out"
    elif len(json.dumps(made)) > LONGEST_PROVENANCE:
        yield f"provenance has more than {LONGEST_PROVENANCE} characters; say less"


def is_text(value: Any) -> bool:
    """Whether a value of JSON holds no sign that a database refuses, in its texts and those below it."""
    if isinstance(value, str):
        return not any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in value)
    if isinstance(value, dict):
        return all(is_text(each) for pair in value.items() for each in pair)
    return all(map(is_text, value)) if isinstance(value, list) else True


def _known_case(classifier: str) -> str:
    """A classifier of the catalogue under its own spelling; any other label as it is."""
    return next((name for name in catalog.CLASSIFIERS if name.lower() == classifier.lower()), classifier)


def _csv_rows(text: str) -> list[dict[str, Any]]:
    reader = csv.DictReader(io.StringIO(text))
    names = [(name or "").strip().lower() for name in reader.fieldnames or []]
    if missing := [name for name in NEEDED if name not in names]:
        raise ValueError(f"its first line lacks {', '.join(missing)}; write file,stimulus,method,classifier")
    reader.fieldnames = names
    return [{k: v.strip() for k, v in row.items() if k in TEXTS and isinstance(v, str)} for row in reader]


def _json_rows(text: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(text, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise ValueError('write a list of objects with "file", "stimulus" and "method"')
    return [
        {k: str(row[k]).strip() for k in TEXTS if row.get(k) is not None}
        | {"provenance": row.get("provenance")}
        for row in found
    ]


def _no_number(name: str) -> None:
    raise ValueError(f"it holds {name}, which is no number")


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _unmatched(lines: Sequence[ManifestLine], files: Sequence[str]) -> Iterator[str]:
    listed, there = {line.file for line in lines}, set(files)
    for line in lines:
        if line.file not in there:
            yield f"{line.file}: listed in the manifest, but not in the zip"
    for name in files:
        if name not in listed:
            yield f"{name}: in the zip, but not listed in the manifest"


def _repeated(lines: Sequence[ManifestLine]) -> Iterator[str]:
    files: set[str] = set()
    shown: dict[tuple[str, str, str], str] = {}
    for line in lines:
        if line.file in files:
            yield f"{line.file}: listed twice"
        files.add(line.file)
        identity = (line.stimulus, line.classifier, line.key)
        if identity in shown:
            yield f"{line.file}: the same image, classifier and method as {shown[identity]}"
        shown.setdefault(identity, line.file)


def _unknown(lines: Sequence[ManifestLine], stimuli: set[str]) -> Iterator[str]:
    labels: dict[str, str] = {}
    for line in lines:
        if line.stimulus not in stimuli:
            yield f"{line.file}: the study has no image with the key {line.stimulus!r}"
        if not line.key or len(line.method) > LONGEST_LABEL or len(line.classifier) > LONGEST_LABEL:
            yield f"{line.file}: method and classifier need letters or digits, at most {LONGEST_LABEL} characters"
        elif not is_uploaded(line.key):
            yield f"{line.file}: {line.method!r} is a method that this platform computes; give yours another label"
        elif labels.setdefault(line.key, line.method) != line.method:
            yield f"{line.file}: the labels {labels[line.key]!r} and {line.method!r} differ too little; use one of them"


def _sizes(made: Sequence[MadeMap], sides: Mapping[str, int]) -> Iterator[str]:
    expected = dict(sides)
    for each in made:
        name, side = each.line.classifier, each.side
        if expected.setdefault(name, side) != side:
            yield f"{each.line.file}: {side} × {side}, but the maps of {name} are {expected[name]} × {expected[name]}"
