"""Writes a study as a folder (`export_study`): the same study gives the same bytes."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Prefetch

from survey_site.protocols.models import Protocol
from survey_site.reports.study_folder import layout, stored_looks
from survey_site.reports.study_folder.layout import (
    FileFacts,
    FolderManifest,
    FolderRow,
    line,
    packed,
    packed_if_set,
    without_empty,
)
from survey_site.stimuli.models import MapPicture, OwnModel, SaliencyMap, StimulusFeatures
from survey_site.studies.models import Study
from survey_site.trials.models import Exposure, Participant, Ticket, Trial

Rows = Iterable[FolderRow]
BATCH = 2000
WITHDRAWN = Participant.State.WITHDRAWN
PREVIEW = Participant.Kind.PREVIEW


def write_folder(study: Study, out: Path, *, media: bool = True) -> FolderManifest:
    """Writes the folder whole or not at all; returns the manifest. Raises BadFolder where `out` is not empty."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise layout.BadFolder(f"{out} exists and is not an empty folder; name another one")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as temporary:
        target = Path(temporary) / "study"
        target.mkdir()
        with transaction.atomic():
            bots = study.participants.filter(kind=Participant.Kind.BOT).count()
            manifest = write_files(
                target,
                study_json(study),
                tables(study),
                media_paths(study) if media else (),
                bots,
            )
        if out.exists():
            out.rmdir()
        target.rename(out)
    return manifest


def write_files(
    target: Path,
    head_json: FolderRow,
    tables: Iterable[tuple[str, Rows]],
    media: Iterable[str] = (),
    simulated: int = 0,
) -> FolderManifest:
    """Writes the files of a folder from plain rows; returns the manifest, which is written last."""
    files: dict[str, FileFacts] = {}
    head = json.dumps(head_json, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    (target / layout.STUDY).write_text(head, encoding="utf-8")
    files[layout.STUDY] = {"sha256": layout.digest(head.encode())}
    for name, rows in tables:
        files[f"{name}.jsonl"] = _write_table(target / f"{name}.jsonl", rows)
    for path in media:
        files[f"{layout.MEDIA}/{path}"] = _copy_out(path, target / layout.MEDIA / path)
    slug = head_json["settings"]["slug"]
    manifest: FolderManifest = {
        "format": layout.FORMAT,
        "version": layout.VERSION,
        "study": slug,
        "files": files,
    }
    if simulated:
        manifest["simulated"] = simulated
    text = json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    (target / layout.MANIFEST).write_text(text, encoding="utf-8")
    return manifest


def _write_table(path: Path, rows: Rows) -> FileFacts:
    sha256, count = hashlib.sha256(), 0
    with path.open("wb") as handle:
        for row in rows:
            data = line(row)
            sha256.update(data)
            handle.write(data)
            count += 1
    return {"rows": count, "sha256": sha256.hexdigest()}


def _copy_out(path: str, target: Path) -> FileFacts:
    target.parent.mkdir(parents=True, exist_ok=True)
    with default_storage.open(path, "rb") as source, target.open("wb") as handle:
        shutil.copyfileobj(source, handle)
    with target.open("rb") as handle:
        return {"sha256": hashlib.file_digest(handle, "sha256").hexdigest()}


def study_json(study: Study) -> FolderRow:
    """Settings, conditions, texts and protocols. An imported study keeps saying that answers were collected."""
    reconstruction = study.origin == Study.Origin.RECONSTRUCTION
    return {
        "origin": study.origin if reconstruction else Study.Origin.COLLECTED.value,
        "settings": packed(study, layout.STUDY_FIELDS) | packed_if_set(study, layout.LATER_STUDY_FIELDS),
        "conditions": [packed(c, layout.CONDITION_FIELDS) for c in study.conditions.all()],
        "texts": [
            packed(t, ("language", "key", "markdown")) for t in study.texts.order_by("language", "key")
        ],
        "protocols": [
            _protocol(p) for p in study.protocols.select_related("measurement").order_by("version")
        ],
        **_own_models(study),
        **stored_looks.written(study),
    }


def _protocol(protocol: Protocol) -> FolderRow:
    """A sealed document; `amends`: the version whose answers its own stand with, which an amendment alone has."""
    own = packed(protocol, layout.PROTOCOL_FIELDS) | packed_if_set(protocol, layout.LATER_PROTOCOL_FIELDS)
    return own | (
        {"amends": protocol.measurement.version} if protocol.amends and protocol.measurement else {}
    )


def _own_models(study: Study) -> FolderRow:
    """The networks that researchers brought; nothing where there are none, so that older folders stay as they are."""
    rows = list(study.own_models.order_by("name"))
    return {"models": [packed(row, layout.OWN_MODEL_FIELDS) for row in rows]} if rows else {}


def ordered_maps(study: Study) -> Any:
    """The study's maps in the order by which trials name them."""
    order = ("stimulus__key", "classifier", "layer", "class_index", "method", "parameters_hash")
    return SaliencyMap.objects.filter(stimulus__study=study).order_by(*order)


def tables(study: Study) -> Iterator[tuple[str, Rows]]:
    """Name and rows of every table, in the order in which an import needs them."""
    yield (
        "stimuli",
        (
            packed(s, layout.STIMULUS_FIELDS) | packed_if_set(s, layout.LATER_STIMULUS_FIELDS)
            for s in study.stimuli.order_by("key")
        ),
    )
    yield "features", _features(study)
    yield "maps", _maps(study)
    yield "participants", _participants(study)
    yield "tickets", _tickets(study)
    yield "trials", _trials(study)


def _features(study: Study) -> Rows:
    rows = StimulusFeatures.objects.filter(stimulus__study=study).order_by("stimulus__key", "classifier")
    for row in rows.select_related("stimulus").iterator(BATCH):
        yield {"stimulus": row.stimulus.key, "classifier": row.classifier, "vector": row.vector}


def _maps(study: Study) -> Rows:
    pictures = Prefetch("pictures", MapPicture.objects.order_by("colour_map"))
    for row in ordered_maps(study).select_related("stimulus").prefetch_related(pictures).iterator(BATCH):
        own = [packed(picture, layout.PICTURE_FIELDS) for picture in row.pictures.all()]
        own_fields = packed(row, layout.MAP_FIELDS) | packed_if_set(row, layout.LATER_MAP_FIELDS)
        yield without_empty({"stimulus": row.stimulus.key, "pictures": own} | own_fields)


def _participants(study: Study) -> Rows:
    rows = study.participants.exclude(kind=PREVIEW).select_related("protocol")
    rows = rows.defer("protocol__document").order_by("pk")
    for row in rows.exclude(state=WITHDRAWN).iterator(BATCH):
        yield packed(row, layout.PARTICIPANT_FIELDS) | {"protocol": row.protocol.version}
    # Their places among the others would tell when they came.
    gone = rows.filter(state=WITHDRAWN).order_by("protocol__version", "kind", "pk")
    for number, row in enumerate(gone.iterator(BATCH), start=1):
        code = f"withdrawn-{number}"
        yield packed(row, layout.WITHDRAWN_FIELDS) | {"code": code, "protocol": row.protocol.version}


def _tickets(study: Study) -> Rows:
    rows = Ticket.objects.filter(protocol__study=study).select_related("protocol", "participant")
    for row in rows.order_by("protocol__version", "number").iterator(BATCH):
        held = row.participant and row.participant.state != WITHDRAWN
        holder = row.participant.code if row.participant and held else None
        own = {"protocol": row.protocol.version, "participant": holder}
        yield without_empty(own | packed(row, layout.TICKET_FIELDS))


def _trials(study: Study) -> Rows:
    keys = dict(study.stimuli.values_list("pk", "key"))
    conditions = {pk: place for place, pk in enumerate(study.conditions.values_list("pk", flat=True))}
    maps = {pk: place for place, pk in enumerate(ordered_maps(study).values_list("pk", flat=True))}
    rows = (
        Trial.objects.filter(participant__study=study)
        .exclude(participant__state=WITHDRAWN)
        .exclude(participant__kind=PREVIEW)
        .select_related("participant", "response")
    )
    shown = Prefetch("exposures", Exposure.objects.order_by("stimulus__key"))
    for row in rows.order_by("participant_id", "position").prefetch_related(shown).iterator(BATCH):
        own: FolderRow = {
            "participant": row.participant.code,
            "stimulus": keys[row.stimulus_id],
            "condition": None if row.condition_id is None else conditions[row.condition_id],
            "map": None if row.saliency_map_id is None else maps[row.saliency_map_id],
            "maps": [_several(shown, maps, conditions) for shown in row.maps],
            "pool": [keys[pk] for pk in row.pool],
            "exposed": [keys[exposure.stimulus_id] for exposure in row.exposures.all()],
        }
        if hasattr(row, "response"):
            own["response"] = packed(row.response, layout.RESPONSE_FIELDS)
        yield without_empty(own | packed(row, layout.TRIAL_FIELDS))


def _several(shown: FolderRow, maps: dict[int, int], conditions: dict[int, int]) -> FolderRow:
    """One of several maps of a trial, named by its place among the maps, and so its condition."""
    condition = shown["condition"]
    place = None if condition is None else conditions[condition]
    return without_empty({"map": maps[shown["map"]], "condition": place, "rank": shown["rank"]})


def media_paths(study: Study) -> list[str]:
    """Storage paths of images, regions, arrays and pictures, sorted, each once."""
    maps = SaliencyMap.objects.filter(stimulus__study=study)
    pictures = MapPicture.objects.filter(saliency_map__stimulus__study=study)
    found = {
        *study.stimuli.values_list("path", flat=True),
        *study.stimuli.values_list("region_path", flat=True),
        *maps.values_list("array_path", flat=True),
        *pictures.values_list("path", flat=True),
    }
    uploaded = study.own_models.filter(source=OwnModel.Source.UPLOAD).values_list("path", flat=True)
    found |= {path for path in uploaded if path and default_storage.exists(path)}
    return sorted(path for path in found if path)
