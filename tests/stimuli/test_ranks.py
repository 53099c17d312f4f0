"""Maps of further classes: what tasks need of them, what is asked for, and what is said to be missing."""

from pathlib import Path

import pytest

from survey_site.protocols import shown_maps
from survey_site.stimuli import jobs, map_progress, ranks
from survey_site.stimuli.labels import label_of
from survey_site.stimuli.models import MapPicture, PrecomputeJob, SaliencyMap
from survey_site.studies.models import Condition, Study
from tests.stimuli.ranked import show_ranks
from tests.studies.sample import CLASSIFIER, add_maps, ready_study

State = PrecomputeJob.State


@pytest.fixture
def study(db: None, media: Path) -> Study:
    """Two conditions, three images, every map of the predicted class; and the edges, which explain no class."""
    study = ready_study(images=3, reserve=0)
    Condition.objects.create(study=study, column="Edges", classifier=CLASSIFIER, base="", method="edges")
    for stimulus in study.stimuli.all():
        add_maps(stimulus, ["edges"], originals=False)
    return study


def add_second(study: Study, method: str = "gradcam", rank: int = 1) -> None:
    for row in SaliencyMap.objects.filter(stimulus__study=study, method=method, rank=0):
        picture = row.pictures.get()
        made = SaliencyMap.objects.create(
            stimulus=row.stimulus, classifier=CLASSIFIER, method=method, layer=row.layer, class_index=1 + rank,
            class_name="cat", rank=rank, parameters_hash="2" * 64, provenance={"rank": rank},
        )  # fmt: skip
        MapPicture.objects.create(
            saliency_map=made, colour_map="jet", sha256=picture.sha256, path=picture.path
        )


def asked(study: Study) -> list[dict[str, object]]:
    return list(PrecomputeJob.objects.filter(stimulus__study=study).values_list("settings", flat=True))


def test_tasks_of_today_need_the_predicted_class_alone(study: Study) -> None:
    assert ranks.ranks_of(study) == (0,)
    jobs.request(study)
    assert all("ranks" not in settings for settings in asked(study))
    assert jobs.missing_maps(study) == []


def test_the_ranks_are_those_of_all_tasks_with_trials_and_always_the_first(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    show_ranks(monkeypatch, 3, 1)
    assert ranks.ranks_of(study) == (0, 1, 3)
    first = next(iter(study.task_settings))
    study.task_settings[first]["trials_per_column"] = 0
    assert ranks.ranks_of(study) == (0,)
    study.task_settings = {"gone": {"trials_per_column": 2}}
    assert ranks.ranks_of(study) == (0,)


def test_finished_jobs_are_asked_again_once_for_further_classes_and_keep_what_they_had(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs.request(study, methods=["gradcampp"])
    PrecomputeJob.objects.update(state=State.DONE)
    with monkeypatch.context() as patch:
        show_ranks(patch, 0, 1)
        assert jobs.request(study) == 3
        assert {tuple(settings["ranks"]) for settings in asked(study)} == {(0, 1)}  # type: ignore[arg-type]
        assert "gradcampp" in PrecomputeJob.objects.all()[0].methods
        assert jobs.request(study) == 0
        PrecomputeJob.objects.update(state=State.DONE)
        assert jobs.request(study) == 0
        assert map_progress.lines(study)[0].images_left == 0
    with monkeypatch.context() as patch:
        show_ranks(patch, 0, 2)
        assert map_progress.lines(study)[0].images_left == 3
        assert jobs.request(study) == 3
        assert {tuple(settings["ranks"]) for settings in asked(study)} == {(0, 2)}  # type: ignore[arg-type]
    PrecomputeJob.objects.update(state=State.DONE)
    assert jobs.request(study) == 0  # a task that needs less is covered
    assert map_progress.lines(study)[0].images_left == 0


def test_what_failed_for_want_of_classes_comes_back_without_the_task(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        show_ranks(patch, 0, 5)
        jobs.request(study)
    PrecomputeJob.objects.update(state=State.FAILED, permanent=True)
    assert jobs.request(study) == 3
    assert all("ranks" not in settings for settings in asked(study))


def test_a_further_method_without_classes_leaves_the_classes_of_the_others(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    show_ranks(monkeypatch, 0, 1)
    study.conditions.filter(method="edges").delete()
    jobs.request(study)
    assert jobs.request(study, methods=["edges"]) == 3
    assert {tuple(settings["ranks"]) for settings in asked(study)} == {(0, 1)}  # type: ignore[arg-type]
    assert "gradcam" in PrecomputeJob.objects.all()[0].methods


def test_other_settings_ask_for_the_needed_classes_only(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        show_ranks(patch, 0, 1)
        jobs.request(study)
    study.edges = "hed-authors"
    study.save()
    assert jobs.request(study) == 3
    assert all("ranks" not in settings for settings in asked(study))


def test_no_further_classes_are_asked_of_what_explains_none(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    show_ranks(monkeypatch, 0, 1)
    study.conditions.exclude(method="edges").delete()
    jobs.request(study)
    assert all("ranks" not in settings for settings in asked(study))
    assert jobs.missing_maps(study) == []


def test_a_missing_map_of_a_further_class_is_named_by_its_place(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    show_ranks(monkeypatch, 0, 1)
    add_second(study)
    assert jobs.missing_maps(study) == [
        f"m{n}: no map of gradcam.add-edges by {CLASSIFIER} for the network's 2nd class" for n in range(3)
    ]
    add_second(study, "gradcam.add-edges")
    assert jobs.missing_maps(study) == []


def test_an_uploaded_map_stands_for_one_class(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    Condition.objects.create(
        study=study, column="Extremal", classifier=CLASSIFIER, base="", method="extremal"
    )
    for stimulus in study.stimuli.all():
        add_maps(stimulus, ["extremal"], originals=False)
    show_ranks(monkeypatch, 0, 2)
    assert (
        f"m0: no map of extremal uploaded for {CLASSIFIER} for the network's 3rd class "
        "(an uploaded map explains one class)"
    ) in jobs.missing_maps(study)


def test_the_line_of_a_classifier_counts_the_maps_of_every_class(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_second(study)
    show_ranks(monkeypatch, 0, 1)
    (line,) = map_progress.lines(study)
    # Three images: two conditions for two classes, edges and original once.
    assert (line.maps, line.maps_wanted, line.further) == (15, 18, ("2nd",))


def test_the_maps_served_are_those_of_the_classes_that_tasks_show(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_second(study)
    add_second(study, rank=2)
    shown = [(m.stimulus, m.method, m.rank) for m in shown_maps.maps_shown(study)]
    assert len(shown) == 12 and all(rank == 0 for _, _, rank in shown)
    show_ranks(monkeypatch, 0, 1)
    shown = [(m.stimulus, m.method, m.rank) for m in shown_maps.maps_shown(study)]
    assert [each for each in shown if each[0] == "m0"] == [
        ("m0", "edges", 0),
        ("m0", "gradcam", 0),
        ("m0", "gradcam", 1),
        ("m0", "gradcam.add-edges", 0),
        ("m0", "original", 0),
    ]


@pytest.mark.parametrize(
    ("rank", "words"), [(0, "1st"), (1, "2nd"), (2, "3rd"), (3, "4th"), (10, "11th"), (21, "22nd")]
)
def test_places_are_said_as_people_say_them(rank: int, words: str) -> None:
    assert ranks.ordinal(rank) == words


def test_a_label_names_the_class_that_is_not_the_predicted_one(study: Study) -> None:
    add_second(study)
    first, second = SaliencyMap.objects.filter(stimulus__key="m0", method="gradcam").order_by("rank")
    assert label_of(first) == f"Grad-CAM · {CLASSIFIER}"
    assert label_of(second) == f"Grad-CAM · 2nd class: cat · {CLASSIFIER}"
