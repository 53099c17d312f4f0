"""Compares every stored file with the hash that the database holds for it, and each protocol with its hash.

Scores must follow from the stored answers, by their tasks. What a worker found when it computed the maps again is
read here too.
"""

import hashlib
import re
import struct
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.core.files.storage import default_storage
from django.db.models import Count

from survey_site.design import canonical
from survey_site.protocols.format_1 import UnknownFormat
from survey_site.protocols.measurement import measurement_hash
from survey_site.protocols.models import Protocol, ServedImage
from survey_site.reports import ledger_check, row_check, ticket_check
from survey_site.reports.answer_check import AnswerCheck
from survey_site.reports.checked_thing import CheckedThing, said, whole
from survey_site.reports.one_moment import one_moment
from survey_site.stimuli import storage
from survey_site.stimuli.models import MapPicture, OwnModel, RecomputeJob, SaliencyMap
from survey_site.stimuli.own_models import operators_folder
from survey_site.stimuli.ranks import ordinal
from survey_site.studies.models import Study
from survey_site.studies.unreadable import UNREADABLE
from survey_site.tasks import registry
from survey_site.telemetry.lines import one_line
from survey_site.trials.frozen_protocol import classes_of
from survey_site.trials.models import Response

BLOCK = 1024 * 1024
BATCH = 2000
SHA256 = re.compile("[0-9a-f]{64}")
NPY_MAGIC = b"\x93NUMPY"


def findings(study: Study) -> Iterator[CheckedThing]:
    """Looks at every file, once, and at every row that data rest on, these as they are at one moment."""
    yield from files(study)
    with one_moment():
        yield from rows(study)


def rows(study: Study) -> Iterator[CheckedThing]:
    """Every row that data rest on: what it says, whether it is there, and whether anything was added."""
    for protocol in study.protocols.order_by("version"):
        yield CheckedThing("protocols", f"version {protocol.version}", said(_changed, study, protocol))
    yield from whole("rows", row_check.sealed_rows(study))
    yield from whole("participants", ledger_check.participants(study))
    yield from whole("arrivals", ledger_check.arrivals(study))
    yield from whole("tickets", ticket_check.tickets(study))
    yield from whole(row_check.LOG, row_check.audit_lines(study))
    yield from whole("answers", _answers(study))


def files(study: Study) -> Iterator[CheckedThing]:
    """Every file that a row names, by the SHA-256 beside its name."""
    for stimulus in study.stimuli.order_by("key").iterator():
        yield from _file("stimuli", stimulus.key, stimulus.path, stimulus.sha256)
        if stimulus.region_sha256:
            yield from _file("regions", stimulus.key, stimulus.region_path, stimulus.region_sha256)
    maps = SaliencyMap.objects.filter(stimulus__study=study).select_related("stimulus").order_by("pk")
    for row in maps.iterator():
        name = f"{row.stimulus.key} {row.classifier} {_method(row)}"
        yield from _array("arrays", name, row.array_path, row.array_sha256)
    pictures = MapPicture.objects.filter(saliency_map__stimulus__study=study)
    for picture in pictures.select_related("saliency_map__stimulus").order_by("pk").iterator():
        shown = picture.saliency_map
        name = f"{shown.stimulus.key} {shown.classifier} {_method(shown)} ({picture.colour_map})"
        yield from _file("pictures", name, picture.path, picture.sha256)
    served = ServedImage.objects.filter(protocol__study=study).exclude(sha256="").order_by("pk")
    for image in served.iterator():
        yield from _file("served pictures", f"of map {image.saliency_map_id}", image.path, image.sha256)
    yield from whole("models", _models(study))


def models_of(study: Study) -> dict[str, str]:
    """SHA-256 → name of every model that the study or one of its sealed protocols names."""
    named = {
        entry["sha256"]: entry["name"]
        for protocol in study.protocols.order_by("version")
        for entry in protocol.document.get("models", [])
    }
    return named | {row.sha256: row.name for row in study.own_models.exclude(sha256="").order_by("name")}


def not_included(study: Study) -> list[str]:
    """Names of the models whose file is neither in the storage nor in the operator's folder, and never was here."""
    here = _uploaded(study)
    return sorted(
        name
        for sha256, name in models_of(study).items()
        if sha256 not in here and _model_path(study, sha256) is None
    )


def _uploaded(study: Study) -> dict[str, str]:
    """SHA-256 → path of the models that were stored here: an imported study comes without its files."""
    if study.origin != Study.Origin.COLLECTED:
        return {}
    own = study.own_models.filter(source=OwnModel.Source.UPLOAD).exclude(path="")
    return dict(own.values_list("sha256", "path"))


def _models(study: Study) -> Iterator[CheckedThing]:
    here = _uploaded(study)
    for sha256, name in models_of(study).items():
        path = _model_path(study, sha256) or here.get(sha256)
        if isinstance(path, str):
            yield from _file("models", name, path, sha256)
        elif path is not None:
            yield CheckedThing("models", name, _operators(path, sha256))


def _operators(path: Path, sha256: str) -> str:
    """What is wrong with a file in the operator's folder."""
    try:
        with path.open("rb") as handle:
            same = hashlib.file_digest(handle, "sha256").hexdigest() == sha256
    except OSError as error:
        return f"{path.name} cannot be read: {error}"
    return "" if same else f"{path.name} was changed: its SHA-256 is not the stored one"


def _model_path(study: Study, sha256: str) -> str | Path | None:
    """Where a model's file is: in the storage, in the operator's folder, or None."""
    stored = storage.path_of("models", sha256, ".keras")
    if default_storage.exists(stored):
        return stored
    row = study.own_models.filter(sha256=sha256, source=OwnModel.Source.FOLDER).first()
    folder = operators_folder()
    path = folder / row.path if folder and row else None
    return path if path and path.is_file() and path.resolve().is_relative_to(folder or path) else None


def _method(row: SaliencyMap | None) -> str:
    """The method's key, with the explained class where it is not the predicted one; empty for no map."""
    if row is None:
        return ""
    return f"{row.method}, {ordinal(row.rank)} class" if row.rank else row.method


def _answers(study: Study) -> Iterator[CheckedThing]:
    """Each answer of an installed task, and each reason for none."""
    try:
        check = AnswerCheck(study)
    except (UnknownFormat, *UNREADABLE):
        return  # said of the protocol
    installed = [task.name for task in registry.installed()]
    rows = Response.objects.filter(trial__participant__study=study, task__in=installed)
    rows = rows.select_related("trial__participant").order_by("trial__participant", "trial__position")
    for row in rows.iterator(BATCH):
        trial, who = row.trial, row.trial.participant
        try:
            fault = check.fault(trial, row, who.protocol_id)
        except (LookupError, TypeError, AttributeError) as error:  # nothing that the site has written
            fault = f"it names what is not there, or is not laid out as answers are ({error!r})"
        yield CheckedThing("answers", f"{who.code}, trial {trial.position + 1} ({trial.task})", fault)


def unchecked(study: Study) -> dict[str, int]:
    """How many answers nothing is said of, by task: those of tasks that are not installed."""
    installed = [task.name for task in registry.installed()]
    rows = Response.objects.filter(trial__participant__study=study).exclude(task__in=installed)
    return dict(rows.values("task").annotate(n=Count("pk")).order_by("task").values_list("task", "n"))


def recomputed(ids: Sequence[int]) -> Iterator[CheckedThing]:
    """One finding for each map that the jobs computed again, and one for each reason why others were not."""
    failed: dict[tuple[str, str], list[str]] = defaultdict(list)
    jobs = RecomputeJob.objects.filter(pk__in=ids).select_related("stimulus").order_by("classifier", "pk")
    for job in jobs.iterator():
        if job.state != RecomputeJob.State.DONE:
            failed[job.classifier, job.reason or f"the job was {job.get_state_display().lower()}"].append(
                job.stimulus.key
            )
        stored = SaliencyMap.objects.in_bulk(job.maps)
        for entry in job.found:
            name = f"{job.stimulus.key} {job.classifier} {_method(stored.get(entry['map'])) or entry['map']}"
            kind = "identical" if entry.get("identical") else "within 1e-5 and one level"
            yield CheckedThing("differ" if entry["problem"] else kind, name, entry["problem"])
    for (classifier, reason), keys in failed.items():
        more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
        yield CheckedThing("not computed", f"{', '.join(keys[:3])}{more} by {classifier}", reason)


def _changed(study: Study, protocol: Protocol) -> str:
    """Whether the document is the sealed one, and whether the exports' classes are those that it sealed."""
    if canonical.sha256(protocol.document) != protocol.hash:
        return "its document was changed"
    try:
        if measurement_hash(protocol.content) != protocol.measurement_hash:
            return "the hash of its measurement is not that of its document"
    except UnknownFormat as error:
        return str(error)
    try:
        sealed = classes_of(protocol.content)
    except UnknownFormat as error:
        return str(error)
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
    """Files lie under the SHA-256 of all their bytes; that of an array is of its values alone, in their type and shape."""
    digest, everything = hashlib.sha256(), hashlib.sha256()
    try:
        with default_storage.open(path, "rb") as handle:
            if array:
                everything.update(_skip_header(handle))
            while block := handle.read(BLOCK):
                digest.update(block)
                everything.update(block)
    except FileNotFoundError:
        return f"{path} is missing in the storage"
    except (ValueError, struct.error) as error:
        return f"{path} is not an array file: {error}"
    except Exception as error:  # a disk that fails, rights, a store that is away: each storage has its own
        return f"{path} cannot be read: {one_line(error)}"
    named = Path(path).stem
    if digest.hexdigest() != sha256 or (
        array and SHA256.fullmatch(named) and named != everything.hexdigest()
    ):
        return f"{path} was changed: its SHA-256 is not the stored one"
    return ""


def _skip_header(handle: Any) -> bytes:
    """The header of a `.npy` file, behind which the values begin."""
    magic, version = handle.read(6), handle.read(2)
    if magic != NPY_MAGIC:
        raise ValueError("it does not begin as a .npy file does")
    wide = version[:1] != b"\x01"
    length: bytes = handle.read(4 if wide else 2)
    header: bytes = handle.read(struct.unpack("<I" if wide else "<H", length)[0])
    if b"'fortran_order': True" in header:
        raise ValueError("its values are stored column by column")
    return bytes(magic + version + length + header)
