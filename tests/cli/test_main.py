"""One line on standard error and status 2 for every mistake; help and listings without TensorFlow."""

import json
import subprocess
import sys
import types

import pytest

from saliency_worker import __main__, catalog
from tests.cli.conftest import Bench


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["explain", "x.png", "--classifier", "ResNet5", "--out", "o"], 'did you mean "ResNet50"'),
        (
            ["explain", "x.png", "--classifier", "VGG16", "--methods", "gradcamp", "--out", "o"],
            "did you mean",
        ),
        (["explain", "x.png", "--classifier", "VGG16", "--methods", ",", "--out", "o"], "worker: No method"),
        (
            ["explain", "x.png", "--classifier", "VGG16", "--edges", "heed", "--out", "o"],
            'did you mean "hed"',
        ),
        (["explain", "x.png", "--classifier", "VGG16", "--colour-map", "jat", "--out", "o"], '"jet"'),
        (["explain", "x.png", "--classifier", "VGG16", "--k", "0.6", "--out", "o"], "from 0 to 0.5"),
        (["explain", "x.png", "--classifier", "VGG16", "--seed", "-1", "--out", "o"], "at least 0"),
        (["explain", "x.png", "--classifier", "VGG16"], "--out"),
        (["explain", "x.png", "--classifier", "VGG16", "--out", ""], "it is empty"),
        (["explain", "x.png", "--classifier", "VGG16", "--percentil", "3", "--out", "o"], "unrecognized"),
        (["evaluate", "x.png", "--classifier", "a/net.keras,b/net.keras", "--out", "o"], "one name"),
        (["explain", "nowhere.png", "--classifier", "VGG16", "--out", "o"], "nowhere.png: no such file"),
        (["evaluate", "x.png", "--classifier", "VGG16,VGG", "--out", "o"], "Unknown classifier"),
        (["verify", "nowhere"], "no manifest.json"),
        (["explian"], "explain"),
        ([], "COMMAND"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status: object = __main__.main(arguments)
    except SystemExit as end:
        status = end.code
    printed = capsys.readouterr()
    assert status == 2
    assert printed.err.count("\n") == 1
    assert says in printed.err
    assert printed.out == ""


def test_methods_lists_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["methods", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [row["key"] for row in listed] == list(catalog.ALL_KEYS)
    assert sum(row["in_all"] for row in listed) == 18


def test_classifiers_lists_the_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["classifiers"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in catalog.CLASSIFIERS)


@pytest.mark.parametrize("command", ["methods", "classifiers", "explain --help", "evaluate --help"])
def test_listings_and_help_load_no_tensorflow(command: str) -> None:
    code = (
        "import sys; from saliency_worker.__main__ import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "assert not {'tensorflow', 'keras', 'cv2', 'django'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, *command.split()], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_worker_hands_its_arguments_to_celery(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    stand_in = types.SimpleNamespace(run_worker=lambda argv: seen.append(argv))
    monkeypatch.setitem(sys.modules, "saliency_worker.app", stand_in)
    assert __main__.main(["worker", "--loglevel", "info"]) == 0
    assert seen == [["--loglevel", "info"]]


def test_an_unreadable_manifest_is_one_line(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    image = bench.image("a.png")
    bench.explain(image)
    (bench.out / "MobileNetV2" / "manifest.json").write_text("{", "utf-8")
    capsys.readouterr()
    assert bench.explain(image) == 2
    assert "not a readable manifest" in capsys.readouterr().err
    assert bench.explain(image, "--overwrite") == 0


def test_a_second_run_on_the_same_folder_is_refused(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    image = bench.image("a.png")
    statuses: list[int] = []

    def run_another(count: int) -> None:
        bench.before_image = lambda number: None
        statuses.append(bench.explain(image))

    bench.before_image = run_another
    assert bench.explain(image) == 0
    assert statuses == [2]
    assert "another run is writing here" in capsys.readouterr().err
