"""Table 1 as published in *Feature CAM* (Clement, Yang, Cheng): the numbers the report is set beside."""

from typing import Final, NamedTuple


class Published(NamedTuple):
    """One column of the paper's Table 1, as printed."""

    column: str
    faith: str
    mean_rating: str


REFERENCE: Final = "Grad-CAMs"
TABLE_1: Final = (
    Published("Grad-CAMs", "48", "1.02"),
    Published("Ours 1", "96", "4.05"),
    Published("Ours 2", "92", "3.63"),
    Published("Ours 3", "92", "3.47"),
    Published("Ours 4", "80", "3.24"),
    Published("Ours 5", "76", "3.30"),
)
PARTICIPANTS: Final = 25


def published_column(column: str) -> Published | None:
    """The paper's values of a column, ``None`` for a column the paper does not have."""
    return next((row for row in TABLE_1 if row.column == column), None)
