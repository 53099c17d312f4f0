"""Tables 2 and 3 from the stored metrics, the gallery, and the page that shows both."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from survey_site.reports import analysis, cached_report
from survey_site.reports.machine_metrics import (
    gallery,
    has_numbers,
    machine_rows,
    paper_layout,
    version_label,
)
from survey_site.reports.population import Population
from survey_site.stimuli.models import MapPicture, SaliencyMap
from survey_site.tasks import registry
from survey_site.trials.models import Trial
from tests.reports.factory import Survey, survey

pytestmark = pytest.mark.django_db


def shown(own: Survey, image: int, method: str, **values: Any) -> SaliencyMap:
    """A current map; metrics only where given."""
    base = {"classifier": "MobileNetV2", "parameters_hash": f"{image}{method}"[:64], "provenance": {}}
    return SaliencyMap.objects.create(
        stimulus=own.stimuli[image], method=method, array_sha256=f"{image}-{method}", **(base | values)
    )


def metrics(right: bool, confidence: float, **more: Any) -> dict[str, Any]:
    return {
        "right": right,
        "confidence": confidence,
        "drop": 0.5,
        "kept_share": 0.8,
        "increase": False,
    } | more


@pytest.fixture
def computed(small: Survey) -> Survey:
    shown(small, 0, "gradcam", metrics=metrics(True, 0.9, higher_than_base=None))
    shown(small, 1, "gradcam", metrics=metrics(False, 0.5, higher_than_base=None))
    shown(small, 0, "gradcam.add-edges", metrics=metrics(True, 0.8, higher_than_base=False))
    shown(small, 1, "gradcam.add-edges", metrics=metrics(True, 0.6, higher_than_base=True))
    shown(small, 0, "gradcam.mul-edges", metrics=metrics(True, 0.1), current=True)
    shown(small, 0, "original", metrics={"class_index": 3, "confidence": 0.95})
    shown(small, 2, "gradcam", metrics=None)
    shown(small, 1, "gradcam.add-blend21", metrics=metrics(False, 0.0), current=False)
    return small


def test_each_cell_is_the_share_right_and_the_mean_confidence(computed: Survey) -> None:
    rows = {row["method"]: row for row in machine_rows(computed.study)}
    assert set(rows) == {"gradcam", "gradcam.add-edges", "gradcam.mul-edges"}
    assert (rows["gradcam"]["n"], rows["gradcam"]["right_percent"]) == (2, 50.0)
    assert rows["gradcam"]["confidence"] == pytest.approx(0.7)
    assert rows["gradcam.add-edges"]["right_percent"] == 100.0
    assert rows["gradcam.add-edges"]["higher_than_base_percent"] == 50.0
    assert rows["gradcam"]["higher_than_base_percent"] is None


def test_what_was_measured_beside_is_averaged_and_what_was_not_has_no_table(computed: Survey) -> None:
    further = {"deletion": 0.2, "insertion": 0.6, "sanity": -0.1, "sparsity": 0.5, "pointing": 1.0}
    shown(computed, 0, "layercam", metrics=metrics(True, 0.9, **further))
    shown(computed, 1, "layercam", metrics=metrics(True, 0.9, deletion=0.4, sanity=None, pointing=0.0))
    rows = machine_rows(computed.study)
    (found,) = (row for row in rows if row["method"] == "layercam")
    assert (found["deletion"], found["insertion"]) == (pytest.approx(0.3), 0.6)
    assert (found["sanity"], found["sparsity"], found["pointing"]) == (-0.1, 0.5, 50.0)
    assert has_numbers(rows, "sanity")
    others = [row for row in rows if row["method"] != "layercam"]
    assert not has_numbers(others, "sanity") and has_numbers(others, "confidence")


def test_maps_that_are_the_same_everywhere_are_told_of_and_count_nowhere_else(computed: Survey) -> None:
    nothing = dict.fromkeys(("right", "confidence", "drop", "increase", "sparsity"))
    shown(computed, 0, "rise", metrics=metrics(True, 0.9, increase=True, empty=False))
    for image in (1, 2):
        shown(computed, image, "rise", metrics={**nothing, "kept_share": 1.0, "empty": True})
    rows = machine_rows(computed.study)
    (found,) = (row for row in rows if row["method"] == "rise")
    assert (found["n"], found["empty_percent"]) == (3, pytest.approx(200 / 3))
    assert (found["kept_share"], found["right_percent"], found["increase_percent"]) == (0.8, 100, 100)
    assert has_numbers(rows, "empty_percent")
    assert not has_numbers([row for row in rows if row is not found], "empty_percent")


def test_the_layout_is_the_papers_bare_first_then_ours_then_the_rest(computed: Survey) -> None:
    table = paper_layout(machine_rows(computed.study), "right_percent")
    assert table["versions"] == ["bare", "Ours 1 (add-edges)", "mul-edges"]
    cams = {"family": "Class activation maps", "classifier": "MobileNetV2", "base": "gradcam"}
    assert table["lines"] == [{**cams, "cells": [50.0, 100.0, 100.0]}]


def test_a_version_that_a_base_lacks_is_empty_and_not_zero(computed: Survey) -> None:
    shown(computed, 0, "gradcampp", metrics=metrics(True, 0.4))
    table = paper_layout(machine_rows(computed.study), "confidence")
    assert table["lines"][1]["cells"] == [0.4, None, None]


def test_a_study_without_metrics_has_no_table() -> None:
    assert machine_rows(survey("bare").study) == []
    assert paper_layout([], "confidence") == {"versions": [], "lines": []}
    assert version_label("comp-blend11") == "Ours 5 (comp-blend11)"


@pytest.fixture
def rated(computed: Survey) -> Survey:
    """Three maps with two ratings each (means 5.5, 3 and 0.5), one with a single rating."""
    maps = list(SaliencyMap.objects.filter(metrics__isnull=False).order_by("pk")[:4])
    for ratings in ((6, 3, 0, 6), (5, 3, 1, None)):
        who = computed.participant()
        for saliency_map, rating in zip(maps, ratings, strict=True):
            if rating is not None:
                response = computed.rating(who, 0, rating)
                Trial.objects.filter(pk=response.trial_id).update(
                    saliency_map=saliency_map, stimulus=saliency_map.stimulus
                )
    return computed


def test_maps_with_fewer_than_three_ratings_are_neither_best_nor_worst(rated: Survey) -> None:
    found = gallery(rated.protocol, Population(), registry.installed())
    assert (found["best"], found["worst"], found["minimum"]) == ([], [], 3)


def test_the_gallery_names_the_best_and_worst_with_enough_ratings(
    rated: Survey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("survey_site.reports.machine_metrics.GALLERY_SCORES", 2)
    found = gallery(rated.protocol, Population(), registry.installed())
    assert [row["mean"] for row in found["best"]] == [5.5, 3.0, 0.5]
    assert found["worst"] == []  # all are among the best already; none is shown twice
    assert (found["best"][0]["stimulus"], found["best"][0]["method"], found["best"][0]["n"]) == (
        "cat-0",
        "gradcam",
        2,
    )


def test_no_map_is_both_best_and_worst(rated: Survey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("survey_site.reports.machine_metrics.GALLERY", 1)
    monkeypatch.setattr("survey_site.reports.machine_metrics.GALLERY_SCORES", 2)
    found = gallery(rated.protocol, Population(), registry.installed())
    assert [row["mean"] for row in found["best"] + found["worst"]] == [5.5, 0.5]


def test_the_page_shows_the_tables_and_the_gallery(
    rated: Survey, admin_client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("survey_site.reports.machine_metrics.GALLERY_SCORES", 2)
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    picture = MapPicture.objects.create(
        saliency_map=SaliencyMap.objects.order_by("pk")[0], colour_map="jet", sha256="1" * 64, path="x.png"
    )
    report = analysis.analyse(rated.study).report | {"figures": []}
    cached_report.store_report(cached_report.data_version(rated.protocol, Population()), report)
    page = admin_client.get(reverse("report", args=["small"])).content.decode()
    assert "Table 2: right classification" in page
    assert "<td>50.0</td><td>100.0</td>" in page
    assert f"picture/{picture.pk}.png" in page
    correlations = {(r["human"], r["machine"]): r for r in report["human_machine"]}
    assert correlations[("index", "confidence")]["n"] == 4
