"""`methods` and `classifiers`: the catalogue as a table or as JSON."""

import json
from collections.abc import Sequence

from saliency_worker import catalog


def methods(*, as_json: bool = False) -> int:
    """Print every method key with its label, its family and the words of `--methods` that hold it."""
    rows = [
        (
            key,
            catalog.full_label(key),
            catalog.family(key),
            " ".join(word for word, keys in catalog.SETS.items() if key in keys),
        )
        for key in catalog.ALL_KEYS
    ]
    if as_json:
        print(
            json.dumps(
                [
                    {
                        "key": k,
                        "label": label,
                        "family": family,
                        "in": words.split(),
                        "in_all": k in catalog.FULL_SET,
                        "citation": catalog.method(k).citation,
                    }
                    for k, label, family, words in rows
                ],
                indent=1,
            )
        )
    else:
        table(("key", "what it is", "family", "in"), rows)
        print("\n--methods takes keys and the words of the last column. Definitions: docs/methods.md")
    return 0


def classifiers(*, as_json: bool = False) -> int:
    """Print the catalogue's classifiers with input size, preprocessing, layer and head."""
    specs = catalog.CLASSIFIERS.values()
    if as_json:
        fields = ("name", "title", "input_size", "preprocessing", "layer", "head")
        print(json.dumps([{field: getattr(spec, field) for field in fields} for spec in specs], indent=1))
    else:
        table(
            ("name", "input", "preprocessing", "layer explained", "head"),
            [(s.name, f"{s.input_size} px", s.preprocessing, s.layer, s.head) for s in specs],
        )
        print("\nWeights: --weights FILE, else the folder SALIENCY_WEIGHTS_DIR, else Keras's own download.")
    return 0


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under a head, columns aligned."""
    widths = [max(len(str(row[i])) for row in (head, *rows)) for i in range(len(head))]
    for row in (head, ["-" * width for width in widths], *rows):
        print("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
