"""`explain` writes the fixed layout, once, whole, and goes on where it stopped."""

import hashlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from saliency_worker import __main__
from saliency_worker.catalog import FULL_SET
from tests.cli.conftest import SIZE, Bench


def manifest(bench: Bench) -> dict[str, Any]:
    return json.loads((bench.out / "MobileNetV2" / "manifest.json").read_text("utf-8"))


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_it_writes_an_array_and_a_picture_per_map(bench: Bench) -> None:
    assert bench.explain(bench.image("cat.png"), methods="all") == 0
    folder = bench.out / "MobileNetV2" / "cat"
    assert {p.name for p in folder.iterdir()} == {
        f"{key}.{end}" for key in FULL_SET for end in ("npy", "png")
    }
    array = np.load(folder / "gradcampp.comp-blend11.npy")
    assert (array.shape, array.dtype) == ((SIZE, SIZE), np.float32)
    assert Image.open(folder / "gradcampp.comp-blend11.png").size == (SIZE, SIZE)


def test_the_folder_has_the_catalogues_spelling(bench: Bench) -> None:
    assert bench.explain(bench.image("cat.png"), classifier="mobilenetv2") == 0
    assert (bench.out / "MobileNetV2" / "manifest.json").is_file()


def test_the_manifest_holds_prediction_metrics_and_provenance(bench: Bench) -> None:
    image = bench.image("cat.png")
    bench.explain(image)
    record = manifest(bench)["images"]["cat"]
    assert record["image_sha256"] == hashlib.sha256(image.read_bytes()).hexdigest()
    assert record["prediction"] == {"class_index": 3, "class_name": "tench", "confidence": 0.75}
    found = record["maps"]["gradcam"]
    assert found["metrics"]["kept_share"] == 0.8
    assert found["provenance"]["image_sha256"] == record["image_sha256"]
    png = (bench.out / "MobileNetV2" / "cat" / found["png"]).read_bytes()
    assert found["png_sha256"] == hashlib.sha256(png).hexdigest()


def test_raw_adds_one_small_array_per_base(bench: Bench) -> None:
    bench.explain(bench.image("cat.png"), "--raw", methods="gradcam,gradcam.add-edges,gradcampp")
    raw = sorted(p.name for p in (bench.out / "MobileNetV2" / "cat").glob("*.raw.npy"))
    assert raw == ["gradcam.raw.npy", "gradcampp.raw.npy"]


def test_what_is_complete_is_not_computed_again(bench: Bench) -> None:
    images = [bench.image("a.png", 1), bench.image("b.png", 2)]
    bench.explain(images[0])
    before = tree(bench.out)
    assert bench.explain(*images) == 0
    assert bench.done == 1
    after = tree(bench.out)
    assert set(manifest(bench)["images"]) == {"a", "b"}
    assert {name: after[name] for name in before if "manifest" not in name} == {
        name: data for name, data in before.items() if "manifest" not in name
    }


@pytest.mark.parametrize("damage", ["missing", "changed", "other image", "raw asked for"])
def test_what_is_damaged_changed_or_lacking_is_computed_again(bench: Bench, damage: str) -> None:
    image = bench.image("a.png", 1)
    bench.explain(image)
    array = bench.out / "MobileNetV2" / "a" / "gradcam.npy"
    good = array.read_bytes()
    arguments = []
    if damage == "missing":
        array.unlink()
    elif damage == "changed":
        array.write_bytes(good[:-1] + b"x")
    elif damage == "other image":
        bench.image("a.png", 2)
    else:
        arguments = ["--raw"]
    assert bench.explain(image, *arguments) == 0
    assert bench.done == 1
    assert (array.read_bytes() == good) == (damage != "other image")


@pytest.mark.parametrize(
    "change", [["--seed", "7"], ["--edges", "sobel"], ["--methods", "gradcampp"], ["--k", "0.5"]]
)
def test_a_manifest_made_with_other_settings_is_refused_untouched(
    bench: Bench, capsys: pytest.CaptureFixture[str], change: list[str]
) -> None:
    image = bench.image("a.png")
    bench.explain(image)
    before = tree(bench.out)
    methods = change[1] if change[0] == "--methods" else "gradcam"
    assert bench.explain(image, *(change if change[0] != "--methods" else []), methods=methods) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "other settings" in error
    assert change[0].strip("-") in error
    assert tree(bench.out) == before


def test_other_weights_or_versions_are_other_settings_too(bench: Bench) -> None:
    image = bench.image("a.png")
    bench.explain(image)
    bench.facts = {"weights_sha256": "another"}
    assert bench.explain(image) == 2
    assert bench.explain(image, "--overwrite") == 0
    assert manifest(bench)["settings"]["weights_sha256"] == "another"


def test_a_bad_image_among_good_ones_is_named_before_anything_is_written(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    good = bench.image("a.png")
    bad = bench.folder / "broken.png"
    bad.write_bytes(good.read_bytes()[:60])
    assert bench.explain(good, bad) == 2
    error = capsys.readouterr().err
    assert "broken.png" in error
    assert error.count("\n") == 1
    assert not bench.out.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_are_no_unicode_are_names(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    image = bench.image("x.png", 1)
    odd = image.rename(image.with_name(os.fsdecode(b"caf\xe9 \x07.png")))
    lines = bench.image("a\nb.png", 2)
    assert bench.explain(odd, lines, "--sheet") == 0
    assert bench.explain(odd, lines, "--sheet") == 0
    assert bench.done == 0
    (bench.out / "MobileNetV2" / odd.stem / "gradcam.png").unlink()
    assert __main__.main(["verify", str(bench.out)]) == 2
    assert r"caf\udce9" in capsys.readouterr().out
    odd.write_bytes(b"no picture")
    assert bench.explain(odd) == 2
    assert r"caf\udce9" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_in_the_middle_keeps_what_is_complete(
    bench: Bench, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    images = [bench.image(f"{name}.png", seed) for seed, name in enumerate("abc")]

    def stop(count: int) -> None:
        if count == 2:
            signal.raise_signal(number)

    bench.before_image = stop
    # A shell's background job ignores ^C, and so would a test run started as one.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert bench.explain(*images) == 2
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().err.count("\n") == 1
    assert set(manifest(bench)["images"]) == {"a", "b"}
    assert {p.name for p in (bench.out / "MobileNetV2").iterdir()} == {"a", "b", "manifest.json"}
    bench.before_image = lambda count: None
    assert bench.explain(*images) == 0
    assert bench.done == 1


def test_after_a_kill_the_journal_is_enough_to_go_on(bench: Bench) -> None:
    images = [bench.image(f"{name}.png", seed) for seed, name in enumerate("ab")]
    bench.explain(images[0])
    folder = bench.out / "MobileNetV2"
    content = manifest(bench)
    lines = [
        {"settings": content["settings"]},
        {"stem": "a", "record": content["images"]["a"]},
    ]
    journal = "\n".join(json.dumps(line) for line in lines) + '\n{"stem": "b", "rec'
    (folder / ".manifest.jsonl").write_text(journal, "utf-8")
    (folder / "manifest.json").unlink()
    (folder / ".b.xyz.partial").mkdir()
    assert bench.explain(*images) == 0
    assert bench.done == 1
    assert set(manifest(bench)["images"]) == {"a", "b"}
    assert {p.name for p in folder.iterdir()} == {"a", "b", "manifest.json"}


def test_an_engine_error_is_one_line_and_leaves_no_empty_folder(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(count: int) -> None:
        raise RuntimeError("first line\nsecond line")

    bench.before_image = fail
    assert bench.explain(bench.image("a.png")) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (bench.out / "MobileNetV2").exists()


def test_a_sheet_is_written_and_missing_ones_are_made_later(bench: Bench) -> None:
    image = bench.image("a.png")
    bench.explain(image, methods="all")
    assert bench.explain(image, "--sheet", methods="all") == 0
    assert bench.done == 1
    assert (bench.out / "MobileNetV2" / "a" / "sheet.png").is_file()
