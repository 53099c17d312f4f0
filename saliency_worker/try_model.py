"""`python -m saliency_worker.try_model`: builds a model that nobody has looked at yet, and says what it is.

Run by the worker in a process of its own, which has no credentials and bounded memory and time, and ends with the trial. It
reads a request from standard input and writes `found.json` and pictures into the folder that the request names.
"""

import json
import os
import resource
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import h5py

from saliency_worker import overlay

FOUND = "found.json"
METHOD = "gradcam"
MOST_SECONDS = 600  # of all cores together
MOST_FILE = 256 * 2**20
WEIGHTS = "model.weights.h5"


class Unfit(Exception):
    """The model is not taken. One line that says why and what to do."""


def main() -> int:
    """Answers one request; what is wrong is an answer too."""
    request = json.load(sys.stdin)
    limit(request["memory"])
    out = Path(request["out"])
    try:
        answer = tried(request, out)
    except Exception as error:  # whatever a foreign model makes the engine or Keras raise
        answer = {"problem": _line(error)}
    (out / FOUND).write_text(json.dumps(answer, allow_nan=False), "utf-8")
    return 0


def limit(memory: int) -> None:
    """Bounds memory, time and files of this process; what it starts inherits them."""
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, MOST_SECONDS),
        (resource.RLIMIT_FSIZE, MOST_FILE),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def tried(request: dict[str, Any], out: Path) -> dict[str, Any]:
    """Loads the model, explains the images by Grad-CAM, and writes a picture of each. Raises Unfit, SaliencyError."""
    path = Path(request["path"])
    if path.is_file() and path.suffix == ".keras":
        refuse_foreign_data(path, request["most_bytes"])
    # Late: before the limits hold and the data are looked at, nothing of the model may be built.
    import numpy as np
    from PIL import Image

    from saliency_worker.saliency import images as decoding
    from saliency_worker.saliency.explain import Explainer
    from saliency_worker.saliency.provenance import bytes_sha256
    from saliency_worker.saliency.settings import Settings

    settings = Settings((METHOD,), metrics=False, colour_map=request["colour_map"])
    explainer = Explainer.load(request["name"], settings, class_names=request["class_names"] or None)
    contents = [Path(file).read_bytes() for file in request["images"]]
    pictures = [decoding.decode(data) for data in contents]
    previews = []
    explained = explainer.explain(zip(map(bytes_sha256, contents), pictures, strict=True))
    for number, (rgb, found) in enumerate(zip(pictures, explained, strict=True)):
        shown = found.maps[METHOD].display
        laid = overlay.lay_over(
            Image.fromarray(rgb), Image.fromarray(shown), whole=request["fit"] == "squash"
        )
        laid.thumbnail((found.original.shape[1], found.original.shape[0]))
        sheet = Image.new("RGB", (3 * found.original.shape[1] + 16, found.original.shape[0]), "white")
        for place, part in enumerate((Image.fromarray(found.original), Image.fromarray(shown), laid)):
            sheet.paste(part, (place * (found.original.shape[1] + 8), 0))
        (out / f"{number}.png").write_bytes(overlay.png(sheet))
        previews.append(
            {
                "class_name": found.class_name,
                "confidence": round(float(found.confidence), 4),
                "flat": bool(np.ptp(found.maps[METHOD].scalar) == 0),
            }
        )
    facts = explainer.run.shared()
    size = facts["input_size"]
    return {
        "layer": facts["layer"],
        "input": list(size) if isinstance(size, list) else [size, size],
        "classes": explainer.classes,
        "names": list(explainer.class_names)[:1000],
        "notices": [
            *explainer.notices,
            *([told] if pictures and (told := explainer.doubt(pictures)) else []),
        ],
        "weights_sha256": facts["weights_sha256"],
        "versions": facts["versions"],
        "previews": previews,
    }


def refuse_foreign_data(path: Path, most_bytes: int) -> None:
    """Refuses weights that lie elsewhere than in the file, or that unpack to more than `most_bytes`. Raises Unfit.

    An HDF5 file may name files of the machine as the place of its numbers, and say of a few bytes that they are terabytes.
    """
    with zipfile.ZipFile(path) as archive, archive.open(WEIGHTS) as member, h5py.File(member) as store:
        total = 0
        for name, node in _nodes(store):
            if isinstance(node, h5py.ExternalLink | h5py.SoftLink):
                raise Unfit(f"{name} of its weights is a link to elsewhere; save the model anew")
            if isinstance(node, h5py.Dataset):
                if node.external or node.is_virtual:
                    raise Unfit(f"{name} of its weights lies in another file; save the model anew")
                total += node.nbytes
        if total > most_bytes:
            raise Unfit(f"its weights unpack to {total / 1e6:.0f} MB, more than {most_bytes / 1e6:.0f}")


def _nodes(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every member of a file with its name; links are told, not followed."""
    for key in group:
        name, link = f"{before}/{key}", group.get(key, getlink=True)
        if not isinstance(link, h5py.HardLink):
            yield name, link
            continue
        node = group[key]
        yield name, node
        if isinstance(node, h5py.Group):
            yield from _nodes(node, name)


def _line(error: Exception) -> str:
    """The engine's own refusals as they are; of anything else its kind and first line."""
    from saliency_worker.saliency.errors import SaliencyError

    first = next(iter(str(error).strip().splitlines()), "")
    if isinstance(error, SaliencyError | Unfit | ValueError) and first:
        return first[:400]
    if isinstance(error, MemoryError) or "failed to map segment" in first:
        return "It needs more memory than a trial may have; take a smaller model."
    return f"It cannot be built ({type(error).__name__}: {first[:300]})."


if __name__ == "__main__":
    sys.exit(main())
