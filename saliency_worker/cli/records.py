"""One explained image as files and as a record of the manifest."""

import hashlib
import io
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from saliency_worker import overlay
from saliency_worker.catalog import BASES, split_key

if TYPE_CHECKING:
    from saliency_worker.saliency.explain import Explanation


def files_of(explanation: "Explanation") -> dict[str, bytes]:
    """File name → content: `<key>.npy` (float32 H×W, 0..1), `<key>.png`, `<base>.raw.npy` where there is a raw CAM."""
    files: dict[str, bytes] = {}
    for key, result in explanation.maps.items():
        files[f"{key}.npy"] = _npy(result.scalar)
        files[f"{key}.png"] = result.png
        if result.raw is not None:
            files[f"{split_key(key)[0]}.raw.npy"] = _npy(result.raw)
    return files


def raw_names(keys: Iterable[str]) -> list[str]:
    """The `--raw` files that belong to these method keys: one per base among them."""
    bases = {split_key(key)[0] for key in keys}
    return [f"{base}.raw.npy" for base in BASES if base in bases]


def overlay_names(keys: Iterable[str]) -> list[str]:
    """The `--overlay` files that belong to these method keys; the original lies over nothing."""
    return [f"{key}.overlay.png" for key in keys if key != "original"]


def overlays_of(explanation: "Explanation", rgb: np.ndarray) -> dict[str, bytes]:
    """File name → PNG of each map over its image `rgb`, uint8 (H, W, 3) of the image's own size."""
    picture = Image.fromarray(rgb)
    return {
        f"{key}.overlay.png": overlay.png(
            overlay.lay_over(
                picture, Image.fromarray(result.display), whole=result.provenance.get("fit") == "squash"
            )
        )
        for key, result in explanation.maps.items()
        if key != "original"
    }


def record_of(
    explanation: "Explanation", source: Path, files: Mapping[str, bytes], target: int | None = None
) -> dict[str, Any]:
    """What the manifest says of an image: prediction, metrics and provenance per map, SHA-256 of every file.

    target: the class that `--targets` gave. `explained` is the class that the maps explain, with its own score.
    """
    predicted = explanation.metrics_original
    return {
        "source": source.as_posix(),
        "image_sha256": explanation.image_sha256,
        **({} if target is None else {"target_class": target}),
        "prediction": {
            name: jsonable(predicted[name]) for name in ("class_index", "class_name", "confidence")
        },
        "explained": {
            "class_index": int(explanation.class_index),
            "class_name": explanation.class_name,
            "confidence": float(explanation.confidence),
        },
        "metrics_original": jsonable(explanation.metrics_original),
        "maps": {
            key: {
                "npy": f"{key}.npy",
                "png": f"{key}.png",
                "array_sha256": result.array_sha256,
                "png_sha256": result.png_sha256,
                "metrics": jsonable(result.metrics),
                "provenance": jsonable(result.provenance),
            }
            for key, result in explanation.maps.items()
        },
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }


def damaged(folder: Path, record: Mapping[str, Any]) -> list[str]:
    """One line for each file of a record that is missing or not the one written."""
    lines = []
    for name, expected in record["files"].items():
        try:
            found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        except FileNotFoundError:
            lines.append(f"{folder / name}: missing")
            continue
        except OSError as error:
            lines.append(f"{folder / name}: cannot be read ({error.strerror})")
            continue
        if found != expected:
            lines.append(f"{folder / name}: changed since it was written")
    return lines


def jsonable(value: Any) -> Any:
    """Plain JSON of nested NumPy values; what is not a finite number becomes null."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    if isinstance(value, np.ndarray):
        return jsonable(value.tolist())
    if isinstance(value, np.generic):
        return jsonable(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.ascontiguousarray(array, dtype=np.float32), allow_pickle=False)
    return stream.getvalue()
