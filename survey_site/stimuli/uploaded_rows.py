"""Rows and pictures of maps that were not computed here, and the originals beside which they are shown."""

import io
from collections.abc import Iterable, Mapping
from typing import Any

from PIL import Image

from saliency_worker import catalog
from survey_site.design import canonical
from survey_site.stimuli import storage
from survey_site.stimuli.arrays import png_of
from survey_site.stimuli.map_rows import put_map
from survey_site.stimuli.models import MapPicture, SaliencyMap, Stimulus

ORIGIN = "uploaded"
EXPLAINED = "explained elsewhere"  # by this program's own engine, with its provenance


def hang(row: SaliencyMap, pictures: dict[str, bytes]) -> None:
    """One picture per colour map, so that the study may still change its own."""
    for colour_map, png in pictures.items():
        path, digest = storage.put("maps", png, ".png")
        MapPicture.objects.update_or_create(
            saliency_map=row, colour_map=colour_map, defaults={"sha256": digest, "path": path}
        )


def store_originals(stimuli: dict[str, Stimulus], sides: Mapping[str, int], origin: dict[str, Any]) -> None:
    """Gives each of these classifiers that nothing is computed for an original of every image, at its maps' size."""
    for classifier, side in sides.items():
        if _is_computed(stimuli.values(), classifier):
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
            row = put_map(
                stimulus, classifier, "original", parameters_hash=digest, provenance=facts, metrics=None
            )
            hang(row, dict.fromkeys(catalog.COLOUR_MAPS, png))


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
