"""Tables 2 and 3 of the Feature CAM paper beside what `evaluate` found: every cell, and what agrees.

    python benchmarks/paper_tables.py OUT

OUT is the folder of `python -m saliency_worker evaluate`. The classifiers differ, so that levels cannot be compared but
gains over the bare CAM can: in which direction they go, and by how much.
"""

import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

VERSIONS = ("Ours 1", "Ours 2", "Ours 3", "Ours 4", "Ours 5")
CAMS = ("Grad-CAM", "Grad-CAM++", "Smooth Grad-CAM++")
Table = Mapping[tuple[str, str], Sequence[float]]
# Clement, Yang, Cheng (arXiv 2403.05658): the bare CAM, then Ours 1 to 5, in percent.
TABLE_2: Table = {
    ("InceptionV3", "Grad-CAM"): (93, 90, 92, 92, 85, 93),
    ("InceptionV3", "Grad-CAM++"): (95, 95, 95, 88, 80, 95),
    ("InceptionV3", "Smooth Grad-CAM++"): (97, 96, 94, 87, 77, 95),
    ("VGG16", "Grad-CAM"): (52, 78, 81, 51, 50, 66),
    ("VGG16", "Grad-CAM++"): (80, 88, 86, 84, 81, 84),
    ("VGG16", "Smooth Grad-CAM++"): (80, 88, 86, 84, 81, 84),
    ("NASNetMobile", "Grad-CAM"): (85, 92, 95, 88, 87, 90),
    ("NASNetMobile", "Grad-CAM++"): (75, 88, 93, 79, 79, 83),
    ("NASNetMobile", "Smooth Grad-CAM++"): (73, 90, 93, 79, 79, 89),
}
TABLE_3: Table = {
    ("InceptionV3", "Grad-CAM"): (97, 98, 98, 97, 97, 97),
    ("InceptionV3", "Grad-CAM++"): (96, 97, 97, 96, 95, 96),
    ("InceptionV3", "Smooth Grad-CAM++"): (96, 96, 98, 96, 97, 97),
    ("VGG16", "Grad-CAM"): (82, 83, 86, 84, 84, 84),
    ("VGG16", "Grad-CAM++"): (88, 88, 89, 88, 85, 86),
    ("NASNetMobile", "Grad-CAM"): (78, 85, 84, 78, 80, 82),
    ("NASNetMobile", "Grad-CAM++"): (73, 84, 85, 78, 77, 83),
    ("NASNetMobile", "Smooth Grad-CAM++"): (75, 83, 84, 77, 77, 81),
}


def found(path: Path, factor: float) -> Table:
    """A table of `evaluate` in the paper's layout, in percent."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    heads = ("G-CAMs", *VERSIONS)
    return {(row["classifier"], row["CAM"]): [factor * float(row[head]) for head in heads] for row in rows}


def side_by_side(title: str, paper: Table, here: Table) -> str:
    """Both tables, CAM by CAM: level of every cell and, behind it, its gain over the bare CAM."""
    lines = [title, f"{'CAM':18}{'':7}{'classifier':14}{'G-CAMs':>8}" + "".join(f"{v:>14}" for v in VERSIONS)]
    for cam in CAMS:
        for source, table in (("paper", paper), ("here", here)):
            for (classifier, name), cells in table.items():
                if name == cam:
                    shown = "".join(f"{cell:.1f} ({cell - cells[0]:+.1f})".rjust(14) for cell in cells[1:])
                    lines.append(f"{cam:18}{source:7}{classifier:14}{cells[0]:8.1f}{shown}")
    return "\n".join(lines)


def agreement(paper: Table, here: Table) -> str:
    """The mean gain of each cell over the classifiers, there and here, and whether both go the same way."""
    lines = [f"{'mean gain':18}" + "".join(f"{v:>20}" for v in VERSIONS)]
    same = total = 0
    for cam in CAMS:
        row = f"{cam:18}"
        for place in range(1, 6):
            there, ours = (_gain(table, cam, place) for table in (paper, here))
            agrees = there * ours > 0
            same, total = same + agrees, total + 1
            row += f"{there:+6.1f} /{ours:+6.1f} {'yes' if agrees else 'no':>3}".rjust(20)
        lines.append(row)
    return "\n".join([*lines, f"the same direction in {same} of {total} cells (paper / here)"])


def _gain(table: Table, cam: str, place: int) -> float:
    gains = [cells[place] - cells[0] for (_, name), cells in table.items() if name == cam]
    return sum(gains) / len(gains)


def main(out: Path) -> None:
    for title, paper, file, factor in (
        ("Table 2. Right classification, % (gain over the bare CAM)", TABLE_2, "table2.csv", 1.0),
        ("Table 3. Average confidence, % (gain over the bare CAM)", TABLE_3, "table3.csv", 100.0),
    ):
        here = found(out / file, factor)
        print(side_by_side(title, paper, here), agreement(paper, here), sep="\n\n", end="\n\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
