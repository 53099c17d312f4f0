"""Real weights and pictures: both classifiers name what the file name says, each at its own size."""

import json
from pathlib import Path

import numpy as np
import pytest

from saliency_worker import __main__

pytestmark = [pytest.mark.tensorflow, pytest.mark.real_data]
PICTURES = ("n01560419_bulbul", "n01795545_black_grouse", "n01828970_bee_eater")


@pytest.mark.parametrize(("classifier", "size"), [("MobileNetV2", 224), ("MobileNet", 192)])
def test_explain_finds_the_weights_by_folder_and_names_the_class(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, classifier: str, size: int
) -> None:
    monkeypatch.setenv("SALIENCY_WEIGHTS_DIR", str(shared / "weights"))
    images = [path for name in PICTURES for path in (shared / "images").glob(f"{name}.*")]
    fixed = ["--classifier", classifier, "--methods", "gradcam,gradcam.add-blend21", "--edges", "sobel"]
    assert __main__.main(["explain", *map(str, images), *fixed, "--out", str(tmp_path), "--quiet"]) == 0
    records = json.loads((tmp_path / classifier / "manifest.json").read_text("utf-8"))["images"]
    assert records
    for stem, record in records.items():
        assert record["prediction"]["class_name"] == stem.split("_", 1)[1]
        assert np.load(tmp_path / classifier / stem / "gradcam.npy").shape == (size, size)
