"""Which class each image's maps explain: from a CSV, from the names of folders, or the network's own choice."""

import csv
import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from saliency_worker.class_names import BadClassNames, index_of
from saliency_worker.cli import inputs
from saliency_worker.cli.errors import CommandError
from saliency_worker.cli.inputs import Source
from saliency_worker.cli.regions import Regions

if TYPE_CHECKING:
    from saliency_worker.saliency.explain import Explainer

FOLDERS = "folders"
HEAD = ("file", "class")
SHOWN = 3


def read_targets(option: str | None, sources: Sequence[Source]) -> dict[str, str]:
    """Stem → class as it is written, of the images for which `option` names one.

    option: `folders`, or a CSV with the columns file and class; a file is named by its path, its name or its stem.
    Says on standard error how many images it does not name. Raises CommandError.
    """
    if option is None:
        return {}
    if option == FOLDERS:
        return {source.stem: source.path.absolute().parent.name for source in sources}
    rows = _rows(Path(option))
    found = {source.stem: rows[name] for source in sources for name in inputs.names(source) if name in rows}
    if not found:
        raise CommandError(
            f"--targets {option}: it names none of the images; its first column is their file name"
        )
    if left := [source.stem for source in sources if source.stem not in found]:
        more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
        sys.stderr.write(
            f"{option}: not named there, so that the predicted class is explained: {', '.join(left[:SHOWN])}{more}\n"
        )
    return found


def indices(targets: dict[str, str], explainer: "Explainer") -> dict[str, int]:
    """Stem → index of the class in the network's scores. Raises CommandError naming the image."""
    if not targets:
        return {}
    found = {}
    for stem, wanted in targets.items():
        try:
            found[stem] = index_of(explainer.class_names, explainer.classes, wanted)
        except BadClassNames as error:
            raise CommandError(f"--targets, {stem}: {error}") from error
    return found


def images(
    sources: Sequence[Source], targets: dict[str, int], regions: Regions | None = None
) -> Iterator[tuple[str, np.ndarray] | tuple[str, np.ndarray, int | None, np.ndarray | None]]:
    """The images as the engine takes them, each with the class to explain and the region of its object where given."""
    for source in sources:
        sha256, rgb = inputs.load(source)
        target = targets.get(source.stem)
        region = regions.of(source, rgb.shape[:2]) if regions else None
        yield (sha256, rgb) if target is None and region is None else (sha256, rgb, target, region)


def _rows(path: Path) -> dict[str, str]:
    try:
        text = path.read_text("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text)) if any(cell.strip() for cell in row)]
    except OSError as error:
        raise CommandError(
            f"--targets {path}: cannot be read ({error.strerror or error}); give a CSV, or write {FOLDERS}"
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"--targets {path}: no CSV in UTF-8 ({error})") from error
    if rows and tuple(cell.strip().lower() for cell in rows[0][:2]) == HEAD:
        rows = rows[1:]
    found: dict[str, str] = {}
    for number, row in enumerate(rows, start=1):
        if len(row) < 2 or not row[0].strip() or not row[1].strip():
            raise CommandError(f"--targets {path}, row {number}: write file,class in each row")
        name, wanted = row[0].strip(), row[1].strip()
        if found.setdefault(name, wanted) != wanted:
            raise CommandError(
                f"--targets {path}, row {number}: {name} stands there twice, with different classes"
            )
    return found
