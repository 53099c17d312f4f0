"""The trial of a model that a researcher brought: in a process of its own, without credentials and with bounds."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saliency_worker.saliency.errors import SaliencyError

PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "VIRTUAL_ENV")
CODE = "SALIENCY_MODEL_CODE"  # the operator's modules with classes of their own, for models of the operator's folder
SECONDS = 300
MEMORY = 24 * 2**30  # of addresses, of which TensorFlow reserves far more than it fills
FOUND = "found.json"
_PR_GET_DUMPABLE, _PR_SET_DUMPABLE = 3, 4


class ModelRefused(SaliencyError):
    """The model cannot be used. One line that says why and what to do."""


@dataclass(frozen=True)
class ModelFile:
    """A model as the engine loads it. path: named like the model, so that maps tell its name. trusted: an operator's."""

    path: Path
    layer: str
    preprocessing: str
    fit: str
    trusted: bool

    @property
    def engine_name(self) -> str:
        """`path@layer:preprocessing`, what is left open left out."""
        options = ([] if self.preprocessing == "raw" else [self.preprocessing]) + (
            ["fit=squash"] if self.fit == "squash" else []
        )
        rest = ":".join([self.layer, *options])
        return f"{self.path}@{rest}" if rest else str(self.path)


@dataclass(frozen=True)
class Trial:
    """What a trial found, and the pictures of its previews in the order of the images."""

    found: Mapping[str, Any]
    pictures: tuple[bytes, ...]


def try_model(
    file: ModelFile, images: Sequence[bytes], class_names: Sequence[str], colour_map: str, most_bytes: int
) -> Trial:
    """Loads the model in a process without credentials and lets it explain the images. Raises ModelRefused."""
    with tempfile.TemporaryDirectory(prefix="try-model-") as folder:
        out = Path(folder)
        for number, data in enumerate(images):
            (out / f"image-{number}").write_bytes(data)
        request = {
            "name": file.engine_name,
            "path": str(file.path),
            "fit": file.fit,
            "images": [str(out / f"image-{number}") for number in range(len(images))],
            "class_names": list(class_names),
            "colour_map": colour_map,
            "most_bytes": most_bytes,
            "memory": MEMORY,
            "out": folder,
        }
        ended = _run(json.dumps(request), environment(os.environ, folder, trusted=file.trusted), folder)
        if not (out / FOUND).is_file():
            raise ModelRefused(f"Its trial {ended}; take a smaller model, or save it anew.")
        found = json.loads((out / FOUND).read_text("utf-8"))
        if found.get("problem"):
            raise ModelRefused(str(found["problem"]))
        return Trial(found, tuple((out / f"{number}.png").read_bytes() for number in range(len(images))))


def environment(own: Mapping[str, str], folder: str, *, trusted: bool) -> dict[str, str]:
    """What the process of a trial is told of the worker's environment: no address, password, key or path of data."""
    kept = {name: own[name] for name in PASSED_ON if name in own}
    if trusted and own.get(CODE):
        kept |= {CODE: own[CODE], "PYTHONPATH": own.get("PYTHONPATH", "")}
    root = str(Path(__file__).resolve().parent.parent)
    paths = os.pathsep.join(path for path in (root, kept.get("PYTHONPATH", "")) if path)
    return kept | {
        "HOME": folder,
        "TMPDIR": folder,
        "KERAS_HOME": folder,
        "PYTHONPATH": paths,
        "CUDA_VISIBLE_DEVICES": "-1",  # the device belongs to the worker
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def _run(request: str, told: dict[str, str], folder: str) -> str:
    """How the process ended, in words."""
    command = [sys.executable, "-m", "saliency_worker.try_model"]
    with (
        _unreadable(),
        subprocess.Popen(  # noqa: S603 (our own module)
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=told,
            start_new_session=True,
            close_fds=True,
        ) as child,
    ):
        try:
            child.communicate(request.encode(), timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return f"took longer than {SECONDS} seconds"
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)  # with whatever it started
    return f"ended with status {child.returncode}"


@contextmanager
def _unreadable() -> Iterator[None]:
    """Meanwhile no process of the same user reads this one's environment and memory out of /proc (Linux)."""
    try:
        prctl = ctypes.CDLL(None).prctl
        before = prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0)
    except (OSError, AttributeError):
        yield
        return
    prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    try:
        yield
    finally:
        prctl(_PR_SET_DUMPABLE, before, 0, 0, 0)
