"""Compares every stored file with the hash that the database holds for it, and each protocol with its hash.

What a worker found when it computed the maps again is read here too.
"""

import hashlib
import struct
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.files.storage import default_storage

from survey_site.design import canonical
from survey_site.protocols.models import Protocol
from survey_site.stimuli.models import MapPicture, RecomputeJob, SaliencyMap
from survey_site.studies.models import Study
from survey_site.trials.frozen_protocol import classes_of

BLOCK = 1024 * 1024
NPY_MAGIC = b"\x93NUMPY"


@dataclass(frozen=True)
class CheckedThing:
    """One thing looked at. `problem` is empty where all is well; `kind` groups the counts."""

    kind: str
    name: str
    problem: str = ""


def findings(study: Study) -> Iterator[CheckedThing]:
    """Looks at every protocol, stimulus, array and picture; reads each file once."""
    for protocol in study.protocols.order_by("version"):
        yield CheckedThing("protocols", f"version {protocol.version}", _changed(study, protocol))
    for stimulus in study.stimuli.order_by("key").iterator():
        yield from _file("stimuli", stimulus.key, stimulus.path, stimulus.sha256)
    maps = SaliencyMap.objects.filter(stimulus__study=study).select_related("stimulus").order_by("pk")
    for row in maps.iterator():
        name = f"{row.stimulus.key} {row.classifier} {row.method}"
        yield from _array("arrays", name, row.array_path, row.array_sha256)
    pictures = MapPicture.objects.filter(saliency_map__stimulus__study=study)
    for picture in pictures.select_related("saliency_map__stimulus").order_by("pk").iterator():
        shown = picture.saliency_map
        name = f"{shown.stimulus.key} {shown.classifier} {shown.method} ({picture.colour_map})"
        yield from _file("pictures", name, picture.path, picture.sha256)


def recomputed(ids: Sequence[int]) -> Iterator[CheckedThing]:
    """One finding for each map that the jobs computed again, and one for each reason why others were not."""
    failed: dict[tuple[str, str], list[str]] = defaultdict(list)
    jobs = RecomputeJob.objects.filter(pk__in=ids).select_related("stimulus").order_by("classifier", "pk")
    for job in jobs.iterator():
        if job.state != RecomputeJob.State.DONE:
            failed[job.classifier, job.reason or f"the job was {job.get_state_display().lower()}"].append(
                job.stimulus.key
            )
        methods = dict(SaliencyMap.objects.filter(pk__in=job.maps).values_list("pk", "method"))
        for entry in job.found:
            name = f"{job.stimulus.key} {job.classifier} {methods.get(entry['map'], entry['map'])}"
            kind = "identical" if entry.get("identical") else "within 1e-5 and one level"
            yield CheckedThing("differ" if entry["problem"] else kind, name, entry["problem"])
    for (classifier, reason), keys in failed.items():
        more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
        yield CheckedThing("not computed", f"{', '.join(keys[:3])}{more} by {classifier}", reason)


def _changed(study: Study, protocol: Protocol) -> str:
    """Whether the document is the sealed one, and whether the exports' classes are those that it sealed."""
    if canonical.sha256(protocol.document) != protocol.hash:
        return "its document was changed"
    sealed = classes_of(protocol.document)
    other = [
        f"{key} has the class {now!r}, sealed was {sealed[key]!r}"
        for key, now in study.stimuli.order_by("key").values_list("key", "stimulus_class")
        if sealed.get(key, now) != now
    ]
    more = f"; and {len(other) - 3} more" if len(other) > 3 else ""
    return "; ".join(other[:3]) + more


def _file(kind: str, name: str, path: str, sha256: str) -> Iterator[CheckedThing]:
    if path:
        yield CheckedThing(kind, name, _problem(path, sha256, array=False))


def _array(kind: str, name: str, path: str, sha256: str) -> Iterator[CheckedThing]:
    if path:
        yield CheckedThing(kind, name, _problem(path, sha256, array=True))


def _problem(path: str, sha256: str, *, array: bool) -> str:
    try:
        with default_storage.open(path, "rb") as handle:
            if array:
                _skip_header(handle)
            digest = hashlib.sha256()
            while block := handle.read(BLOCK):
                digest.update(block)
    except FileNotFoundError:
        return f"{path} is missing in the storage"
    except (ValueError, struct.error) as error:
        return f"{path} is not an array file: {error}"
    return "" if digest.hexdigest() == sha256 else f"{path} was changed: its SHA-256 is not the stored one"


def _skip_header(handle: Any) -> None:
    """Moves behind the header of a `.npy` file: the hash of an array covers its values alone."""
    magic, major = handle.read(6), handle.read(2)[:1]
    if magic != NPY_MAGIC:
        raise ValueError("it does not begin as a .npy file does")
    size = struct.unpack("<H", handle.read(2)) if major == b"\x01" else struct.unpack("<I", handle.read(4))
    if b"'fortran_order': True" in handle.read(size[0]):
        raise ValueError("its values are stored column by column")
