"""What a machine could know: the ladder of synthetic observers on real pictures and both real classifiers.

    python -m benchmarks.observers --images FOLDER --weights FOLDER

FOLDER of images: ImageNet pictures whose names begin with the synset; of weights: MobileNetV2 and MobileNet 0.75/192.
Computes the maps of all columns (Grad-CAM and Grad-CAM++, bare and Ours 1-5, and the controls), then shows every map to
every observer in random pools of 4, 8 and 60, in pools of “another exemplar” by the coarse groups of the demo classifier,
and in pools that were searched. Prints shares right with the two-way interval of people (partition × source image).
`--smooth` adds the third base, `--no-trained` leaves the matcher that learns out, `--limit N` takes the first N images.
"""

import argparse
import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np
import numpy.typing as npt

from fixtures.training.demo_cnn_groups import read_groups
from saliency_worker import catalog, observer_kinds
from saliency_worker.observer_kinds import TRAINED
from saliency_worker.observers.choices import TIE
from saliency_worker.observers.ladder import Palette
from saliency_worker.observers.run import Ladder, ObservedPool, ShownMap
from saliency_worker.observers.swaps import BeatenBits, search
from survey_site.design.exemplar_pools import exemplar_pools, missing_exemplars
from survey_site.design.pools import Candidate
from survey_site.statistics.uncertainty import Sample, proportion_interval

PARTITIONS, SMALL, LARGE, FAR = 10, 4, 8, 60
FILES = {"MobileNetV2": "mobilenet_v2_1.0_224.weights.h5", "MobileNet": "mobilenet_v1_0.75_192.weights.h5"}
BASES = ["gradcam", "gradcampp"]
ORDER = ["Grad-CAMs", *(f"Ours {n}" for n in range(1, 6)), "Edges only", "CAM of random weights"]


@dataclass(frozen=True)
class Folder:
    """Pictures that were written as files, read as the site's worker reads those that it serves."""

    root: Path
    other: dict[str, str]

    def map(self, pk: int) -> npt.NDArray[np.uint8]:
        return _read(self.root / f"{pk}.png")

    def photo(self, classifier: str, key: str) -> npt.NDArray[np.uint8]:
        return _read(self.root / f"{classifier} {key}.png")

    def other_cam(self, classifier: str, key: str) -> npt.NDArray[np.floating] | None:
        return np.asarray(np.load(self.root / f"{self.other[classifier]} {key}.npy"), np.float32)


def _read(path: Path) -> npt.NDArray[np.uint8]:
    found = cv2.imread(str(path))
    if found is None:
        raise FileNotFoundError(path)
    return np.asarray(cv2.cvtColor(found, cv2.COLOR_BGR2RGB), np.uint8)


def columns() -> dict[str, str]:
    """By method its column of Table 1."""
    named = dict.fromkeys(BASES, "Grad-CAMs")
    for combination, number in catalog.OURS.items():
        named |= {f"{base}.{combination}": f"Ours {number}" for base in BASES}
    return named | {"edges": "Edges only", "randomcam": "CAM of random weights"}


def explain(images: Sequence[Path], weights: Path, root: Path) -> list[ShownMap]:
    """Writes all maps as pictures, and each classifier's bare Grad-CAM as an array."""
    from saliency_worker.saliency.explain import Explainer, Settings
    from saliency_worker.saliency.images import decode

    shown: list[ShownMap] = []
    for classifier, file in FILES.items():
        begun = time.monotonic()
        settings = Settings(methods=(*columns(), "original"), metrics=False)
        explainer = Explainer.load(classifier, settings, weights=weights / file)
        names = {hashlib.sha256(path.read_bytes()).hexdigest(): path.stem for path in images}
        stored = ((sha, decode(path.read_bytes())) for sha, path in zip(names, images, strict=True))
        for explanation in explainer.explain(stored):
            key = names[explanation.image_sha256]
            for method, result in explanation.maps.items():
                if method == "original":
                    (root / f"{classifier} {key}.png").write_bytes(result.png)
                    continue
                one = ShownMap(len(shown), key, columns()[method], classifier, method)
                (root / f"{one.pk}.png").write_bytes(result.png)
                shown.append(one)
                if method == "gradcam":
                    np.save(root / f"{classifier} {key}.npy", result.scalar)
        print(f"{classifier}: maps of {len(images)} pictures in {time.monotonic() - begun:.0f} s", flush=True)
    return shown


def partitions(keys: Sequence[str], size: int, number: int) -> Iterator[list[ObservedPool]]:
    """Random partitions into pools; what is left over takes no part."""
    for seed in range(number):
        order = np.random.default_rng(seed).permutation(len(keys))
        yield [
            ObservedPool(group, {key: key for key in group})
            for start in range(0, len(keys) - size + 1, size)
            for group in [tuple(keys[i] for i in order[start : start + size])]
        ]


Scores = dict[tuple[str, str, str], npt.NDArray[np.float32]]
"""By classifier, method and observer the scores of all maps (rows, by image) with all photos."""
Looks = dict[tuple[str, str, str], list[tuple[npt.NDArray[np.float64], int, npt.NDArray[np.int64]]]]
"""By classifier, column and observer: right or not, partition, sources."""
KNOWN = [kind.key for kind in observer_kinds.KINDS if not kind.trained]


def look(
    scores: Scores, places: dict[str, int], pools: Sequence[ObservedPool], partition: int, looks: Looks
) -> None:
    """Adds what every observer chooses for every map whose source these pools ask for."""
    asked = [(source, answer, pool.shown) for pool in pools for source, answer in pool.right.items()]
    sources = np.array([places[source] for source, _, _ in asked])
    shown = np.array([[places[key] for key in candidates] for _, _, candidates in asked])
    answers = np.array([candidates.index(answer) for _, answer, candidates in asked])
    for (classifier, method, observer), matrix in scores.items():
        seen = matrix[sources[:, None], shown]
        second, best = np.partition(seen, seen.shape[1] - 2)[:, -2:].T
        right = (seen.argmax(1) == answers) & (best - second > TIE)
        looks.setdefault((classifier, columns()[method], observer), []).append(
            (right.astype(float), partition, sources)
        )


def print_table(title: str, looks: Looks, observers: Sequence[str]) -> None:
    """Shares right in percent, each with its interval."""
    print(f"\n{title}")
    heads = "".join(f"{observer_kinds.name(observer):<23}" for observer in observers)
    print(f"{'classifier':<13}{'column':<23}{heads}")
    for classifier in FILES:
        for column in ORDER:
            cells = [_cell(looks.get((classifier, column, observer), [])) for observer in observers]
            if any(cells):
                print(f"{classifier:<13}{column:<23}" + "".join(f"{cell:<23}" for cell in cells), flush=True)


def _cell(found: list[tuple[npt.NDArray[np.float64], int, npt.NDArray[np.int64]]]) -> str:
    if not found:
        return ""
    y = np.concatenate([right for right, _, _ in found])
    partition = np.concatenate([np.full(len(right), number) for right, number, _ in found])
    bounds = proportion_interval(
        Sample(y, partition, np.concatenate([source for _, _, source in found]))
    ).pair(100)
    text = f"{100 * y.mean():.1f}"
    return text if bounds is None else f"{text} [{bounds[0]:.1f}, {bounds[1]:.1f}]"


def groups_of(keys: Sequence[str], synsets: Path) -> dict[str, str]:
    """By image the coarse group of the demo classifier."""
    order = {line.split()[0]: number for number, line in enumerate(synsets.read_text("utf-8").splitlines())}
    group = {index: name for name, members in read_groups().items() for index in members}
    return {key: group[order[key.split("_")[0]]] for key in keys}


def exemplars(groups: dict[str, str]) -> Iterator[list[ObservedPool]]:
    """Pools of “another exemplar” of as many images as can be had, dealt anew for each seed."""
    candidates = [Candidate(key, group) for key, group in sorted(groups.items())]
    labels = [candidate.label for candidate in candidates]
    count = len(labels) // (SMALL + 1)
    while missing_exemplars(labels, size=SMALL, count=count):
        count -= 1
    for seed in range(PARTITIONS):
        made = [
            tuple(map(str, p.stimuli))
            for p in exemplar_pools(candidates, size=SMALL, count=count, seed=str(seed))
        ]
        yield [ObservedPool(shown, {source: shown[0]}) for source, *rest in made for shown in [tuple(rest)]]


def tables(options: argparse.Namespace, shown: list[ShownMap], keys: list[str], pictures: Folder) -> None:
    """All tables, one after the other."""
    places = {key: place for place, key in enumerate(keys)}
    first = next(partitions(keys, SMALL, 1))
    own = [one for one in shown if one.classifier == "MobileNetV2"]
    begun = time.monotonic(), time.process_time()
    Ladder(pictures, Palette()).observe(own, first)
    wall, cpu = time.monotonic() - begun[0], time.process_time() - begun[1]
    print(
        f"The ladder on {len(own)} maps of {len(keys)} pictures: {wall:.0f} s, {cpu:.0f} s of CPU", flush=True
    )
    ladder, bits = Ladder(pictures, Palette()), BeatenBits(len(keys))
    scores: Scores = {}
    for classifier, method, observer, matrix in ladder.matrices(shown, keys):
        scores[classifier, method, observer] = matrix
        if classifier == "MobileNetV2":
            bits.add(matrix)
    for size in [size for size in (SMALL, LARGE, FAR) if size <= len(keys)]:
        looks: Looks = {}
        for number, pools in enumerate(partitions(keys, size, PARTITIONS)):
            look(scores, places, pools, number, looks)
        print_table(f"Share right, %, in {PARTITIONS} random partitions into pools of {size}", looks, KNOWN)
    groups, looks = groups_of(keys, options.synsets or options.images.parent / "synsets.txt"), {}
    for number, pools in enumerate(exemplars(groups)):
        look(scores, places, pools, number, looks)
    print(
        f"\nAnother exemplar: {len(pools)} pools in each of {PARTITIONS} partitions, {len(set(groups.values()))} groups"
    )
    print_table(f"Share right, %, where pools of {SMALL} show another exemplar (guessing: 25)", looks, KNOWN)
    searched(scores, bits, keys, first)
    if not options.no_trained:
        learnt([one for one in own if one.method.split(".")[0] == "gradcam"], pictures, first)


def searched(scores: Scores, bits: BeatenBits, keys: list[str], first: list[ObservedPool]) -> None:
    """Pools searched for all maps of one classifier and all observers; how far that came."""
    places, begun = {key: place for place, key in enumerate(keys)}, time.monotonic()
    found = search(
        [[places[key] for key in p.shown] for p in first], bits.beaten(), bits.bits, seed="benchmark"
    )
    groups = [tuple(keys[image] for image in pool) for pool in found.pools]
    looks: Looks = {}
    mine = {name: matrix for name, matrix in scores.items() if name[0] == "MobileNetV2"}
    look(mine, places, [ObservedPool(group, {key: key for key in group}) for group in groups], 0, looks)
    print(
        f"\nHard for observers: of {found.judged} maps x observers {found.hits_before} found before, "
        f"{found.hits_after} after {found.swaps} exchanges of {found.tries} tried; {time.monotonic() - begun:.0f} s"
    )
    print_table("Share right, %, in the pools that were searched (one partition)", looks, KNOWN)


def learnt(shown: list[ShownMap], pictures: Folder, first: list[ObservedPool]) -> None:
    """The trained matcher on the maps of one base."""
    begun = time.monotonic()
    found = Ladder(pictures, Palette(), trained=True).observe(shown, first)
    right = {source: (answer, pool.shown) for pool in first for source, answer in pool.right.items()}
    rights: dict[str, list[float]] = {}
    for one in shown:
        choice = found.choices.get(one.pk, {}).get(TRAINED)
        if choice is not None and one.key in right:
            answer, candidates = right[one.key]
            hit = choice.place is not None and candidates[choice.place] == answer
            rights.setdefault(one.column, []).append(float(hit))
    print(f"\nTrained matcher, MobileNetV2, Grad-CAM, pools of {SMALL}: {time.monotonic() - begun:.0f} s")
    for column in ORDER:
        if column in rights:
            print(f"{column:<23}{100 * np.mean(rights[column]):.1f} of {len(rights[column])}")


def main() -> int:
    """Prints the tables of docs/methods.md."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--synsets", type=Path, help="synsets in the order of the classes, one a line")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--no-trained", action="store_true")
    parser.add_argument(
        "--smooth", action="store_true", help="Smooth Grad-CAM++ too: 25 passes for each picture"
    )
    options = parser.parse_args()
    if options.smooth:
        BASES.append("smoothgradcampp")
    begun = time.monotonic()
    images = sorted(
        path for path in options.images.iterdir() if path.suffix.lower() in (".jpeg", ".jpg", ".png")
    )
    images = images[: options.limit]
    with tempfile.TemporaryDirectory() as folder:
        shown = explain(images, options.weights, Path(folder))
        other = dict(zip(FILES, reversed(FILES), strict=True))
        tables(options, shown, [path.stem for path in images], Folder(Path(folder), other))
    wall, cpu = (time.monotonic() - begun) / 60, time.process_time() / 60
    print(f"\nAll in {wall:.1f} minutes on {os.cpu_count()} CPUs, {cpu:.1f} of CPU time.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
