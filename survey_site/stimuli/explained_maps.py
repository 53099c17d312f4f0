"""What `python -m saliency_worker explain` wrote, as maps for a study: read and judged whole. Pure; nothing is stored.

Taken are the folder that it wrote to, that of one classifier in it, and a zip of either. Images are known by the SHA-256
of their file, so that no name has to match; everything that the folder says of itself is checked against its files.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from saliency_worker import catalog
from survey_site.stimuli.archives import Archive
from survey_site.stimuli.arrays import BadMap, Scalar, clean_png, read_npy
from survey_site.stimuli.storage import sha256
from survey_site.stimuli.uploaded_maps import BadMaps, is_text

FORMAT = "saliency-survey/maps-1"
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class ExplainedMap:
    """One map of one image as `explain` recorded it. files: array and picture, by their names in the archive."""

    stimulus: str
    classifier: str
    key: str
    array: str
    picture: str
    side: int
    class_index: int
    class_name: str
    metrics: Mapping[str, Any] | None
    provenance: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ExplainedFolder:
    """All maps of a folder that are of the study's images; left_out: stems of the others."""

    maps: tuple[ExplainedMap, ...]
    left_out: tuple[str, ...] = ()


@dataclass(slots=True)
class _Reading:
    """What was found so far."""

    maps: list[ExplainedMap] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def manifests_of(archive: Archive) -> dict[str, dict[str, Any]]:
    """Folder in the archive → manifest, of those that `explain` wrote; empty where the archive is of another kind."""
    found = {}
    for name in archive.members:
        folder, _, base = name.rpartition("/")
        if base == MANIFEST:
            try:
                content = json.loads(archive.read(name))
            except (ValueError, RecursionError):
                continue
            if isinstance(content, dict) and content.get("format") == FORMAT:
                found[folder] = content
    return found


def check_folder(
    archive: Archive,
    manifests: Mapping[str, Mapping[str, Any]],
    stimuli: Mapping[str, str],
    sides: Mapping[str, int],
    colour_map: str,
    clock: Callable[[], None],
) -> ExplainedFolder:
    """All maps of the study's images. Raises BadMaps with every problem found; never returns a part.

    stimuli: SHA-256 of an image's file, as uploaded and as stored, → its key. sides: as of uploaded_maps.check_upload.
    colour_map: the study's, which the pictures must have. clock: is called before each map, and raises where the
    whole takes too long.
    """
    reading = _Reading()
    expected = dict(sides)
    for folder, manifest in manifests.items():
        try:
            _read(archive, folder, manifest, stimuli, colour_map, clock, reading)
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            if isinstance(error, BadMaps):
                raise
            reading.problems.append(
                f"{_inside(folder, MANIFEST)}: not as explain writes it ({type(error).__name__}: {error})"
            )
    reading.problems += _sizes(reading.maps, expected)
    reading.problems += _repeated(reading.maps)
    if not reading.maps and not reading.problems:
        reading.problems.append(
            "it holds no map of an image of this study: their files have other SHA-256s; run explain on the very files "
            "that were uploaded"
        )
    if reading.problems:
        raise BadMaps(reading.problems)
    return ExplainedFolder(tuple(reading.maps), tuple(dict.fromkeys(reading.left_out)))


def _read(
    archive: Archive,
    folder: str,
    manifest: Mapping[str, Any],
    stimuli: Mapping[str, str],
    colour_map: str,
    clock: Callable[[], None],
    reading: _Reading,
) -> None:
    made = manifest["settings"]["colour_map"]
    if made != colour_map:
        reading.problems.append(
            f"{folder or 'the folder'}: its pictures are in the colours {made}, the study's are {colour_map}; run explain "
            f"with --colour-map {colour_map}, or change the study"
        )
        return
    for stem, record in manifest["images"].items():
        key = stimuli.get(record["image_sha256"])
        if key is None:
            reading.left_out.append(stem)
            continue
        for method in record["maps"]:
            clock()
            try:
                reading.maps.append(_map(archive, _inside(folder, stem), key, method, record))
            except BadMap as error:
                reading.problems.append(f"{_inside(folder, stem)}/{method}: {error}")


def _map(archive: Archive, folder: str, stimulus: str, key: str, record: Mapping[str, Any]) -> ExplainedMap:
    """One map, its files compared with what the manifest says of them. Raises BadMap."""
    found = record["maps"][key]
    if key not in catalog.ALL_KEYS:
        raise BadMap("no method of this site; name its module in SALIENCY_METHODS, or leave it out")
    array, picture = (f"{folder}/{found[name]}" for name in ("npy", "png"))
    for name, base in ((array, found["npy"]), (picture, found["png"])):
        if name not in archive.members:
            raise BadMap(f"{base} is missing; run explain again, or take the folder whole")
        if sha256(archive.read(name)) != record["files"].get(base):
            raise BadMap(f"{base} was changed since it was written; run explain again")
    values = read_npy(archive.read(array))
    provenance = found["provenance"]
    if values.sha256 != found["array_sha256"] or provenance["image_sha256"] != record["image_sha256"]:
        raise BadMap("its manifest contradicts itself; run explain again")
    explained = record.get("explained") or record["prediction"]
    if not is_text(provenance) or not is_text(explained) or not is_text(found["metrics"]):
        raise BadMap("its manifest holds a sign that no text has; run explain again")
    return ExplainedMap(
        stimulus=stimulus,
        classifier=_known_case(str(provenance["classifier"])),
        key=key,
        array=array,
        picture=picture,
        side=_same_side(values, clean_png(archive.read(picture))),
        class_index=int(explained["class_index"]),
        class_name=str(explained["class_name"])[:120],
        metrics=found["metrics"],
        provenance=provenance,
    )


def _same_side(values: Scalar, picture: tuple[int, bytes]) -> int:
    if picture[0] != values.side:
        raise BadMap("array and picture differ in size; run explain again")
    return values.side


def _known_case(classifier: str) -> str:
    return next((name for name in catalog.CLASSIFIERS if name.lower() == classifier.lower()), classifier)


def _inside(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _sizes(maps: list[ExplainedMap], expected: dict[str, int]) -> Iterator[str]:
    for each in maps:
        if expected.setdefault(each.classifier, each.side) != each.side:
            side = expected[each.classifier]
            yield f"{each.array}: {each.side} × {each.side}, but the maps of {each.classifier} are {side} × {side}"


def _repeated(maps: list[ExplainedMap]) -> Iterator[str]:
    seen: dict[tuple[str, str, str], str] = {}
    for each in maps:
        identity = (each.stimulus, each.classifier, each.key)
        if identity in seen:
            yield f"{each.array}: the same image, classifier and method as {seen[identity]}"
        seen.setdefault(identity, each.array)
