"""The shape of machine metrics and of single maps in the reports. No NumPy.

Units as in `report_types`.
"""

from typing import Any, TypedDict


class MachineRow(TypedDict):
    """Machine metrics of `n` maps of one classifier × base × version. `empty_percent` of them are the same everywhere and
    count nowhere else.

    confidence, drop, kept_share, sparsity and the areas under the curves deletion and insertion are 0..1, sanity −1..1,
    pointing in percent.
    """

    classifier: str
    method: str
    base: str
    version: str
    n: int
    right_percent: float | None
    higher_than_original_percent: float | None
    higher_than_base_percent: float | None
    confidence: float | None
    increase_percent: float | None
    drop: float | None
    kept_share: float | None
    empty_percent: float
    sparsity: float | None
    deletion: float | None
    insertion: float | None
    sanity: float | None
    pointing: float | None


class GalleryMap(TypedDict):
    """A map with the mean of its `n` scores; picture: row id, `None` where none is stored."""

    stimulus: str
    classifier: str
    method: str
    mean: float
    n: int
    picture: int | None


class Gallery(TypedDict):
    """The maps people judged best and worst, of those with `minimum` scores.

    outcome: the title of what they were judged by.
    """

    outcome: str
    minimum: int
    best: list[GalleryMap]
    worst: list[GalleryMap]


class MachineLine(TypedDict):
    """A classifier and base with one value per version; `None` where nothing was computed. family: the base's, its title."""

    family: str
    classifier: str
    base: str
    cells: list[float | None]


class MachineTable(TypedDict):
    """One measure in the layout of the paper's Tables 2 and 3; `versions` head the cells of the lines."""

    versions: list[str]
    lines: list[MachineLine]


class MapMetrics(TypedDict):
    """Machine metrics of a map under the names of the statistics, as stored: shares 0..1, or true and false."""

    stimulus: str
    map_sha256: str
    column: str
    right_class: Any
    confidence: Any
    confidence_drop: Any
    confidence_gain: Any
