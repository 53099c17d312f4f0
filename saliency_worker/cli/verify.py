"""`verify`: are the maps in a folder what their manifest says, and does computing them again give the same?"""

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saliency_worker.cli import engine, inputs, manifest, records, targets
from saliency_worker.cli.errors import CommandError
from saliency_worker.cli.inputs import Source
from saliency_worker.cli.progress import progress
from saliency_worker.differences import MapDifference, distance, pixels, values

if TYPE_CHECKING:
    from saliency_worker.saliency.explain import MapResult


@dataclass
class Findings:
    """What was compared: counts by outcome and one line per mismatch."""

    counts: Counter[str] = field(default_factory=Counter)
    mismatches: list[str] = field(default_factory=list)

    def differ(self, line: str) -> None:
        self.counts["mismatch"] += 1
        self.mismatches.append(line)


def run(options: argparse.Namespace) -> int:
    """Verify every manifest below the folder. Returns 0; raises CommandError when anything differs."""
    findings = Findings()
    for path in manifests(Path(options.folder)):
        content = manifest.read(path)
        check_files(path.parent, content, findings)
        if options.recompute:
            recompute(path.parent, content, options, findings)
    for line in findings.mismatches:
        print(line)
    if findings.mismatches:
        raise CommandError(f"{len(findings.mismatches)} mismatches in {options.folder}, listed above")
    if not options.quiet:
        print(", ".join(f"{count} {outcome}" for outcome, count in sorted(findings.counts.items())))
    return 0


def manifests(folder: Path) -> list[Path]:
    """The manifest of a classifier's folder, or those one level below. Raises CommandError where there is none."""
    own = folder / manifest.MANIFEST
    found = [own] if own.is_file() else sorted(folder.glob(f"*/{manifest.MANIFEST}"))
    if not found and any(folder.glob(f"**/{manifest.journal_name(manifest.MANIFEST)}")):
        raise CommandError(
            f"{folder}: the run there did not end; finish it by the same explain command first"
        )
    if not found:
        raise CommandError(
            f"{folder}: no {manifest.MANIFEST} here or one level below; give an --out folder of explain"
        )
    return found


def check_files(folder: Path, content: Mapping[str, Any], findings: Findings) -> None:
    """Compare the SHA-256 of every file with the manifest's."""
    for stem, record in content["images"].items():
        lines = records.damaged(folder / stem, record)
        findings.counts["files as written"] += len(record["files"]) - len(lines)
        for line in lines:
            findings.differ(line)


def recompute(
    folder: Path, content: Mapping[str, Any], options: argparse.Namespace, findings: Findings
) -> None:
    """Compute every map again from its image, with the manifest's settings, and compare."""
    settings = content["settings"] | {"measures": []}  # of the maps, not of what was measured of them
    explainer = engine.load_explainer(
        settings["classifier"],
        settings,
        options.weights,
        options.edge_weights,
        class_names=options.class_names,
    )
    for name, now in engine.facts(explainer).items():
        if settings.get(name) != now and name != "versions":
            findings.differ(f"{folder}: {name} was {settings.get(name)}, is {now}")
    pairs = list(_sources(folder, content, options.images, findings))
    given = {
        stem: record["target_class"] for stem, record in content["images"].items() if "target_class" in record
    }
    images = targets.images(pairs, given)
    explanations = zip(pairs, explainer.explain(images), strict=True)
    for source, explanation in progress(explanations, len(pairs), "Verifying", quiet=options.quiet):
        for key, result in explanation.maps.items():
            _compare(
                folder / source.stem / key, content["images"][source.stem]["maps"].get(key), result, findings
            )


def _sources(
    folder: Path, content: Mapping[str, Any], arguments: list[str], findings: Findings
) -> Iterator[Source]:
    """Where each recorded image is: found by its hash among `arguments`, or where it was."""
    by_hash = (
        {inputs.sha256(inputs.read_bytes(s)): s.path for s in inputs.expand(arguments)} if arguments else {}
    )
    for stem, record in content["images"].items():
        path = by_hash.get(record["image_sha256"]) if arguments else Path(record["source"])
        if path is None or not path.is_file():
            findings.differ(
                f"{folder / stem}: its image is not at {record['source']}; say where with --images"
            )
        elif inputs.sha256(path.read_bytes()) != record["image_sha256"]:
            findings.differ(f"{folder / stem}: the image {path} changed since")
        else:
            yield Source(path, stem)


def _compare(path: Path, recorded: Mapping[str, Any] | None, result: "MapResult", findings: Findings) -> None:
    if recorded is None:
        findings.differ(f"{path}: not in the manifest")
        return
    same = recorded["array_sha256"] == result.array_sha256 and recorded["png_sha256"] == result.png_sha256
    if same:
        findings.counts["maps identical when recomputed"] += 1
        return
    try:
        array = values(path.with_name(f"{path.name}.npy").read_bytes())
        picture = pixels(path.with_name(f"{path.name}.png").read_bytes())
    except (OSError, ValueError) as error:
        findings.differ(f"{path}: cannot be compared ({error})")
        return
    by = MapDifference(distance(array, result.scalar), distance(picture, result.display))
    if by.tolerable:
        findings.counts["maps within tolerance when recomputed"] += 1
    else:
        findings.differ(f"{path}: {by}")
