"""`explain`: the maps of images, as arrays and pictures, with a manifest that says how each was made."""

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from saliency_worker import catalog
from saliency_worker.cli import engine, inputs, manifest, records, sheet, targets
from saliency_worker.cli.errors import CommandError
from saliency_worker.cli.files import write_folder
from saliency_worker.cli.inputs import Source
from saliency_worker.cli.manifest import Manifest
from saliency_worker.cli.progress import Within, progress
from saliency_worker.cli.regions import Regions

if TYPE_CHECKING:
    from saliency_worker.saliency.explain import Explainer


def run(options: argparse.Namespace) -> int:
    """Explain every image that is not complete yet. Returns the exit status; raises CommandError."""
    try:
        methods = catalog.parse_methods(options.methods)
    except ValueError as error:
        raise CommandError(str(error)) from error
    name, label = engine.resolve(options.classifier)
    wanted = engine.parameters(options, methods)
    folder = Path(options.out) / label
    asked = {"classifier": name, **wanted}
    sources = inputs.expand(options.images)
    named = targets.read_targets(options.targets, sources)
    regions = Regions(options.regions, sources)
    if not options.overwrite:
        manifest.require_same(folder, asked)
    hashes = inputs.check(progress(sources, len(sources), "Reading", quiet=options.quiet))
    explainer = engine.load_explainer(
        name,
        wanted,
        options.weights,
        options.edge_weights,
        raw=options.raw,
        class_names=options.class_names,
    )
    explained = targets.indices(named, explainer)
    engine.doubt(explainer, label, sources)
    if options.overwrite:
        manifest.discard(folder)
    store = Manifest(folder, {**asked, **engine.facts(explainer)})
    started = time.perf_counter()
    with store.writing():
        todo = [
            s
            for s in sources
            if not _is_complete(store, s, hashes[s.stem], explained.get(s.stem), regions, options)
        ]
        within = Within()
        results = _explained(explainer, todo, explained, regions, store, options, within)
        for _ in progress(results, len(todo), "Explaining", quiet=options.quiet, within=within):
            pass
    if not options.quiet:
        print(_summary(len(todo), len(sources), time.perf_counter() - started, store.path))
    return 0


def _is_complete(
    store: Manifest,
    source: Source,
    sha256: str,
    target: int | None,
    regions: Regions,
    options: argparse.Namespace,
) -> bool:
    """Whether everything asked for is there, unchanged, of the same image, the same class and the same region."""
    record = store.records.get(source.stem)
    if record is None or record["image_sha256"] != sha256 or record.get("target_class") != target:
        return False
    if record.get("region", "") != regions.digest(source):
        return False
    asked = {sheet.FILE} if options.sheet else set()
    if options.raw:
        asked |= set(records.raw_names(record["maps"]))
    if options.overlay:
        asked |= set(records.overlay_names(record["maps"]))
    return asked <= set(record["files"]) and not records.damaged(store.folder / source.stem, record)


def _explained(
    explainer: "Explainer",
    sources: Sequence[Source],
    explained: dict[str, int],
    regions: Regions,
    store: Manifest,
    options: argparse.Namespace,
    within: Within,
) -> Iterator[Source]:
    """Explain and store image after image; an image is recorded once all its files are in place."""
    images = targets.images(sources, explained, regions)
    for source, explanation in zip(sources, explainer.explain(images, within), strict=True):
        files = records.files_of(explanation)
        if options.sheet:
            files[sheet.FILE] = sheet.contact_sheet(explanation, source.stem, store.folder.name)
        if options.overlay:
            files |= records.overlays_of(explanation, inputs.load(source)[1])
        write_folder(store.folder / source.stem, files)
        target = explained.get(source.stem)
        record = records.record_of(explanation, source.path, files, target)
        store.add(source.stem, record | regions.fact(source))
        yield source


def _summary(done: int, asked: int, seconds: float, path: Path) -> str:
    kept = f", {asked - done} complete already" if asked > done else ""
    rate = f" in {seconds:.1f} s ({done / seconds:.2f} images/s)" if done else ""
    return f"{done} image{'s' * (done != 1)} explained{rate}{kept}: {path}"
