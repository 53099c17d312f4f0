"""`evaluate` prints and writes the tables, measures each image once, and names what is wrong."""

import csv
import json

import pytest

from saliency_worker import __main__, catalog
from saliency_worker.cli.evaluate import methods
from tests.cli.conftest import Bench


def evaluate(bench: Bench, *arguments: object) -> int:
    fixed = ["--out", str(bench.out), "--quiet"]
    return __main__.main(["evaluate", *map(str, arguments), *fixed])


def test_it_prints_both_tables_and_writes_every_format(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.image("in/a.png", 1)
    bench.image("in/b.png", 2)
    assert evaluate(bench, bench.folder / "in", "--classifier", "MobileNetV2,VGG16") == 0
    printed = capsys.readouterr().out
    assert "Table 2" in printed
    assert "Table 3" in printed
    assert printed.count("VGG16") == printed.count("MobileNetV2")
    rows = list(csv.reader((bench.out / "table2.csv").open()))
    assert rows[0] == ["classifier", "CAM", "original", "G-CAMs", *(f"Ours {n}" for n in range(1, 6))]
    assert [row[:2] for row in rows[1:4]] == [
        ["MobileNetV2", name] for name in ("Grad-CAM", "Grad-CAM++", "Smooth Grad-CAM++")
    ]
    assert len(rows) == 7
    content = json.loads((bench.out / "tables.json").read_text())
    assert content["images"] == 2
    assert all(summary["n"] == 2 for summary in content["summaries"])


def test_images_measured_before_are_not_measured_again(bench: Bench) -> None:
    first, second = bench.image("a.png", 1), bench.image("b.png", 2)
    evaluate(bench, first, "--classifier", "VGG16")
    assert evaluate(bench, first, second, "--classifier", "VGG16") == 0
    assert bench.done == 1


def test_the_tables_cover_the_images_named_not_all_ever_measured(bench: Bench) -> None:
    first, second = bench.image("a.png", 1), bench.image("b.png", 2)
    evaluate(bench, first, second, "--classifier", "VGG16")
    evaluate(bench, first, "--classifier", "VGG16")
    assert json.loads((bench.out / "tables.json").read_text())["images"] == 1
    assert next(csv.DictReader((bench.out / "measures.csv").open()))["n"] == "1"


def test_all_combinations_are_nine_on_each_of_three_bases() -> None:
    keys = methods(all_combinations=True)
    assert len(keys) == len(set(keys)) == 3 * (1 + 9)
    assert set(catalog.FULL_SET) < set(keys)


def test_explain_and_evaluate_may_share_a_folder(bench: Bench) -> None:
    image = bench.image("a.png")
    assert bench.explain(image) == 0
    assert evaluate(bench, image, "--classifier", "MobileNetV2") == 0
    assert bench.explain(image) == 0
    assert bench.done == 0


def test_one_weights_file_does_not_fit_two_classifiers(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    image = bench.image("a.png")
    assert evaluate(bench, image, "--classifier", "VGG16,VGG19", "--weights", "x.h5") == 2
    assert "SALIENCY_WEIGHTS_DIR" in capsys.readouterr().err
    assert not bench.out.exists()
