"""Studies whose maps are painted so that it is known which observer finds their sources."""

import io
from typing import Any

import cv2
import numpy as np
from PIL import Image

from saliency_worker import observer_store
from saliency_worker.observers import views
from saliency_worker.saliency.render import colour_map, to_bytes
from survey_site.protocols import observed
from survey_site.stimuli import leased_rows, storage
from survey_site.stimuli.models import SaliencyMap, Stimulus
from survey_site.stimuli.observed import ObservedMap, ObserverJob
from survey_site.studies.models import Study
from tests import factories

SIDE = 64
EDGES, BARE = "gradcam.add-edges", "gradcam"
WORKER = "test"


def photo(seed: int) -> np.ndarray:
    """Coloured blocks, other ones for each seed."""
    blocks = np.random.default_rng(seed).integers(0, 255, (5, 5, 3), dtype=np.uint8)
    return cv2.resize(blocks, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)


def heat(seed: int) -> np.ndarray:
    """A warm spot, (SIDE, SIDE) in 0..1, at a place of its own."""
    y, x = np.mgrid[:SIDE, :SIDE]
    at = np.random.default_rng(seed + 500).uniform(10, SIDE - 10, 2)
    return np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / 150).astype(np.float32)


def png(picture: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, format="PNG")
    return out.getvalue()


def painter(seed: int, method: str) -> bytes:
    """The original; a bare map that is a smooth spot; and one into which the photo's edges are drawn."""
    if method == "original":
        return png(photo(seed))
    # The spot is another image's, so that nothing but the edges leads to the source.
    spot = colour_map(heat(seed + 7), "jet")
    if method == BARE:
        return png(to_bytes(spot))
    edges = views.sobel(views.luma(photo(seed), SIDE))
    return png(to_bytes(np.clip(spot * 0.6 + 0.4 * (edges / edges.max())[..., None], 0, 1)))


def study(slug: str = "painted", **settings: Any) -> Study:
    """Eight main images in pools of four, with a bare column and one with drawn edges."""
    values = {"images": 8, "reserve": 4, "pool_size": 4, "rating_trials_per_column": 0} | settings
    return factories.draft(slug, painter=painter, methods=(BARE, EDGES), **values)


def other_network(of: Study, classifier: str = "ResNet50", *, arrays: bool = True) -> None:
    """Bare maps of every main image by another classifier, warm where the image's own maps are.

    arrays: False, as of maps that were made elsewhere.
    """
    for stimulus in of.stimuli.filter(role=Stimulus.Role.MAIN):
        out = io.BytesIO()
        np.save(out, heat(int(stimulus.key.rsplit("-", 1)[1]) + 7))
        path, digest = storage.put("maps", out.getvalue(), ".npy") if arrays else ("", "")
        SaliencyMap.objects.create(
            stimulus=stimulus,
            classifier=classifier,
            method=BARE,
            parameters_hash="other",
            array_path=path,
            array_sha256=digest,
            provenance={},
        )


def observe(of: Study, *, trained: bool = False) -> ObserverJob:
    """Asks for the observers and works the job off, as a worker does."""
    job = observed.request(of, trained=trained)
    for claimed in leased_rows.claim(ObserverJob, [job.pk], WORKER):
        observer_store.observe(claimed, WORKER)
    job.refresh_from_db()
    return job


def choices(of: Study, method: str, observer: str) -> dict[str, str]:
    """By source image what an observer chose for its map of this method."""
    rows = ObservedMap.objects.filter(saliency_map__stimulus__study=of, saliency_map__method=method)
    return {
        row.saliency_map.stimulus.key: row.found[observer]["choice"]
        for row in rows.select_related("saliency_map__stimulus")
        if observer in row.found
    }


def share_right(of: Study, method: str, observer: str) -> float:
    found = choices(of, method, observer)
    return sum(source == choice for source, choice in found.items()) / len(found)
