"""Maps of any library as the zip that a study takes: arrays or tensors in, one file out. NumPy alone.

The zip is what the desk's page “Maps made elsewhere” and `manage.py import_maps` read: `.npy` files and a
`manifest.json` that says of each its image, method, classifier, classes and provenance.
"""

import io
import json
import os
import re
import tempfile
import warnings
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

SCALES = ("none", "min-max", "positive")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same maps give the same bytes


class BadMaps(ValueError):
    """The maps cannot be written; one line that says which, and what to do."""


def write_maps(
    path: str | Path,
    maps: Any,
    stimuli: Sequence[str],
    *,
    method: str,
    classifier: str,
    explained: Sequence[Any] | None = None,
    predictions: Any = None,
    class_names: Sequence[str] | None = None,
    provenance: Mapping[str, Any] | None = None,
    scale: str = "none",
    overwrite: bool = False,
) -> Path:
    """Write the maps of one method and one classifier; returns the path of the zip. Several: see MapArchive.

    maps: (N, H, H) or (N, 1, H, H), arrays or tensors, or a list of N single maps; of the images' centre squares, numbers
    in 0..1 after `scale`. stimuli: N names of the study's images. method, classifier: as the study shall call them.
    explained: N classes that the maps explain; predictions: N predicted classes, or probabilities (N, classes); both as
    names, or as indices into `class_names`. provenance: what made the maps, JSON-able. scale: `none`, `min-max` (each map
    to 0..1) or `positive` (what is below 0 becomes 0, then divided by the largest). Raises BadMaps.
    """
    single = list(maps)
    if not single or len(single) != len(stimuli):
        raise BadMaps(
            f"there are {len(single)} maps and {len(stimuli)} names of images; give one name for each map"
        )
    names, shares = _predicted(predictions, len(single), class_names)
    classes = [None] * len(single) if explained is None else list(explained)
    if len(classes) != len(single):
        raise BadMaps(
            f"there are {len(single)} maps and {len(classes)} explained classes; give one for each map"
        )
    with MapArchive(path, classifier=classifier, provenance=provenance, overwrite=overwrite) as archive:
        for values, stimulus, wanted, name, share in zip(
            single, stimuli, classes, names, shares, strict=True
        ):
            archive.add(
                values,
                stimulus,
                method=method,
                explained=_class_name(wanted, class_names),
                predicted=name,
                confidence=share,
                scale=scale,
            )
    return Path(path)


class MapArchive:
    """A zip that grows map by map; use it as a context manager. It is there when all went well, else not at all."""

    def __init__(
        self,
        path: str | Path,
        *,
        classifier: str,
        provenance: Mapping[str, Any] | None = None,
        overwrite: bool = False,
    ) -> None:
        """provenance: of all maps, each may add its own. Raises BadMaps where the file exists, unless `overwrite`."""
        self.path = Path(path)
        if self.path.suffix.lower() != ".zip":
            raise BadMaps(f"{self.path}: name a file that ends in .zip")
        if self.path.exists() and not overwrite:
            raise BadMaps(f"{self.path} exists already; name another file, or give overwrite=True")
        self._classifier = _text("classifier", classifier)
        self._provenance = _plain(dict(provenance or {}))
        self._entries: list[dict[str, Any]] = []
        self._zip: zipfile.ZipFile | None = None
        self._partial = Path()

    def __enter__(self) -> "MapArchive":
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=".", suffix=".partial")
        os.close(handle)
        self._partial = Path(name)
        self._zip = zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        assert self._zip is not None
        try:
            if kind is None:
                if not self._entries:
                    raise BadMaps("no map was added")
                text = json.dumps(self._entries, indent=1, ensure_ascii=False, allow_nan=False)
                self._write("manifest.json", text.encode())
            self._zip.close()
            if kind is None:
                self._partial.chmod(0o644)
                self._partial.replace(self.path)
        finally:
            self._zip.close()
            self._zip = None
            self._partial.unlink(missing_ok=True)

    def add(
        self,
        values: Any,
        stimulus: str,
        *,
        method: str,
        explained: str | None = None,
        predicted: str | None = None,
        confidence: float | None = None,
        provenance: Mapping[str, Any] | None = None,
        scale: str = "none",
    ) -> None:
        """Add one map: (H, H) or (1, H, H), array or tensor. The other arguments as of write_maps, for this map alone."""
        if self._zip is None:
            raise BadMaps("maps are added inside `with MapArchive(…) as archive`")
        name, label = _text("stimulus", stimulus), _text("method", method)
        array = _scaled(_array(values, name), scale, name)
        file = f"{_plain_name(label)}/{_plain_name(name)}.npy"
        if any(entry["file"] == file for entry in self._entries):
            raise BadMaps(f"{name}: it has a map of {label} already; name each image once for a method")
        made = self._provenance | _plain(dict(provenance or {}))
        if scale != "none":
            made["scale"] = scale
        entry = {
            "file": file,
            "stimulus": name,
            "method": label,
            "classifier": self._classifier,
            "explained": explained,
            "predicted": predicted,
            "confidence": None if confidence is None else float(confidence),
            "provenance": made,
        }
        self._entries.append({key: value for key, value in entry.items() if value not in (None, {})})
        self._write(file, _npy(array))

    def _write(self, name: str, data: bytes) -> None:
        assert self._zip is not None
        info = zipfile.ZipInfo(name, _EPOCH)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        self._zip.writestr(info, data)


def _array(values: Any, name: str) -> npt.NDArray[np.float32]:
    """A map as float32 (H, H), from whatever NumPy, PyTorch, TensorFlow or JAX call an array."""
    for step in ("detach", "cpu"):  # a tensor that tracks gradients, or lies on a device, is no array yet
        values = getattr(values, step)() if hasattr(values, step) else values
    if str(getattr(values, "dtype", "")) == "torch.bfloat16":
        values = values.float()
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise BadMaps(f"{name}: its values are of the type {array.dtype}; give numbers")
    array = array.astype(np.float32)
    shape = array.shape
    if array.ndim == 3 and 1 in (shape[0], shape[2]):
        array = array.reshape(
            [side for place, side in enumerate(shape) if place != (0 if shape[0] == 1 else 2)]
        )
    if array.ndim != 2:
        raise BadMaps(
            f"{name}: a map has the shape (H, H), not {shape}; sum or choose among its channels first"
        )
    if array.shape[0] != array.shape[1]:
        raise BadMaps(
            f"{name}: {shape[0]} × {shape[1]} values; maps are square, of the image's centre square"
        )
    if not np.isfinite(array).all():
        raise BadMaps(f"{name}: it holds values that are not finite; mend the map")
    return array


def _scaled(array: npt.NDArray[np.float32], scale: str, name: str) -> npt.NDArray[np.float32]:
    if scale not in SCALES:
        raise BadMaps(f"scale is {scale!r}; choose one of {', '.join(SCALES)}")
    if scale == "min-max":
        array = array - array.min()
    if scale == "positive":
        array = np.maximum(array, 0)
    if scale != "none" and array.max() > 0:
        array = array / array.max()
    low, high = float(array.min()), float(array.max())
    if low < 0 or high > 1:
        raise BadMaps(
            f"{name}: its values reach from {low:.4g} to {high:.4g}; a map has 0..1: give scale='min-max', or "
            "scale='positive' where what is below 0 speaks against the class"
        )
    if high == low:
        warnings.warn(f"{name}: the map is flat, it points nowhere", stacklevel=4)
    return array


def _npy(array: npt.NDArray[np.float32]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.ascontiguousarray(array, "<f4"), allow_pickle=False)
    return stream.getvalue()


def _predicted(
    predictions: Any, count: int, class_names: Sequence[str] | None
) -> tuple[list[str | None], list[float | None]]:
    """Name and probability of each predicted class, None where they are not known."""
    if predictions is None:
        return [None] * count, [None] * count
    for step in ("detach", "cpu"):
        predictions = getattr(predictions, step)() if hasattr(predictions, step) else predictions
    table = np.asarray(predictions)
    if len(table) != count or table.ndim > 2:
        raise BadMaps(
            f"there are {count} maps and predictions of the shape {table.shape}; give one row for each map"
        )
    if table.ndim == 1:
        return [_class_name(each, class_names) for each in table.tolist()], [None] * count
    shares = table.astype(np.float64)
    if not np.isfinite(shares).all() or shares.min() < 0 or shares.max() > 1:
        raise BadMaps(
            "the predictions are no probabilities in 0..1; give the softmax or sigmoid of the scores"
        )
    best = shares.argmax(axis=1)
    return [_class_name(int(index), class_names) for index in best], shares.max(axis=1).tolist()


def _class_name(wanted: Any, class_names: Sequence[str] | None) -> str | None:
    """A class as the desk shows it: its name, or "class 7" where names are not given."""
    if wanted is None or isinstance(wanted, str):
        return wanted
    try:
        index = int(wanted)
    except (TypeError, ValueError) as error:
        raise BadMaps(f"{wanted!r} is no class; give names, or indices of class_names") from error
    if class_names is None:
        return f"class {index}"
    if not 0 <= index < len(class_names):
        raise BadMaps(f"class {index} has no name: there are {len(class_names)} class_names")
    return str(class_names[index])


def _text(what: str, value: str) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise BadMaps(f"{what} is {value!r}; give a name")
    return value.strip()


def _plain_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "map"


def _plain(value: Any) -> Any:
    """The provenance as JSON has it; NumPy's numbers become Python's."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, str) or value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, np.ndarray | np.generic) or hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float):
        if not np.isfinite(value):
            raise BadMaps(f"the provenance holds {value}; leave it out")
        return value
    if isinstance(value, Iterable):
        return [_plain(item) for item in value]
    return str(value)
