"""One labelled contact sheet per image, laid out like the paper's Figures 1 and 5.

A row per base: the bare heat map, then its combinations (Ours 1-5 and whatever else was computed). In front
the original, the edges, and the controls that were asked for.
"""

import io
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from saliency_worker import catalog

if TYPE_CHECKING:
    from saliency_worker.saliency.explain import Explanation

RGB = npt.NDArray[np.uint8]
FILE = "sheet.png"
MARGIN = 8
CAPTION = 22
TEXT = 15
_SHOWN = ("original", "edges")  # on every sheet, asked for or not


def contact_sheet(explanation: "Explanation", stem: str, classifier: str) -> bytes:
    """PNG of the sheet. Cells have the size of the classifier's input.

    The heading says what was predicted, and what is explained where that is another class.
    """
    edges = np.rint(np.clip(explanation.edges, 0, 1) * 255).astype(np.uint8)
    front = [("Original", explanation.original), ("Edges", np.repeat(edges[..., None], 3, axis=2))]
    pictures = {key: result.display for key, result in explanation.maps.items()}
    controls = (key for key in catalog.CONTROLS if key in pictures and key not in _SHOWN)
    front += [(catalog.label(key), pictures[key]) for key in controls]
    predicted = explanation.metrics_original
    heading = f"{stem}   {classifier}: {predicted['class_name']} {100 * predicted['confidence']:.1f} %"
    if predicted["class_index"] != explanation.class_index:
        heading += f"   explained: {explanation.class_name} {100 * explanation.confidence:.1f} %"
    return draw(heading, rows_of(front, pictures))


def rows_of(front: list[tuple[str, RGB]], pictures: dict[str, RGB]) -> list[list[tuple[str, RGB] | None]]:
    """Lay (label, picture) out in rows: the front column first, then one row per base.

    Combinations share a column over all bases; where a base lacks one its cell is empty.
    """
    split = {key: catalog.split_key(key) for key in pictures}
    bases = [base for base in catalog.BASES if any(parts[0] == base for parts in split.values())]
    present = {combination for _, combination in split.values() if combination}
    # Ours 1-5 in their order, then the rest in the catalogue's.
    columns = [c for c in (*catalog.OURS, *catalog.COMBINATIONS) if c in present]
    columns = ["", *dict.fromkeys(columns)]
    rows: list[list[tuple[str, RGB] | None]] = []
    for index in range(max(len(bases), len(front))):
        row: list[tuple[str, RGB] | None] = [front[index] if index < len(front) else None]
        for combination in columns:
            key = catalog.join_key(bases[index], combination) if index < len(bases) else ""
            row.append((catalog.label(key), pictures[key]) if key in pictures else None)
        rows.append(row)
    return rows


def draw(heading: str, rows: list[list[tuple[str, RGB] | None]]) -> bytes:
    """PNG bytes of a grid of labelled pictures of one size under a heading."""
    height, width = next(cell[1].shape[:2] for row in rows for cell in row if cell)
    columns = max(len(row) for row in rows)
    size = (
        MARGIN + columns * (width + MARGIN),
        MARGIN + CAPTION + len(rows) * (height + CAPTION + MARGIN),
    )
    sheet = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(min(TEXT, max(8, width // 10)))
    pen.text((MARGIN, MARGIN // 2), heading, fill="black", font=font)
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            if cell is None:
                continue
            label, picture = cell
            left = MARGIN + x * (width + MARGIN)
            top = MARGIN + CAPTION + y * (height + CAPTION + MARGIN)
            pen.text((left, top), label, fill="black", font=font)
            sheet.paste(Image.fromarray(picture), (left, top + CAPTION))
    stream = io.BytesIO()
    sheet.save(stream, "PNG", compress_level=6)
    return stream.getvalue()
