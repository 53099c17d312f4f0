"""Copying a study: the design always, images and maps where wanted, data never."""

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from survey_site.protocols.copying import copy_study
from survey_site.protocols.study_file import write
from survey_site.protocols.study_file.read import BadStudyFile
from survey_site.recruitment.models import Recruitment
from survey_site.stimuli import jobs, missing_maps
from survey_site.stimuli.models import MapPicture, PrecomputeJob, SaliencyMap, StimulusFeatures
from survey_site.studies.models import Study
from survey_site.trials import deletion
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def told(study: Study) -> dict[str, object]:
    """What is decided about a study, but for its names and the days of its run."""
    found = write.description_of(study)
    for section, names in {"study": ("title", "slug", "closes_on"), "facts": ("ids_erased_on",)}.items():
        for name in names:
            found[section].pop(name)
    return found


def test_a_copy_says_the_same_and_computes_nothing_twice() -> None:
    source = factories.live("first")
    stimulus = source.stimuli.first()
    assert stimulus
    StimulusFeatures.objects.create(stimulus=stimulus, classifier="MobileNetV2", vector=[1.0, 2.0])
    for row in source.stimuli.all():
        PrecomputeJob.objects.create(
            stimulus=row, classifier="MobileNetV2", methods=sorted({*factories.METHODS, "original"}),
            settings=jobs.job_settings(source, factories.METHODS), state=PrecomputeJob.State.DONE,
        )  # fmt: skip
    made = copy_study(source, None, title="Second", slug="second")
    assert told(made) == told(source)
    assert (made.state, made.closes_on, made.ids_erased_on, made.origin) == ("draft", None, None, "collected")
    count = missing_maps.count(made, made.stimuli.count())
    assert count.missing == 0 and count.wanted == SaliencyMap.objects.filter(stimulus__study=source).count()
    assert StimulusFeatures.objects.filter(stimulus__study=made).count() == 1
    assert jobs.request(made) == 0
    for model, path in ((SaliencyMap, "stimulus__study"), (MapPicture, "saliency_map__stimulus__study")):
        assert not any(row.seal_fault() for row in model.objects.filter(**{path: made}))
    assert not made.participants.exists() and not made.protocols.exists() and not made.memberships.exists()


def test_maps_and_images_stay_behind_where_they_are_not_wanted() -> None:
    source = factories.draft(pool_strategy="fixed", fixed_pools=[["image-000", "image-001"]])
    bare = copy_study(source, None, title="B", slug="b", images=False)
    assert not bare.stimuli.exists() and bare.task_settings["matching"]["fixed_pools"] == []
    pictures = copy_study(source, None, title="C", slug="c", maps=False)
    assert pictures.stimuli.count() == source.stimuli.count()
    assert not SaliencyMap.objects.filter(stimulus__study=pictures).exists()
    assert pictures.task_settings["matching"]["fixed_pools"] == [["image-000", "image-001"]]


def test_old_maps_stay_behind() -> None:
    source = factories.draft()
    SaliencyMap.objects.filter(stimulus__study=source, method="gradcam").update(current=False)
    made = copy_study(source, None, title="B", slug="b")
    assert not SaliencyMap.objects.filter(stimulus__study=made, method="gradcam").exists()


def test_the_next_run_can_leave_out_who_took_part_before() -> None:
    first = factories.draft("first")
    second = copy_study(first, None, title="2", slug="second", without_earlier=True)
    third = copy_study(second, None, title="3", slug="third", without_earlier=True)
    assert list(second.recruitment.earlier_studies.all()) == [first]
    assert set(third.recruitment.earlier_studies.all()) == {first, second}
    fourth = copy_study(third, None, title="4", slug="fourth")
    assert not Recruitment.objects.filter(study=fourth).exists()


def test_a_study_that_cannot_be_stored_as_it_is_is_not_copied() -> None:
    source = factories.draft()
    source.task_settings = {"gone": {"trials_per_column": 1}}
    source.save()
    with pytest.raises(BadStudyFile, match=r"tasks\.gone: no such task"):
        copy_study(source, None, title="B", slug="b")
    assert Study.objects.count() == 1


def test_the_files_of_a_copy_outlive_the_study_they_came_from() -> None:
    source = factories.draft()
    made = copy_study(source, None, title="B", slug="b")
    deletion.delete_study(source, None)
    paths = [s.path for s in made.stimuli.all()]
    assert paths and all(default_storage.exists(path) for path in paths)


def test_the_command_copies() -> None:
    owner = User.objects.create_user("ada", is_staff=True)
    factories.draft("first", owner=owner)
    call_command("copy_study", "first", "second", without_maps=True)
    made = Study.objects.get(slug="second")
    assert made.owner == owner and made.stimuli.exists()
    with pytest.raises(CommandError, match="give this one another"):
        call_command("copy_study", "first", "second")
