"""What is measured of a map beside the paper's Tables 2 and 3, for tables and exports alike. Standard library only."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """A number of a map's metrics.

    name: in the metrics. title: of its table. description: for a data dictionary. low, high: of its values. percent:
    whether its mean is told as one. decimals: of its mean in a table.
    """

    name: str
    title: str
    description: str
    low: float = 0
    high: float = 1
    percent: bool = False
    decimals: int = 3


FURTHER = (
    Measure(
        "sparsity",
        "Sparsity (Gini index of the map: 0 spread evenly, 1 in one point)",
        "Gini index of the map's values: 0 where all pixels are equal, near 1 where few hold everything.",
    ),
    Measure(
        "deletion",
        "Deletion (area under the class's probability as the most salient pixels go; lower is better)",
        "Area under the explained class's probability as its most salient pixels turn black first.",
    ),
    Measure(
        "insertion",
        "Insertion (area under the class's probability as the most salient pixels come; higher is better)",
        "Area under the explained class's probability as its most salient pixels come back first into a blurred image.",
    ),
    Measure(
        "sanity",
        "Sanity check (mean rank correlation with maps of networks that forget layer after layer; near 0 is good)",
        "Mean of Spearman's correlations with the maps of the network whose layers were drawn anew from the last one on.",
        low=-1,
    ),
    Measure(
        "pointing",
        "Pointing game, % (the largest value lies in the region given)",
        "1: the map's largest value lies in the region given for the image; of several largest ones their share.",
        percent=True,
        decimals=1,
    ),
)
"""Every map has its sparsity; the others are there where they were asked for, or the image's region was given."""

ASKED = {"curves": "deletion and insertion", "sanity": "the sanity check"}
"""What a run measures only where it is asked to, for it costs further passes."""
