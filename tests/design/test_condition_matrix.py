"""Ticks become conditions: columns pool methods, the reference comes first, nothing half-changed."""

import pytest
from django.test import Client
from django.urls import reverse

from saliency_worker import catalog
from survey_site.design import condition_matrix
from survey_site.studies.models import Study
from tests.studies.sample import ready_study


def test_every_key_of_the_catalogue_is_in_the_matrix_once() -> None:
    keys = [key for _, group in condition_matrix.GROUPS for key in group]
    assert sorted(keys) == sorted(catalog.ALL_KEYS)


def test_the_three_gradient_bases_pool_into_the_reference_column() -> None:
    made = condition_matrix.conditions([(base, "VGG16") for base in catalog.GRADIENT_BASES], {})
    assert {(c.column, c.column_order, c.is_reference) for c in made} == {("Grad-CAMs", 0, True)}


def test_the_reference_comes_first_and_ours_in_their_order() -> None:
    ticks = [
        ("gradcam.comp-edges", "VGG16"),
        ("edges", "VGG16"),
        ("gradcam.add-edges", "VGG16"),
        ("gradcam", "VGG16"),
    ]
    made = condition_matrix.conditions(ticks, {})
    assert [c.column for c in made if not c.column_order] == ["Grad-CAMs"]
    assert sorted({(c.column_order, c.column) for c in made}) == [
        (0, "Grad-CAMs"),
        (1, "Ours 1"),
        (2, "Ours 4"),
        (3, "Edges only"),
    ]


def test_a_control_has_no_base_and_keeps_its_key() -> None:
    assert [(c.base, c.method) for c in condition_matrix.conditions([("randomcam", "VGG16")], {})] == [
        ("", "randomcam")
    ]


@pytest.mark.parametrize(
    ("ticks", "columns", "says"),
    [
        ([], {}, "Tick at least one"),
        ([("gradcam", "VGG16")], {"gradcam": "x" * 61}, "at most 60"),
        ([("gradcamm", "VGG16")], {}, "gradcam"),
    ],
)
def test_what_cannot_be_is_refused_with_words(
    ticks: list[tuple[str, str]], columns: dict[str, str], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        condition_matrix.conditions(ticks, columns)


@pytest.fixture
def study(db: None, media: object) -> Study:
    return ready_study()


def test_saving_ticks_replaces_the_conditions_of_a_draft(admin_client: Client, study: Study) -> None:
    url = reverse("admin:study_conditions", args=[study.pk])
    ticks = ["gradcam|VGG16", "gradcam.add-edges|VGG16", "gradcam.add-edges|MobileNetV2"]
    admin_client.post(url, {"tick": ticks, "column:gradcam.add-edges": "Edges added"})
    found = study.conditions.values_list("column", "classifier", "base", "method")
    assert set(found) == {
        ("Grad-CAMs", "VGG16", "gradcam", ""),
        ("Edges added", "VGG16", "gradcam", "add-edges"),
        ("Edges added", "MobileNetV2", "gradcam", "add-edges"),
    }


def test_nothing_ticked_changes_nothing_and_says_so(admin_client: Client, study: Study) -> None:
    page = admin_client.post(reverse("admin:study_conditions", args=[study.pk]), {}, follow=True)
    assert "Tick at least one" in page.content.decode()
    assert study.conditions.count() == 2


@pytest.mark.parametrize("preset", ["feature-cam-table-1", "feature-cam-full", "pilot", "controls"])
def test_a_preset_fills_design_and_conditions(admin_client: Client, study: Study, preset: str) -> None:
    url = reverse("admin:study_conditions", args=[study.pk])
    admin_client.post(url, {"preset": preset, "classifier": "MobileNetV2"})
    study.refresh_from_db()
    columns = set(study.conditions.values_list("column", flat=True))
    assert {"Grad-CAMs", "Ours 1", "Ours 5"} <= columns
    assert set(study.conditions.values_list("classifier", flat=True)) == {"MobileNetV2"}
    assert admin_client.get(reverse("admin:study_check", args=[study.pk])).status_code == 200


def test_a_sealed_study_keeps_its_conditions(admin_client: Client, study: Study) -> None:
    admin_client.post(reverse("admin:study_live", args=[study.pk]), {"verb": "live"})
    url = reverse("admin:study_conditions", args=[study.pk])
    page = admin_client.post(url, {"tick": ["gradcam|VGG16"]}, follow=True)
    assert "new version" in page.content.decode()
    assert study.conditions.count() == 2
