"""One column of a data export."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["string", "integer", "number", "boolean", "datetime"]


@dataclass(frozen=True, eq=False)
class ExportColumn:
    """One column: how it is called, what it means, what values it takes and where they come from.

    `source` is a database expression over the rows of the export. Missing is always the empty cell. levels: the values
    that there are; labels: what a value stands for, where its own word does not say it.
    """

    name: str
    description: str
    kind: Kind
    source: Any
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    levels: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
