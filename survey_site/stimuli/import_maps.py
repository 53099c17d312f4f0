"""Stores maps made elsewhere: all of an upload or nothing, each with its provenance, beside an original."""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Max
from django.db.models.fields.json import KT

from saliency_worker import catalog
from survey_site.design import canonical, condition_matrix
from survey_site.design.presets import REFERENCE
from survey_site.stimuli import storage
from survey_site.stimuli.archives import Archive, BadArchive, Source, opened
from survey_site.stimuli.arrays import Scalar, clean_png, read_map, read_npy
from survey_site.stimuli.explained_maps import ExplainedMap, check_folder, manifests_of
from survey_site.stimuli.labels import method_label, origin_of
from survey_site.stimuli.map_rows import put_map
from survey_site.stimuli.models import SaliencyMap, Stimulus
from survey_site.stimuli.uploaded_maps import BadMaps, MadeMap, check_upload
from survey_site.stimuli.uploaded_rows import EXPLAINED, ORIGIN, hang, store_originals
from survey_site.studies.models import Condition, Study

SHOWN = 5


@dataclass(frozen=True, slots=True)
class ImportedMaps:
    """What an upload came to."""

    maps: int
    conditions: int
    left_out: tuple[str, ...] = ()  # images of a folder of `explain` that the study does not have

    @property
    def notice(self) -> str:
        """What a person is told of the images left out; empty where there are none."""
        more = f" and {len(self.left_out) - SHOWN} more" if len(self.left_out) > SHOWN else ""
        told = f"not in the study, hence left out: {', '.join(self.left_out[:SHOWN])}{more}"
        return told if self.left_out else ""


def import_maps(
    study: Study,
    name: str,
    data: Source,
    by: AbstractBaseUser | None,
    *,
    add_conditions: bool = True,
    within_s: float = math.inf,
) -> ImportedMaps:
    """Takes a zip, or a folder that `explain` wrote, into a draft, whole, or raises BadMaps with every problem.

    add_conditions: give each new classifier × method a condition in a Table-1 column of the method's label.
    within_s: how long reading may take, for callers that somebody else waits for.
    """
    if not study.is_editable:
        raise BadMaps([f"the study is {study.get_state_display().lower()}; make a new version to add maps"])
    most = settings.MAX_UPLOAD_MB * 1024 * 1024
    origin = {"origin": ORIGIN, "upload": name, "uploader": str(by.get_username()) if by else "command line"}
    keys = list(study.stimuli.values_list("key", flat=True))
    try:
        with opened(data, max_total=settings.ARCHIVE_TIMES * most, max_file=most) as archive:
            if manifests := manifests_of(archive):
                return _import_explained(study, archive, manifests, origin, _alarm(within_s), add_conditions)
            made = check_upload(archive, keys, expected_sides(study), _alarm(within_s))
            with transaction.atomic():
                stimuli = {s.key: s for s in study.stimuli.all()}
                for each in made:
                    _store(stimuli[each.line.stimulus], each, archive, origin)
                sides = {each.line.classifier: each.side for each in made}
                store_originals(
                    stimuli,
                    {name: side for name, side in sides.items() if name not in catalog.CLASSIFIERS},
                    origin,
                )  # for a classifier of the catalogue the worker makes them
                conditions = _add_conditions(study, map(_condition_of_upload, made)) if add_conditions else 0
    except BadArchive as error:
        raise BadMaps([str(error)]) from error
    return ImportedMaps(len(made), conditions)


def _import_explained(
    study: Study,
    archive: Archive,
    manifests: Mapping[str, Mapping[str, Any]],
    origin: dict[str, Any],
    clock: Callable[[], None],
    add_conditions: bool,
) -> ImportedMaps:
    """Maps as `explain` wrote them, each with the provenance that it has, beside an original where there is none."""
    stimuli = list(study.stimuli.all())
    by_hash = {digest: s.key for s in stimuli for digest in (s.sha256, s.upload_sha256) if digest}
    found = check_folder(archive, manifests, by_hash, expected_sides(study), study.colour_map, clock)
    by_key = {s.key: s for s in stimuli}
    with transaction.atomic():
        for each in found.maps:
            _store_explained(by_key[each.stimulus], each, archive, origin | {"origin": EXPLAINED})
        of_pictures = {each.classifier for each in found.maps if each.key == "original"}
        sides = {each.classifier: each.side for each in found.maps if each.classifier not in of_pictures}
        store_originals(by_key, sides, origin)
        conditions = 0
        if add_conditions:
            conditions = _add_conditions(study, map(_condition_of_explained, found.maps))
    return ImportedMaps(len(found.maps), conditions, found.left_out)


def _store_explained(
    stimulus: Stimulus, made: ExplainedMap, archive: Archive, origin: dict[str, Any]
) -> None:
    array = read_npy(archive.read(made.array))
    row = put_map(
        stimulus,
        made.classifier,
        made.key,
        layer=str(made.provenance.get("layer") or ""),
        class_index=made.class_index,
        parameters_hash=str(made.provenance["parameters_hash"]),
        class_name=made.class_name,
        array_sha256=array.sha256,
        array_path=storage.put("maps", array.npy(), ".npy")[0],
        metrics=made.metrics,
        provenance=dict(made.provenance) | origin,
    )
    hang(row, {stimulus.study.colour_map: clean_png(archive.read(made.picture))[1]})


def _alarm(within_s: float) -> Callable[[], None]:
    until = time.monotonic() + within_s

    def check() -> None:
        if time.monotonic() > until:
            raise BadMaps([f"reading takes longer than {within_s:.0f} seconds; upload fewer maps at once"])

    return check


def expected_sides(study: Study) -> dict[str, int]:
    """Side of the maps of each classifier: its input in the catalogue, else that of the maps already there."""
    sides = {
        classifier: provenance["side"]
        for classifier, provenance in SaliencyMap.objects.filter(
            stimulus__study=study, current=True, method="original", provenance__origin=ORIGIN
        ).values_list("classifier", "provenance")
    }
    return sides | {name: spec.input_size for name, spec in catalog.CLASSIFIERS.items()}


def labels_of(study: Study) -> dict[tuple[str, str], str]:
    """(classifier, method key) → label of the study's current uploaded maps.

    Where they come from is looked up only of methods that no worker computes: their provenance is long.
    """
    maps = SaliencyMap.objects.filter(stimulus__study=study, current=True).order_by()
    methods = list(maps.exclude(method__in=catalog.ALL_KEYS).values_list("method", flat=True).distinct())
    rows = maps.filter(method__in=methods, provenance__origin=ORIGIN)
    labels = rows.values_list("classifier", "method", KT("provenance__label")).distinct()
    return {(classifier, method): label or method for classifier, method, label in labels}


def uploads_of(study: Study) -> list[tuple[str, str, str, int, str]]:
    """Label, method key, classifier, number and origin of the study's current maps that were not computed here."""
    rows = SaliencyMap.objects.filter(
        stimulus__study=study, current=True, provenance__origin__in=(ORIGIN, EXPLAINED)
    ).exclude(method="original")
    found: dict[tuple[str, str, str, str], int] = {}
    for row in rows.only("classifier", "method", "provenance", "rank"):
        line = (method_label(row), row.method, row.classifier, origin_of(row.provenance))
        found[line] = found.get(line, 0) + 1
    return sorted((label, key, name, n, origin) for (label, key, name, origin), n in found.items())


def _store(stimulus: Stimulus, made: MadeMap, archive: Archive, origin: dict[str, Any]) -> None:
    line, content = made.line, read_map(made.line.file, archive.read(made.line.file))
    facts = origin | {
        "file": line.file,
        "file_sha256": made.sha256,
        "label": line.method,
        "classifier_label": line.classifier,
        "kind": "numbers" if isinstance(content, Scalar) else "picture",
        "side": content.side,
        "image_sha256": stimulus.sha256,
    }
    told = {
        "explained": line.explained,
        "predicted": line.predicted,
        "confidence": line.confidence,
        "made_by": dict(line.provenance),
    }
    facts |= {name: value for name, value in told.items() if value not in ("", None, {})}
    array_path, array_sha256 = "", ""
    if isinstance(content, Scalar):
        array_path, array_sha256 = storage.put("maps", content.npy(), ".npy")[0], content.sha256
        pictures = {colours: content.picture(colours) for colours in catalog.COLOUR_MAPS}
    else:
        pictures = dict.fromkeys(catalog.COLOUR_MAPS, content.png)
    identity = ("file_sha256", "image_sha256", "classifier_label", "side")
    row = put_map(
        stimulus,
        line.classifier,
        line.key,
        parameters_hash=canonical.sha256({name: facts[name] for name in identity}),
        class_name=line.explained,
        array_sha256=array_sha256,
        array_path=array_path,
        metrics=None,
        provenance=facts,
    )
    hang(row, pictures)


Wanted = tuple[str, str, str, str, str]  # classifier, full key, base, method, column


def _condition_of_upload(made: MadeMap) -> Wanted:
    """In a column named by the method's label."""
    return made.line.classifier, made.line.key, "", made.line.key, made.line.method


def _condition_of_explained(made: ExplainedMap) -> Wanted:
    """In the column that the page of conditions gives the method."""
    return (
        made.classifier,
        made.key,
        *condition_matrix.split(made.key),
        condition_matrix.default_column(made.key),
    )


def _add_conditions(study: Study, made: Iterable[Wanted]) -> int:
    """A condition for each classifier × method that has none."""
    present = list(study.conditions.all())
    known = {(c.classifier, c.key) for c in present}
    new = [wanted for wanted in dict.fromkeys(made) if wanted[:2] not in known]
    orders = {c.column: c.column_order for c in present}
    references = {c.column for c in present if c.is_reference} or {REFERENCE}
    following = (study.conditions.aggregate(last=Max("column_order"))["last"] or 0) + bool(known)
    for classifier, _key, base, method, column in new:
        order = orders.setdefault(column, following)
        following = max(following, order + 1)
        Condition.objects.create(
            study=study,
            column=column,
            column_order=order,
            classifier=classifier,
            base=base,
            method=method,
            is_reference=column in references,
        )
    return len(new)
