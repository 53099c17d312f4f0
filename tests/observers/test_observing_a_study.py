"""The ladder over a study's own pictures: rows for each map in its pool, made once, with what is not there said."""

import io
from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from saliency_worker import observer_store, tasks
from survey_site.protocols import freeze, observed
from survey_site.protocols.document import document_of, outline
from survey_site.protocols.observed import NothingToObserve
from survey_site.protocols.shown_maps import maps_shown
from survey_site.stimuli import leased_rows
from survey_site.stimuli.models import MapPicture, SaliencyMap
from survey_site.stimuli.observed import ObservedMap, ObserverJob
from survey_site.studies.models import Study
from tests import factories
from tests.observers.painted import BARE, EDGES, choices, observe, other_network, share_right, study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def painted() -> Iterator[Study]:
    yield study()


@pytest.fixture(autouse=True)
def no_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observer_store, "ring", lambda pk: None)


def test_the_edge_observer_finds_drawn_edges_and_only_those(painted: Study) -> None:
    job = observe(painted)
    assert (job.state, job.fraction) == ("done", 1.0)
    assert share_right(painted, EDGES, "edge") == 1.0
    assert share_right(painted, BARE, "edge") < 1.0
    assert ObservedMap.objects.count() == 8 * 2


def test_choices_are_of_the_pool_and_margins_are_no_less_than_nothing(painted: Study) -> None:
    observe(painted)
    pools = [set(pool["shown"]) for pool in observed.order_of(painted)["pools"]["matching"]]
    for row in ObservedMap.objects.select_related("saliency_map__stimulus"):
        (pool,) = [pool for pool in pools if row.saliency_map.stimulus.key in pool]
        for found in row.found.values():
            assert found["choice"] in pool | {""}
            assert 0 <= found["margin"] <= 2


def test_what_is_there_is_not_computed_again(painted: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    job = observe(painted)
    assert observed.request(painted).pk == job.pk  # done: nothing is queued
    assert not ObserverJob.objects.filter(state="queued").exists()
    ObserverJob.objects.all().delete()
    looked: list[int] = []
    read = observer_store.Served.map
    monkeypatch.setattr(observer_store.Served, "map", lambda self, pk: looked.append(pk) or read(self, pk))
    observe(painted)
    assert looked == []
    MapPicture.objects.filter(saliency_map__method=EDGES).update(
        sha256="0" * 64
    )  # others pictures: another order
    assert observed.asked(painted).job is None


def test_without_a_second_classifier_its_observer_is_left_out_and_that_is_said(painted: Study) -> None:
    job = observe(painted)
    assert choices(painted, BARE, "other_cam") == {}
    assert any("no other classifier has bare maps" in note for note in job.found["notes"])


def test_another_networks_cam_finds_maps_that_it_shares(painted: Study) -> None:
    observe(painted)
    other_network(painted)
    job = observe(painted) if observed.asked(painted).job is None else _again(painted)
    assert not any("no other classifier" in note for note in job.found["notes"])
    assert share_right(painted, BARE, "other_cam") == 1.0


def _again(painted: Study) -> ObserverJob:
    """The same order once more, as after more maps were computed."""
    ObserverJob.objects.all().delete()
    return observe(painted)


def test_maps_made_elsewhere_without_an_array_are_said_and_the_rest_computed(painted: Study) -> None:
    other_network(painted, arrays=False)
    job = observe(painted)
    assert any(
        "8 maps of other classifiers were made elsewhere and have no array" in n for n in job.found["notes"]
    )
    assert share_right(painted, EDGES, "edge") == 1.0


def test_a_pool_of_identical_pictures_is_said_and_nothing_chosen() -> None:
    same = study("same")
    originals = MapPicture.objects.filter(saliency_map__stimulus__study=same, saliency_map__method="original")
    originals.update(path=originals.order_by("pk")[0].path)
    job = observe(same)
    assert set(choices(same, EDGES, "edge").values()) == {""}
    assert any("2 pools show the same picture twice" in note for note in job.found["notes"])
    assert any(
        "“Edge” cannot tell the candidates apart for 16 of 16 maps" in note for note in job.found["notes"]
    )


def test_a_picture_that_is_gone_is_said_and_the_others_judged(painted: Study) -> None:
    gone = MapPicture.objects.filter(saliency_map__method=EDGES).order_by("pk")[0]
    default_storage.delete(gone.path)
    job = observe(painted)
    assert job.state == "done"
    assert any(note.startswith("1 pictures cannot be read") for note in job.found["notes"])
    assert ObservedMap.objects.count() == 15


@pytest.mark.parametrize("broken", [b"", b"no array", "3 numbers", "no number"])
def test_an_array_that_is_no_map_is_said_and_its_pools_go_without(
    painted: Study, broken: bytes | str
) -> None:
    other_network(painted)
    one = SaliencyMap.objects.filter(classifier="ResNet50").order_by("pk")[0]
    if isinstance(broken, str):
        out = io.BytesIO()
        np.save(out, np.full((2, 2), np.nan) if broken == "no number" else np.zeros(3))
        broken = out.getvalue()
    default_storage.delete(one.array_path)
    default_storage.save(one.array_path, ContentFile(broken))
    job = observe(painted)
    assert job.state == "done"
    assert any("cannot read 1 arrays" in note for note in job.found["notes"])
    assert len(choices(painted, BARE, "other_cam")) == 4  # the other pool
    assert len(choices(painted, BARE, "edge")) == 8


@pytest.mark.parametrize("cut", [0, 20, 60, -200])
def test_a_picture_that_is_broken_anywhere_is_said(painted: Study, cut: int) -> None:
    path = MapPicture.objects.filter(saliency_map__method=EDGES).order_by("pk")[0].path
    data = default_storage.open(path).read()
    default_storage.delete(path)
    default_storage.save(
        path, ContentFile(data[:cut] + bytes(8) + data[cut + 8 :] if cut > 0 else data[:cut])
    )
    job = observe(painted)
    assert job.state == "done"
    assert any(note.startswith("1 pictures cannot be read") for note in job.found["notes"])
    assert ObservedMap.objects.count() == 15


def test_images_of_one_class_or_of_a_class_each_are_observed_like_any() -> None:
    for number, name in enumerate(("cat", "")):
        made = study(f"classes{number}")
        made.stimuli.update(stimulus_class=name)
        assert observe(made).state == "done"
        assert share_right(made, EDGES, "edge") == 1.0
    for number, stimulus in enumerate(made.stimuli.all()):
        stimulus.stimulus_class = f"class {number}"
        stimulus.save()
    assert observe(made).state == "done"
    factories.change_task(made, "matching", another_exemplar=True)
    with pytest.raises(NothingToObserve, match="two images of one class"):
        observed.request(made)


def test_pools_of_two_are_observed_by_all() -> None:
    two = study("two", pool_size=2)
    observe(two, trained=True)
    assert len(choices(two, EDGES, "trained")) == 8
    assert share_right(two, EDGES, "edge") == 1.0


def test_a_study_that_lost_images_meanwhile_is_told_to_ask_again(painted: Study) -> None:
    job = observed.request(painted)
    gone = painted.stimuli.get(key=observed.order_of(painted)["pools"]["matching"][0]["shown"][0])
    SaliencyMap.objects.filter(stimulus=gone).delete()
    gone.delete()
    tasks.observe([job.pk])
    job.refresh_from_db()
    assert (job.state, job.permanent) == ("failed", True)
    assert f"{gone.key} is gone); ask for them again" in job.reason


def test_asked_twice_at_once_there_is_one_job_and_one_row_for_each_map(painted: Study) -> None:
    one, two = observed.request(painted), observed.request(painted)
    assert one == two
    assert len(leased_rows.claim(ObserverJob, [one.pk, two.pk], "a")) == 1
    assert leased_rows.claim(ObserverJob, [two.pk], "b") == []
    with pytest.raises(NothingToObserve, match="being tried just now"):
        observed.request(painted, trained=True)
    assert observed.request(painted).state == "running"


def test_a_worker_that_stopped_is_followed_by_another(painted: Study) -> None:
    job = observed.request(painted)
    (lost,) = leased_rows.claim(ObserverJob, [job.pk], "gone")
    leased_rows.sweep([ObserverJob], timezone.now() + timedelta(days=1))
    job = observe(painted)
    assert (job.state, ObservedMap.objects.count()) == ("done", 16)
    observer_store.observe(lost, "gone")  # it was only slow: the same rows, and no second end
    assert ObservedMap.objects.count() == 16
    assert ObserverJob.objects.get().finished_at == job.finished_at


def test_the_trained_matcher_is_tried_where_it_is_asked_for(painted: Study) -> None:
    observe(painted)
    assert choices(painted, EDGES, "trained") == {}
    job = observe(painted, trained=True)
    assert job.order["trained"] is True
    assert set(choices(painted, EDGES, "trained")) == set(choices(painted, EDGES, "edge"))


def test_one_pool_is_too_few_for_the_trained_matcher_and_that_is_said() -> None:
    one = study("one", images=4, matching_trials_per_column=1, target_participants=4)
    factories.change_task(one, "matching", pool_size=4)
    one.conditions.filter(column="Column 1").delete()
    job = observe(one, trained=True)
    assert any("“Trained matcher” is left out: it needs two pools" in note for note in job.found["notes"])
    assert choices(one, BARE, "edge")


def test_overlaid_maps_are_seen_over_their_photo(painted: Study) -> None:
    painted.overlay = True
    painted.save()
    observe(painted)
    assert share_right(painted, BARE, "edge") == 1.0  # the photo shines through, as for people


def test_where_nothing_is_matched_nothing_is_asked() -> None:
    rating = study("rating", matching_trials_per_column=0, rating_trials_per_column=2)
    with pytest.raises(NothingToObserve, match="no task of this study shows pools".capitalize()):
        observed.request(rating)
    few = study("few", images=4)
    with pytest.raises(NothingToObserve, match="needs 8 images"):
        observed.request(few)
    mapless = study("mapless")
    SaliencyMap.objects.filter(stimulus__study=mapless).delete()
    with pytest.raises(NothingToObserve, match="no maps yet"):
        observed.request(mapless)


def test_hard_pools_are_searched_by_the_worker_and_sealed() -> None:
    hard = study(
        "hard", images=24, hard_for_observers=True, matching_trials_per_column=3, target_participants=2
    )
    assert any("no search was made" in problem for problem in freeze.draft_of(hard).problems)
    job = observe(hard)
    found = job.found["search"]["matching"]
    assert found["hits_after"] < found["hits_before"] <= found["judged"] == 24 * 2 * 3
    document = outline(hard, image_px=64, texts={})
    assert [item["stimuli"] for item in document["items"]["matching"]] == found["groups"]
    assert sorted(key for group in found["groups"] for key in group) == sorted(
        hard.stimuli.filter(role="main").values_list("key", flat=True)
    )
    assert freeze.draft_of(hard).problems == []
    assert document_of(hard, maps_shown(hard), image_px=64, texts={})["tasks"]["matching"][
        "hard_for_observers"
    ]
    # The results are those of the pools that will be shown.
    pools = {frozenset(group) for group in found["groups"]}
    keys = dict(hard.stimuli.values_list("pk", "key"))
    assert {
        frozenset(keys[int(pk)] for pk in row.pool.split(",")) for row in ObservedMap.objects.all()
    } == pools


def test_hard_pools_keep_to_their_strategy() -> None:
    hard = study(
        "hard", images=12, pool_size=3, hard_for_observers=True, pool_strategy="one_per_class",
        matching_trials_per_column=2, target_participants=2,
    )  # fmt: skip
    classes = dict(hard.stimuli.values_list("key", "stimulus_class"))
    for group in observe(hard).found["search"]["matching"]["groups"]:
        assert len({classes[key] for key in group}) == 3


def test_another_exemplar_is_right_where_the_source_is_not_shown() -> None:
    other = study("other", images=18, reserve=6, pool_size=2, another_exemplar=True)
    observe(other)
    classes = dict(other.stimuli.values_list("key", "stimulus_class"))
    pools = observed.order_of(other)["pools"]["matching"]
    for pool in pools:
        ((source, right),) = pool["right"].items()
        assert source not in pool["shown"]
        assert classes[source] == classes[right]
    assert set(choices(other, EDGES, "edge")) == {source for pool in pools for source in pool["right"]}
    assert set(choices(other, EDGES, "edge").values()) <= {key for pool in pools for key in pool["shown"]}
