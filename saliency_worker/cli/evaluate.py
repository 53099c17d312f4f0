"""`evaluate`: Tables 2 and 3 over a set of images, for one or several classifiers."""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from saliency_worker import catalog
from saliency_worker.cli import engine, gains, inputs, tables, targets
from saliency_worker.cli.errors import CommandError
from saliency_worker.cli.files import write_atomically
from saliency_worker.cli.inputs import Source
from saliency_worker.cli.manifest import Manifest, discard
from saliency_worker.cli.progress import Within, progress
from saliency_worker.cli.records import jsonable
from saliency_worker.cli.regions import Regions

FILE = "evaluation.json"


def run(options: argparse.Namespace) -> int:
    """Measure what is not measured yet, then print and write the tables. Returns the exit status."""
    names = dict(engine.resolve(name.strip()) for name in options.classifier.split(","))
    if options.weights and len(names) > 1:
        raise CommandError(
            "--weights FILE fits one classifier; for several put the files into SALIENCY_WEIGHTS_DIR"
        )
    if len(set(names.values())) < len(names):
        raise CommandError(
            f"two of the classifiers would be filed under one name ({', '.join(names.values())}); rename a model "
            f"file, or evaluate them into different --out folders"
        )
    if options.class_names and len(names) > 1:
        raise CommandError("--class-names FILE fits one classifier; evaluate several one after the other")
    sources = inputs.expand(options.images)
    named = targets.read_targets(options.targets, sources)
    regions = Regions(options.regions, sources)
    checked = progress(sources, len(sources), "Reading", quiet=options.quiet)
    hashes = inputs.check(checked)
    measurements: list[tables.Measurement] = []
    for name, label in names.items():
        records = _measure(name, Path(options.out) / label, sources, named, regions, hashes, options)
        measurements += _measurements(label, sources, records)
    _write(Path(options.out), measurements, len(sources), options)
    return 0


def methods(asked: str = "all", *, all_combinations: bool) -> tuple[str, ...]:
    """The keys asked for, by default those of Tables 2 and 3, or those of the initial evaluation: three bases, bare and with
    all nine combinations. Raises CommandError for a key that does not exist."""
    if not all_combinations:
        try:
            return catalog.parse_methods(asked)
        except ValueError as error:
            raise CommandError(str(error)) from error
    pairs = ((b, c) for b in catalog.GRADIENT_BASES for c in ("", *catalog.COMBINATIONS))
    return tuple(catalog.join_key(base, combination) for base, combination in pairs)


def _measure(
    name: str,
    folder: Path,
    sources: Sequence[Source],
    named: dict[str, str],
    regions: Regions,
    hashes: dict[str, str],
    options: argparse.Namespace,
) -> dict[str, dict[str, Any]]:
    wanted = engine.parameters(options, methods(options.methods, all_combinations=options.all_combinations))
    explainer = engine.load_explainer(
        name, wanted, options.weights, options.edge_weights, class_names=options.class_names
    )
    explained = targets.indices(named, explainer)
    engine.doubt(explainer, folder.name, sources)
    if options.overwrite:
        discard(folder, name=FILE)
    store = Manifest(folder, {"classifier": name, **wanted, **engine.facts(explainer)}, name=FILE)
    with store.writing():
        todo = [
            s
            for s in sources
            if not _is_measured(
                store.records.get(s.stem), hashes[s.stem], explained.get(s.stem), regions.digest(s)
            )
        ]
        within = Within()
        results = _explained(explainer, todo, explained, regions, store, within)
        for _ in progress(results, len(todo), folder.name, quiet=options.quiet, within=within):
            pass
    return store.records


def _is_measured(record: dict[str, Any] | None, sha256: str, target: int | None, region: str) -> bool:
    if record is None:
        return False
    known = record["image_sha256"], record.get("target_class"), record.get("region", "")
    return known == (sha256, target, region)


def _explained(
    explainer: Any,
    sources: Sequence[Source],
    explained: dict[str, int],
    regions: Regions,
    store: Manifest,
    within: Within,
) -> Iterator[Source]:
    images = targets.images(sources, explained, regions)
    for source, explanation in zip(sources, explainer.explain(images, within), strict=True):
        record = {
            "source": source.path.as_posix(),
            "image_sha256": explanation.image_sha256,
            **({"target_class": explained[source.stem]} if source.stem in explained else {}),
            **regions.fact(source),
            "class_index": int(explanation.class_index),
            "class_name": explanation.class_name,
            "original": jsonable(explanation.metrics_original),
            "maps": {key: jsonable(result.metrics) for key, result in explanation.maps.items()},
        }
        store.add(source.stem, record)
        yield source


def _measurements(
    classifier: str, sources: Sequence[Source], records: dict[str, dict[str, Any]]
) -> Iterator[tables.Measurement]:
    for source in sources:
        record = records[source.stem]
        common = {"classifier": classifier, "image": source.stem}
        yield {**common, "key": tables.ORIGINAL, "right": True, "kept_share": 1.0, **record["original"]}
        for key, metrics in record["maps"].items():
            yield {**common, "key": key, **metrics}


def _write(
    out: Path, measurements: list[tables.Measurement], images: int, options: argparse.Namespace
) -> None:
    summaries = tables.summarise(measurements)
    text = [tables.as_text(summaries)]
    differences = {}
    for field, factor, title, decimals in gains.GAINS:
        rows = differences[field] = gains.gains(measurements, field, factor)
        text.append(f"{title}\n{tables.grid(*gains.layout(rows, decimals), decimals)}\n")
    content = {"images": images, **tables.as_json(summaries), "gains": differences}
    files = {
        "tables.txt": "\n".join(text),
        "table2.csv": tables.layout_csv(summaries, "right_percent"),
        "table3.csv": tables.layout_csv(summaries, "average_confidence"),
        "measures.csv": tables.tidy_csv(summaries),
        "tables.json": json.dumps(jsonable(content), indent=1, allow_nan=False) + "\n",
    }
    for name, file in files.items():
        write_atomically(out / name, file.encode())
    shown = {"text": "tables.txt", "csv": "measures.csv", "json": "tables.json"}[options.format]
    print(files[shown], end="")
