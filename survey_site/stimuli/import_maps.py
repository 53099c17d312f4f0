"""Stores maps made elsewhere: all of an upload or nothing, each with its provenance, beside an original."""

import io
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Max
from PIL import Image

from saliency_worker import catalog
from survey_site.design import canonical
from survey_site.stimuli import storage
from survey_site.stimuli.archives import Archive, BadArchive, Source, opened
from survey_site.stimuli.arrays import Scalar, png_of, read_map
from survey_site.stimuli.models import MapPicture, SaliencyMap, Stimulus
from survey_site.stimuli.uploaded_maps import BadMaps, MadeMap, check_upload, is_uploaded
from survey_site.studies.models import Condition, Study

ORIGIN = "uploaded"


@dataclass(frozen=True, slots=True)
class ImportedMaps:
    """What an upload came to."""

    maps: int
    conditions: int


def import_maps(
    study: Study,
    name: str,
    data: Source,
    by: AbstractBaseUser | None,
    *,
    add_conditions: bool = True,
    within_s: float = math.inf,
) -> ImportedMaps:
    """Takes a zip into a draft. Raises BadMaps with every problem, and then stores nothing.

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
            made = check_upload(archive, keys, expected_sides(study), _alarm(within_s))
            with transaction.atomic():
                stimuli = {s.key: s for s in study.stimuli.all()}
                for each in made:
                    _store(stimuli[each.line.stimulus], each, archive, origin)
                _store_originals(stimuli, made, origin)
                conditions = _add_conditions(study, made) if add_conditions else 0
    except BadArchive as error:
        raise BadMaps([str(error)]) from error
    return ImportedMaps(len(made), conditions)


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
    """(classifier, method key) → label of the study's current uploaded maps."""
    rows = SaliencyMap.objects.filter(stimulus__study=study, current=True, provenance__origin=ORIGIN)
    return {
        (classifier, method): str(provenance.get("label") or method)
        for classifier, method, provenance in rows.values_list("classifier", "method", "provenance")
        if is_uploaded(method)
    }


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
    array_path, array_sha256 = "", ""
    if isinstance(content, Scalar):
        array_path, array_sha256 = storage.put("maps", content.npy(), ".npy")[0], content.sha256
        pictures = {colours: content.picture(colours) for colours in catalog.COLOUR_MAPS}
    else:
        pictures = dict.fromkeys(catalog.COLOUR_MAPS, content.png)
    identity = ("file_sha256", "image_sha256", "classifier_label", "side")
    row = _row(
        stimulus, line.classifier, line.key, facts, canonical.sha256({name: facts[name] for name in identity})
    )
    SaliencyMap.objects.filter(pk=row.pk).update(array_sha256=array_sha256, array_path=array_path)
    _hang(row, pictures)


def _row(
    stimulus: Stimulus, classifier: str, method: str, provenance: dict[str, Any], parameters_hash: str
) -> SaliencyMap:
    """The row of this very file, now the current one for its image, classifier and method."""
    own: dict[str, Any] = {"stimulus": stimulus, "classifier": classifier, "method": method, "rank": 0}
    SaliencyMap.objects.filter(**own).update(current=False)
    row, _ = SaliencyMap.objects.update_or_create(
        **own,
        layer="",
        class_index=-1,
        parameters_hash=parameters_hash,
        defaults={"provenance": provenance, "metrics": None, "current": True},
    )
    return row


def _hang(row: SaliencyMap, pictures: dict[str, bytes]) -> None:
    """One picture per colour map, so that the study may still change its own."""
    for colour_map, png in pictures.items():
        path, digest = storage.put("maps", png, ".png")
        MapPicture.objects.update_or_create(
            saliency_map=row, colour_map=colour_map, defaults={"sha256": digest, "path": path}
        )


def _store_originals(stimuli: dict[str, Stimulus], made: Iterable[MadeMap], origin: dict[str, Any]) -> None:
    """Gives each classifier label that nothing is computed for an original of every image, at its maps' size."""
    sides = {each.line.classifier: each.side for each in made}
    for classifier, side in sides.items():
        if classifier in catalog.CLASSIFIERS or _is_computed(stimuli.values(), classifier):
            continue  # the worker makes its originals
        for stimulus in stimuli.values():
            computed = _computed_original(stimulus, side)
            source = (
                f"the original of {computed.saliency_map.classifier}"
                if computed
                else "Pillow, from the image"
            )
            png = storage.get(computed.path) if computed else png_of(crop(storage.get(stimulus.path), side))
            facts = origin | {"side": side, "original_from": source, "image_sha256": stimulus.sha256}
            digest = canonical.sha256({"picture": storage.sha256(png), "classifier": classifier})
            _hang(
                _row(stimulus, classifier, "original", facts, digest),
                dict.fromkeys(catalog.COLOUR_MAPS, png),
            )


def _is_computed(stimuli: Iterable[Stimulus], classifier: str) -> bool:
    own = SaliencyMap.objects.filter(stimulus__in=list(stimuli), classifier=classifier, method="original")
    return own.exclude(provenance__origin=ORIGIN).exists()


def _computed_original(stimulus: Stimulus, side: int) -> MapPicture | None:
    """The original that the worker made for a classifier of this input size, if there is one."""
    sized = [name for name, spec in catalog.CLASSIFIERS.items() if spec.input_size == side]
    pictures = MapPicture.objects.filter(
        saliency_map__stimulus=stimulus,
        saliency_map__classifier__in=sized,
        saliency_map__method="original",
        saliency_map__current=True,
    )
    return pictures.select_related("saliency_map").order_by("pk").first()


def crop(data: bytes, side: int) -> Image.Image:
    """The centre square of a stored image at this size: box filter when shrinking, bicubic when enlarging."""
    with Image.open(io.BytesIO(data)) as image:
        rgb = image.convert("RGB")
    square = min(rgb.size)
    left, top = (rgb.width - square) // 2, (rgb.height - square) // 2
    cut = rgb.crop((left, top, left + square, top + square))
    how = Image.Resampling.BOX if square > side else Image.Resampling.BICUBIC
    return cut if square == side else cut.resize((side, side), how)


def _add_conditions(study: Study, made: Iterable[MadeMap]) -> int:
    """A condition for each classifier × method that has none, in a column named by the method's label."""
    known = {(c.classifier, c.key) for c in study.conditions.all()}
    wanted = dict.fromkeys((each.line.classifier, each.line.key, each.line.method) for each in made)
    new = [found for found in wanted if found[:2] not in known]
    orders = dict(study.conditions.values_list("column", "column_order"))
    following = (study.conditions.aggregate(last=Max("column_order"))["last"] or 0) + bool(known)
    for classifier, key, label in new:
        order = orders.setdefault(label, following)
        following = max(following, order + 1)
        Condition.objects.create(
            study=study, column=label, column_order=order, classifier=classifier, base="", method=key
        )
    return len(new)
