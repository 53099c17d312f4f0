"""A stand-in for the engine, so that the command line is tested without TensorFlow."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from saliency_worker import __main__, catalog
from saliency_worker.cli import engine

SIZE = 16


def _map(key: str, image_sha256: str, raw: bool) -> SimpleNamespace:
    random = np.random.default_rng(int(hashlib.sha256(f"{key}{image_sha256}".encode()).hexdigest()[:8], 16))
    scalar = random.random((SIZE, SIZE)).astype(np.float32)
    display = (random.random((SIZE, SIZE, 3)) * 255).astype(np.uint8)
    png = cv2.imencode(".png", display[..., ::-1])[1].tobytes()
    return SimpleNamespace(
        key=key,
        scalar=scalar,
        display=display,
        png=png,
        array_sha256=hashlib.sha256(scalar.tobytes()).hexdigest(),
        png_sha256=hashlib.sha256(png).hexdigest(),
        metrics={
            "class_index": 3,
            "confidence": 0.5,
            "right": True,
            "higher_than_original": False,
            "higher_than_base": None if key in catalog.BASES else False,
            "increase": False,
            "drop": 0.25,
            "kept_share": np.float64(0.8),
        },
        raw=random.random((2, 2)).astype(np.float32) if raw and key in catalog.BASES else None,
        provenance={"key": key, "image_sha256": image_sha256},
    )


@dataclass
class FakeExplainer:
    """Maps of random numbers that follow from the image's hash and the key alone."""

    methods: tuple[str, ...]
    raw: bool
    before_image: Callable[[int], None]
    explained: list[str] = field(default_factory=list)

    def explain(
        self, images: Iterable[tuple[str, np.ndarray]], watch: object = None
    ) -> Iterator[SimpleNamespace]:
        for number, (sha256, rgb) in enumerate(images):
            assert rgb.dtype == np.uint8
            self.before_image(number)
            self.explained.append(sha256)
            yield SimpleNamespace(
                image_sha256=sha256,
                class_index=3,
                class_name="tench",
                confidence=0.75,
                original=np.zeros((SIZE, SIZE, 3), np.uint8),
                edges=np.linspace(0, 1, SIZE * SIZE, dtype=np.float32).reshape(SIZE, SIZE),
                maps={key: _map(key, sha256, self.raw) for key in self.methods},
                metrics_original={"class_index": 3, "class_name": "tench", "confidence": 0.75},
            )


class Bench:
    """Runs the command line on images in a temporary folder, with the stand-in engine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder / "out"
        self.facts: dict[str, Any] = {"weights_sha256": "w"}
        self.before_image: Callable[[int], None] = lambda number: None
        self.explainers: list[FakeExplainer] = []

    def load(
        self,
        classifier: str,
        wanted: dict[str, Any],
        weights: str | None,
        edge_weights: str | None = None,
        *,
        raw: bool = False,
        class_names: str | None = None,
    ) -> FakeExplainer:
        explainer = FakeExplainer(tuple(wanted["methods"]), raw, lambda number: self.before_image(number))
        self.explainers.append(explainer)
        return explainer

    def image(self, name: str, seed: int = 0) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (20, 30, 3), dtype=np.uint8)
        path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
        return path

    def explain(self, *arguments: object, classifier: str = "MobileNetV2", methods: str = "gradcam") -> int:
        fixed = ["--classifier", classifier, "--methods", methods, "--out", str(self.out), "--quiet"]
        return __main__.main(["explain", *map(str, arguments), *fixed])

    @property
    def done(self) -> int:
        """Images the last run computed."""
        return len(self.explainers[-1].explained)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(tmp_path)
    monkeypatch.setattr(engine, "load_explainer", made.load)
    monkeypatch.setattr(engine, "facts", lambda explainer: dict(made.facts))
    return made
