"""Trials show a map over its photo where the study says so, and nowhere else."""

import io

import numpy as np
import pytest
from PIL import Image

from survey_site.protocols import freeze
from survey_site.protocols.document import assessment_of
from survey_site.protocols.models import ServedImage
from survey_site.stimuli import storage
from survey_site.stimuli.models import MapPicture
from survey_site.studies.models import Study
from survey_site.trials import preview
from tests.studies.sample import ready_study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def pixels(path: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(storage.get(path))).convert("RGB")).astype(float)


def stored(stimulus: str, method: str) -> np.ndarray:
    shown = MapPicture.objects.get(saliency_map__stimulus__key=stimulus, saliency_map__method=method)
    return pixels(shown.path)


def served(study: Study, stimulus: str, method: str) -> np.ndarray:
    return pixels(
        ServedImage.objects.get(
            protocol__study=study, saliency_map__stimulus__key=stimulus, saliency_map__method=method
        ).path
    )


def test_without_the_setting_maps_are_served_as_they_are_and_the_document_says_nothing() -> None:
    study = ready_study()
    protocol = freeze.go_live(study)
    assert not {"overlay", "explain_own_class"} & set(protocol.document["design"])
    np.testing.assert_array_equal(served(study, "m1", "gradcam"), stored("m1", "gradcam"))


def test_with_it_each_map_lies_over_its_own_photo_and_the_document_says_so() -> None:
    study = ready_study(overlay=True)
    protocol = freeze.go_live(study)
    assert protocol.document["design"]["overlay"] is True
    for stimulus in ("m0", "m1"):
        both = (stored(stimulus, "gradcam") + stored(stimulus, "original")) / 2
        np.testing.assert_allclose(served(study, stimulus, "gradcam"), both, atol=1)
        np.testing.assert_array_equal(served(study, stimulus, "original"), stored(stimulus, "original"))


def test_the_preview_shows_what_trials_will() -> None:
    study = ready_study(overlay=True)
    path = MapPicture.objects.get(saliency_map__stimulus__key="m1", saliency_map__method="gradcam").path
    shown = preview.render(path, 48, preview.photo_below(study, path))
    both = (stored("m1", "gradcam") + stored("m1", "original")) / 2
    np.testing.assert_allclose(np.asarray(Image.open(io.BytesIO(shown))).astype(float), both, atol=1)
    study.overlay = False
    assert preview.photo_below(study, path) == ""


def test_a_task_of_pools_is_warned_of_it() -> None:
    told = {finding.code for finding in assessment_of(ready_study(overlay=True)).findings}
    assert "overlay" in told
    assert "overlay" not in {f.code for f in assessment_of(ready_study(slug="plain")).findings}
