"""`layers`: the feature maps of a classifier, which of them is explained by default, and why the others are not."""

import argparse
import json

from saliency_worker.cli import engine
from saliency_worker.cli.listings import table

_WHY = {
    "map": "",
    "pooling": "pooling",
    "moves": "only moves or drops places",
    "1x1": "one place alone",
    "tokens": "say its rows and columns: @{name}:tokens=ROWSxCOLUMNS",
    "unconvolved": "before any convolution",
}


def run(options: argparse.Namespace) -> int:
    """Print the layers that can be named behind ``@``. Returns the exit status; raises SaliencyError."""
    name, _ = engine.resolve(options.model)
    listed, default = engine.layers(name)
    rows = [
        {
            "name": each.name,
            "kind": each.kind,
            "shape": list(each.shape),
            "usable": each.alone,
            "default": each.name == default,
            "note": _note(each.name, each.what, each.alone),
        }
        for each in listed
    ]
    if options.json:
        print(json.dumps(rows, indent=1))
        return 0
    table(
        ("layer", "kind", "shape", "note"),
        [
            (
                str(row["name"]),
                str(row["kind"]),
                "x".join(map(str, each.shape)),
                "explained by default" if row["default"] else str(row["note"]),
            )
            for row, each in zip(rows, listed, strict=True)
        ],
    )
    print("\nName one as MODEL@LAYER. What the output does not depend on alone cannot be explained.")
    return 0


def _note(name: str, what: str, alone: bool) -> str:
    return _WHY[what].format(name=name) if alone else "the output does not depend on it alone"
