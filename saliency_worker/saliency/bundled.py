"""The weights that ship with the code: found, and refused unless every byte is right."""

import hashlib
import json
from pathlib import Path

from saliency_worker import fixture_files
from saliency_worker.saliency.errors import WeightsError

FOLDER = fixture_files.FOLDER / "weights"
MANIFEST = "weights.json"


def bundled(name: str, folder: Path = FOLDER) -> Path:
    """Path of a bundled file (``demo_cnn.weights.h5``), its presence, size and SHA-256 checked.

    Raises WeightsError, permanent, with the command that restores the file.
    """
    entry = manifest(folder).get(name)
    if entry is None:
        raise WeightsError(f'There is no bundled file "{name}": {MANIFEST} does not list it.')
    path = folder / name
    restore = f"restore it with: {_remedy(name)}"
    if not path.is_file():
        raise WeightsError(f"The bundled file {path} is missing; {restore}")
    size = path.stat().st_size
    if size != entry["bytes"]:
        raise WeightsError(f"The bundled file {path} has {size} bytes instead of {entry['bytes']}; {restore}")
    if sha256(path) != entry["sha256"]:
        raise WeightsError(
            f"The bundled file {path} was altered (its SHA-256 is not the listed one); {restore}"
        )
    return path


def manifest(folder: Path = FOLDER) -> dict[str, dict[str, str | int]]:
    """File name → ``{"sha256", "bytes", "what"}``. Raises WeightsError where the list itself is unusable."""
    path = folder / MANIFEST
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return {name: {**entry, "bytes": int(entry["bytes"])} for name, entry in entries.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise WeightsError(
            f"The list of bundled files {path} is missing or unreadable; restore it with: {_remedy(MANIFEST)}"
        ) from error


def _remedy(name: str) -> str:
    """The command that brings a file back."""
    if fixture_files.IN_CHECKOUT:
        return f"git checkout -- fixtures/weights/{name}"
    return "pip install --force-reinstall --no-deps saliency-survey"


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
