"""What must hold where SALIENCY_METHODS names the toy methods; run by test_toy_methods.py in a process of its own."""

import csv
import io
import json
from io import StringIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from saliency_worker import __main__, catalog, tasks
from saliency_worker.saliency.classifiers import Classifier
from saliency_worker.saliency.explain import Explainer
from saliency_worker.saliency.formulas import plan
from saliency_worker.saliency.settings import Settings
from survey_site.design import condition_matrix
from survey_site.protocols import masking
from survey_site.reports.exports.columns import responses_columns
from survey_site.stimuli.archives import Upload
from survey_site.stimuli.intake import add_images
from survey_site.stimuli.models import PrecomputeJob, SaliencyMap
from survey_site.studies.models import Study
from tests import factories
from tests.factories import task_settings
from tests.saliency.conftest import classifier_of, small_network
from tests.stimuli.pictures import encoded
from tests.worker.tiny import tiny_classifier

COMBINED = "toy.add-edges"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_classifier(tmp_path_factory.mktemp("model"))


@pytest.fixture
def small() -> Classifier:
    return classifier_of(small_network())


def picture(folder: Path) -> Path:
    path = folder / "one.png"
    path.write_bytes(encoded(1, size=(48, 40)))
    return path


def test_the_declaration_alone_puts_it_into_every_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["methods", "--json"]) == 0
    listed = {row["key"]: row for row in json.loads(capsys.readouterr().out)}
    assert listed["toy"]["label"] == "Toy CAM" and "HiResCAM" in listed["toy"]["citation"]
    assert listed[COMBINED]["label"] == "Toy CAM Ours 1" and not listed["toy"]["in_all"]
    assert len(catalog.FULL_SET) == 18 and {"toy", COMBINED, "toyspread"} < set(catalog.ALL_KEYS)
    groups = dict(condition_matrix.GROUPS)
    assert "toy" in groups["Bases"] and COMBINED in groups["Feature CAM on Toy CAM"]
    assert "toyspread" in groups["Controls"]
    (base,) = (column for column in responses_columns() if column.name == "base")
    assert base.levels == tuple(sorted(catalog.BASES)) and "toy" in base.levels


def test_the_command_line_writes_its_maps(tmp_path: Path, tiny: str) -> None:
    out = tmp_path / "out"
    fixed = ["--classifier", tiny, "--edges", "sobel", "--out", str(out), "--quiet", "--sheet", "--raw"]
    methods = ["--methods", f"toy,{COMBINED},toyspread", "--toy-power", "2", "--samples", "3"]
    assert __main__.main(["explain", str(picture(tmp_path)), *fixed, *methods]) == 0
    folder = out / "tiny"
    assert {p.name for p in (folder / "one").iterdir()} == {
        *("sheet.png", "toy.raw.npy", "toyspread.raw.npy"),
        *(f"{key}.{end}" for key in ("toy", COMBINED, "toyspread") for end in ("npy", "png")),
    }
    maps = json.loads((folder / "manifest.json").read_text("utf-8"))["images"]["one"]["maps"]
    assert maps["toy"]["provenance"]["parameters"]["toy_power"] == 2
    assert len(maps["toy"]["provenance"]["formula_sha256"]) == 64
    assert maps["toyspread"]["provenance"]["parameters"]["samples"] == 3
    assert maps[COMBINED]["metrics"]["kept_share"] > 0
    assert __main__.main(["verify", str(out), "--recompute", "--quiet"]) == 0


def test_its_map_is_that_of_its_formula(small: Classifier) -> None:
    rgb = cv2.imdecode(np.frombuffer(encoded(1, size=(48, 40)), np.uint8), cv2.IMREAD_COLOR)
    raw = {}
    for key, own in (("cam", {}), ("toy", {}), ("toy", {"toy_power": 2.0})):
        settings = Settings((key,), edges="sobel", metrics=False, raw=True, parameters=own)
        (explanation,) = Explainer(small, settings).explain([("0" * 64, rgb)])
        raw[key, len(own)] = explanation.maps[key].raw
    # Behind global average pooling g is w / (h w) at every place: HiResCAM is the positive part of CAM over h w.
    expected = np.maximum(raw["cam", 0], 0) / 64
    assert expected.any()
    np.testing.assert_allclose(raw["toy", 0], expected, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(raw["toy", 1], expected**2, rtol=1e-3, atol=1e-9)


def test_three_methods_of_one_pass_cost_one_pass() -> None:
    wanted = plan(Settings(("smoothgradcampp", "toyspread", "toy", "gradcampp")))
    assert set(wanted.passes) == {"gradcampp", "toy"}
    assert wanted.on_copies == {"gradcampp", "toy"}
    assert set(wanted.noisy) == {"smoothgradcampp", "toyspread"}


@pytest.mark.django_db
def test_a_study_with_it_is_designed_computed_played_and_exported(
    admin_client: Client, media: Path, tmp_path: Path, tiny: str
) -> None:
    study = Study.objects.create(
        slug="toy",
        title="Toy",
        edges="sobel",
        practice_trials=0,
        attention_checks=0,
        **factories.FACTS,
        **task_settings(pool_size=3),
    )
    add_images(study, [Upload(f"{n}.png", encoded(n, size=(48, 40)), f"class {n}") for n in range(12)])
    ticks = [f"{key}|demo-cnn" for key in ("gradcam", "toy", COMBINED)]
    page = admin_client.post(
        reverse("admin:study_conditions", args=[study.pk]), {"tick": ticks}, follow=True
    ).content.decode()
    assert "3 conditions saved" in page and "Feature CAM on Toy CAM" in page
    study.conditions.update(classifier=tiny)  # a smaller network, for the jobs' time
    page = admin_client.post(
        reverse("admin:study_precompute", args=[study.pk]), {"verb": "request"}, follow=True
    ).content.decode()
    assert "12 images queued" in page and "Spread of Toy CAM" in page

    tasks.explain(list(PrecomputeJob.objects.values_list("pk", flat=True)))
    assert set(PrecomputeJob.objects.values_list("state", "reason")) == {("done", "")}
    stored = SaliencyMap.objects.filter(method=COMBINED)
    assert stored.count() == 12 and all(row.metrics["kept_share"] for row in stored)

    call_command("go_live", "toy", stdout=StringIO())
    masking.open_names(study, None)
    call_command("simulate", "toy", participants=2, drop_out=0.0, stdout=StringIO())
    call_command("export_data", "toy", out=tmp_path, include_bots=True, stdout=StringIO())
    rows = list(csv.DictReader(io.StringIO((tmp_path / "responses.csv").read_text("utf-8"))))
    assert {(row["base"], row["method"], row["column"]) for row in rows} == {
        ("gradcam", "", "Grad-CAMs"),
        ("toy", "", "Toy CAM"),
        ("toy", "add-edges", "Ours 1"),
    }
    report = StringIO()
    call_command("report", "toy", format="json", stdout=report)
    assert [column["column"] for column in json.loads(report.getvalue())["columns"]] == [
        *("Grad-CAMs", "Toy CAM", "Ours 1"),
    ]
