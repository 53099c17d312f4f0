"""The examples of docs/own-models.md run where PyTorch is, and what they write is right."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from survey_site.stimuli.archives import opened
from survey_site.stimuli.uploaded_maps import check_upload
from tests.site.markdown import fences, text_of

torch = pytest.importorskip("torch", reason="PyTorch is no part of this project's environment")
NAMES, CLASSES, SIDE = ["owl-1", "owl-2", "cat"], ["cat", "dog", "owl", "emu"], 32


def example(word: str) -> str:
    return next(code for code in fences(text_of("docs/own-models.md"), "python") if word in code)


@pytest.fixture
def given() -> dict[str, Any]:
    """What the page says is there: a network, its layer, images and names."""
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(6, 8, 3, padding=1)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 6, 3, stride=2, padding=1),
        torch.nn.ReLU(),
        layer,
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(8, len(CLASSES)),
    ).eval()
    images = torch.rand(len(NAMES), 3, SIDE, SIDE)
    return {"model": model, "layer": layer, "images": images, "names": NAMES, "classes": CLASSES}


def written(path: Path) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """Manifest and maps, after a look by the site's own check."""
    with opened(path, max_total=10**7, max_file=10**6) as archive:
        assert len(check_upload(archive, NAMES, {}, lambda: None)) == len(NAMES)
    with zipfile.ZipFile(path) as archive:
        entries = json.loads(archive.read("manifest.json"))
        return entries, {e["stimulus"]: np.load(archive.open(e["file"])) for e in entries}


def run(code: str, given: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    exec(compile(code, "<example>", "exec"), given)


def test_grad_cam_of_pytorch_grad_cam(
    given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pytorch_grad_cam")
    run(example("pytorch_grad_cam"), given, tmp_path, monkeypatch)
    entries, maps = written(tmp_path / "grad-cam.zip")
    activations = given["model"][:3](given["images"]).detach().requires_grad_()
    logits = given["model"][3:](activations)
    for number, name in enumerate(NAMES):
        best = int(logits[number].argmax())
        gradient = torch.autograd.grad(logits[number, best], activations, retain_graph=True)[0][number]
        cam = torch.relu((gradient.mean((1, 2), keepdim=True) * activations[number]).sum(0)).detach()
        large = torch.nn.functional.interpolate(cam[None, None], (SIDE, SIDE), mode="bilinear")[0, 0].numpy()
        np.testing.assert_allclose(maps[name], (large - large.min()) / np.ptp(large), atol=1e-3)
        assert entries[number]["predicted"] == CLASSES[best]
        share = float(logits.softmax(1)[number, best].detach())
        assert entries[number]["confidence"] == pytest.approx(share, abs=1e-6)


def test_integrated_gradients_of_captum(
    given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("captum")
    run(example("captum"), given, tmp_path, monkeypatch)
    entries, maps = written(tmp_path / "integrated.zip")
    best = given["model"](given["images"]).argmax(1)
    steps = [(step + 0.5) / 200 for step in range(200)]
    for number, name in enumerate(NAMES):
        path = torch.stack([given["images"][number] * step for step in steps]).requires_grad_()
        score = given["model"](path)[:, best[number]].sum()
        expected = torch.relu((torch.autograd.grad(score, path)[0].mean(0) * given["images"][number]).sum(0))
        np.testing.assert_allclose(maps[name], (expected / expected.max()).numpy(), atol=0.05)
        assert entries[number]["explained"] == CLASSES[int(best[number])]
        assert entries[number]["provenance"] == {"library": "captum", "scale": "positive"}
