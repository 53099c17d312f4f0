"""What a design of these tasks cannot be is told before going live, with numbers."""

import pytest

from survey_site.protocols import freeze
from survey_site.stimuli.models import MapPicture, OwnModel, SaliencyMap, Stimulus
from survey_site.studies.models import Study
from tests import factories
from tests.tasks import studies

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def told(study: Study) -> str:
    return "\n".join(freeze.problems(study, freeze.draft_of(study)))


def make_alike(study: Study, images: int, *, rank: int, method: str, of_rank: int, of_method: str) -> None:
    """Lets the picture of one map be that of another, for so many images."""
    for stimulus in study.stimuli.order_by("key")[:images]:
        one = MapPicture.objects.get(saliency_map__in=stimulus.maps.filter(rank=rank, method=method))
        other = MapPicture.objects.get(saliency_map__in=stimulus.maps.filter(rank=of_rank, method=of_method))
        MapPicture.objects.filter(pk=one.pk).update(sha256=other.sha256, path=other.path)


def test_a_network_without_mistakes_is_told_with_the_number_of_images() -> None:
    study = studies.draft("agreement")
    studies.predict(study, wrong=1)
    assert "but 12 images are taken for what they are, 0 for something else" in told(study)
    assert "Add 3 images that the network takes for something else" in told(study)


def test_too_few_mistakes_are_told_with_how_many_are_missing() -> None:
    study = studies.draft("agreement", trials=4)
    for stimulus in study.stimuli.filter(role="main").order_by("key")[1::4]:
        own = stimulus.stimulus_class
        SaliencyMap.objects.filter(stimulus=stimulus, method="original").update(class_name=own)
    assert "9 images are taken for what they are, 3 for something else" in told(study)
    assert "Add 3 images" in told(study)


def test_classes_that_the_network_never_says_are_told_to_be_named_otherwise() -> None:
    study = studies.draft("agreement")
    Stimulus.objects.update(stimulus_class="n01440764")
    assert "the classes do not seem to be named as the network names them" in told(study)


@pytest.mark.parametrize("task", ["agreement", "distinction"])
def test_images_without_a_class_are_counted(task: str) -> None:
    study = studies.draft(task)
    Stimulus.objects.filter(key__in=["image-002", "image-015"]).update(stimulus_class="")
    assert "Of 2 of 20 images (image-002 first) it is not known whether the prediction is right" in told(
        study
    )


def test_maps_of_the_images_own_class_leave_no_prediction_wrong() -> None:
    study = studies.draft("agreement", explain_own_class=True)
    assert "none of the predictions shown would be wrong" in told(study)


def test_an_odd_number_of_predictions_has_no_half() -> None:
    assert "Ask for 2 or 4 trials per column." in told(studies.draft("agreement", trials=3))


def test_one_method_leaves_nothing_to_prefer() -> None:
    study = studies.draft("preference", methods=studies.METHODS[:1])
    assert "A preference trial shows 2 maps under as many columns; there is 1." in told(study)


def test_two_columns_of_one_picture_are_counted() -> None:
    study = studies.draft("preference")
    make_alike(study, 4, rank=0, method=studies.METHODS[1], of_rank=0, of_method=studies.METHODS[0])
    line = told(study)
    assert "for 4 images (image-000 first) Column 0 beside Column 1 shows the same picture twice" in line


def test_two_classes_of_one_picture_are_counted() -> None:
    study = studies.draft("distinction")
    make_alike(study, 5, rank=2, method=studies.METHODS[0], of_rank=1, of_method=studies.METHODS[0])
    line = told(study)
    assert "shows 4 maps of one image beside each other, but for 5 images (image-000 first) Column 0" in line


def test_a_network_of_three_classes_has_no_fourth() -> None:
    study = studies.draft("distinction")
    OwnModel.objects.create(study=study, name="mine", found={"classes": 3})
    assert "shows maps of 4 classes, and the network mine has 3" in told(study)


def test_maps_of_further_classes_that_are_not_there_are_told() -> None:
    study = studies.draft("distinction")
    SaliencyMap.objects.filter(rank=3).delete()
    assert "4th class" in told(study)


def test_columns_that_are_one_for_all_classes_alone_have_no_distinction() -> None:
    study = factories.draft(
        methods=("edges",),
        distinction_trials_per_column=2,
        matching_trials_per_column=0,
        rating_trials_per_column=0,
    )
    studies.predict(study)
    assert "no column's maps differ by class" in told(study)


def test_what_can_be_goes_live() -> None:
    for task in ("preference", "distinction", "agreement"):
        study = studies.draft(task, slug=task)
        assert told(study) == ""
