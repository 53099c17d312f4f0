"""`verify` finds every file that is not what the manifest says, and recomputes on request."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from saliency_worker import __main__
from tests.cli.conftest import Bench


@pytest.fixture
def made(bench: Bench) -> Bench:
    bench.explain(bench.image("in/a.png", 1), bench.image("in/b.png", 2), methods="gradcam,gradcam.add-edges")
    return bench


def verify(bench: Bench, *arguments: object) -> int:
    return __main__.main(["verify", str(bench.out), *map(str, arguments)])


def edit_manifest(bench: Bench, stem: str, key: str, **changes: object) -> None:
    path = bench.out / "MobileNetV2" / "manifest.json"
    content = json.loads(path.read_text("utf-8"))
    content["images"][stem]["maps"][key].update(changes)
    path.write_text(json.dumps(content), "utf-8")


def shift(path: Path, by: float) -> None:
    np.save(path, np.load(path) + np.float32(by))


def test_a_run_that_did_not_end_is_named(made: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    folder = made.out / "MobileNetV2"
    (folder / "manifest.json").rename(folder / ".manifest.jsonl")
    assert verify(made) == 2
    assert "did not end; finish it by the same explain command" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content", ["[]", '{"format": "saliency-survey/maps-1", "settings": {}, "images": [1]}']
)
def test_a_manifest_of_another_form_is_one_clear_line(
    content: str, made: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    (made.out / "MobileNetV2" / "manifest.json").write_text(content, "utf-8")
    assert verify(made) == 2
    assert "not a manifest of this program" in capsys.readouterr().err


def test_files_as_written_pass(made: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(made) == 0
    assert "8 files as written" in capsys.readouterr().out


def test_every_changed_and_missing_file_is_a_line(made: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    folder = made.out / "MobileNetV2"
    shift(folder / "a" / "gradcam.npy", 0.5)
    (folder / "b" / "gradcam.png").unlink()
    assert verify(made) == 2
    printed = capsys.readouterr()
    assert sorted(line.split(": ")[1] for line in printed.out.splitlines()) == [
        "changed since it was written",
        "missing",
    ]
    assert printed.err.count("\n") == 1
    assert "2 mismatches" in printed.err


def test_recomputing_the_same_gives_identical_maps(made: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(made, "--recompute") == 0
    assert "4 maps identical when recomputed" in capsys.readouterr().out


@pytest.mark.parametrize(("by", "status"), [(5e-6, 0), (1e-3, 2)])
def test_recomputing_accepts_rounding_and_nothing_more(made: Bench, by: float, status: int) -> None:
    path = made.out / "MobileNetV2" / "a" / "gradcam.npy"
    shift(path, by)
    manifest = made.out / "MobileNetV2" / "manifest.json"
    content = json.loads(manifest.read_text("utf-8"))
    # As if another device had written this array: its own hashes, slightly other numbers.
    content["images"]["a"]["files"].pop("gradcam.npy")
    manifest.write_text(json.dumps(content), "utf-8")
    edit_manifest(made, "a", "gradcam", array_sha256="another device")
    assert verify(made, "--recompute") == status


def test_recomputing_finds_a_picture_that_shows_something_else(made: Bench) -> None:
    path = made.out / "MobileNetV2" / "a" / "gradcam.png"
    pixels = np.asarray(Image.open(path)).copy()
    pixels[0, 0, 0] ^= 2
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    path.write_bytes(stream.getvalue())
    edit_manifest(made, "a", "gradcam", png_sha256="another device")
    assert verify(made, "--recompute") == 2


def test_recomputing_needs_the_very_image(made: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    moved = made.folder / "moved"
    (made.folder / "in").rename(moved)
    assert verify(made, "--recompute") == 2
    assert "--images" in capsys.readouterr().out
    assert verify(made, "--recompute", "--images", moved) == 0
    made.image("moved/a.png", 9)
    assert verify(made, "--recompute", "--images", moved) == 2


def test_recomputing_reports_other_weights(made: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    made.facts = {"weights_sha256": "another"}
    assert verify(made, "--recompute") == 2
    assert "weights_sha256 was w, is another" in capsys.readouterr().out
