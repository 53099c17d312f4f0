"""Which HED drew the edges: the bundled one, that of its authors, or another file; through the command line."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("keras")

from saliency_worker import __main__
from saliency_worker.saliency import hed_caffe
from saliency_worker.saliency.bundled import bundled, sha256
from tests.saliency.caffe_file import random_layers, write
from tests.saliency.conftest import small_network

pytestmark = pytest.mark.tensorflow
METHODS = ("edges", "gradcam", "gradcam.add-edges")


@pytest.fixture
def caffe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A narrow network of random weights in the place of the authors'."""
    folder = tmp_path / "weights"
    folder.mkdir()
    file, release = write(folder, random_layers())
    monkeypatch.setattr(hed_caffe, "AUTHORS", release)
    (tmp_path / "keras").mkdir()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("SALIENCY_WEIGHTS_DIR", raising=False)
    return file


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., int]:
    """`run(out, …)` explains one picture with a small network; returns the exit status."""
    import cv2
    import numpy as np

    small_network().save(tmp_path / "tiny.keras")
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "picture.png"), pixels)

    def explain(out: str, *arguments: object, command: str = "explain") -> int:
        fixed = [
            str(tmp_path / "picture.png"),
            "--classifier",
            f"{tmp_path / 'tiny.keras'}@last:tf",
            "--quiet",
        ]
        methods = ["--methods", ",".join(METHODS)] if command == "explain" else []
        more = map(str, arguments)
        return __main__.main([command, *fixed, *methods, "--out", str(tmp_path / out), *more])

    return explain


def edges_of(folder: Path) -> tuple[str, str, bytes]:
    """Edge model and SHA-256 of its weights as recorded, and the edge map's bytes."""
    manifest = json.loads((folder / "tiny" / "manifest.json").read_text("utf-8"))
    recorded = manifest["images"]["picture"]["maps"]["gradcam.add-edges"]["provenance"]
    array = (folder / "tiny" / "picture" / "edges.npy").read_bytes()
    assert recorded["edge_weights_sha256"] == manifest["settings"]["edge_weights_sha256"]
    return recorded["edge_model"], recorded["edge_weights_sha256"], array


def test_a_caffe_file_means_the_network_of_the_authors_wherever_it_lies(
    caffe: Path, run: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("bundled") == 0
    assert run("given", "--edge-weights", caffe) == 0
    assert run("downloaded", "--edges", "hed-authors") == 0
    monkeypatch.setenv("SALIENCY_WEIGHTS_DIR", str(caffe.parent))
    assert run("folder", "--edges", "hed-authors") == 0
    given = edges_of(tmp_path / "given")
    assert given[:2] == ("hed-authors", hashlib.sha256(caffe.read_bytes()).hexdigest())
    assert edges_of(tmp_path / "folder") == edges_of(tmp_path / "downloaded") == given
    compact = edges_of(tmp_path / "bundled")
    assert compact[:2] == ("hed", sha256(bundled("hed_compact.weights.h5")))
    assert compact[2] != given[2]


def test_other_weights_of_the_compact_network_are_taken(
    caffe: Path, run: Callable[..., int], tmp_path: Path
) -> None:
    from saliency_worker.saliency.hed import build_hed, save_hed

    save_hed(build_hed(), tmp_path / "mine.weights.h5")
    assert run("mine", "--edge-weights", tmp_path / "mine.weights.h5") == 0
    assert edges_of(tmp_path / "mine")[:2] == ("hed", sha256(tmp_path / "mine.weights.h5"))


def test_verify_recomputes_with_the_same_weights_and_reports_others(
    caffe: Path, run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("out", "--edge-weights", caffe) == 0
    verify = ["verify", str(tmp_path / "out"), "--recompute"]
    assert __main__.main([*verify, "--edge-weights", str(caffe)]) == 0
    assert "3 maps identical when recomputed" in capsys.readouterr().out
    caffe.write_bytes(b"short")
    assert __main__.main([*verify, "--edge-weights", str(caffe)]) == 2
    assert "has 5 bytes instead of" in capsys.readouterr().err


def test_evaluate_takes_them_too(caffe: Path, run: Callable[..., int], tmp_path: Path) -> None:
    assert run("tables", "--edge-weights", caffe, "--samples", "2", command="evaluate") == 0
    settings = json.loads((tmp_path / "tables" / "tiny" / "evaluation.json").read_text("utf-8"))["settings"]
    assert settings["edges"] == "hed-authors"
    assert settings["edge_weights_sha256"] == sha256(caffe)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--edges", "sobel", "--edge-weights", "x.caffemodel"], "sobel has no weights"),
        (["--edges", "hed-authors", "--edge-weights", "x.weights.h5"], "takes a .caffemodel"),
        (["--edge-weights", "gone.caffemodel"], "There is no file gone.caffemodel"),
        (["--edge-weights", "gone.weights.h5"], "gone.weights.h5"),
        (["--edges", "hed-author"], 'did you mean "hed-authors"?'),
    ],
)
def test_what_does_not_fit_is_one_line_and_leaves_nothing(
    arguments: list[str],
    message: str,
    caffe: Path,
    run: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    try:
        status = run("out", *arguments)
    except SystemExit as stop:  # argparse's own way out
        status = stop.code
    assert status == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()
