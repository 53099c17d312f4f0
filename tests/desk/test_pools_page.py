"""Pools arranged by hand as pictures: whole or not at all, and then those that are sealed."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from survey_site.desk.hand_made_pools import boxes_of, moved, place, source_first, without_exemplar, wrong
from survey_site.protocols import freeze
from survey_site.studies.models import Study
from tests import factories
from tests.studies.sample import ready_study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def study() -> Study:
    return ready_study(images=6, columns=2)


def at(study: Study) -> str:
    return reverse("admin:study_pools", args=[study.pk])


def sent(client: Client, study: Study, *pools: str) -> dict[str, Any]:
    """What the browser sends where these images stand together, as "m0 m1 m2"."""
    (task,) = client.get(at(study)).context["tasks"]
    numbers = {key: str(n) for n, pool in enumerate(pools, start=1) for key in pool.split()}
    places = {f"pool:{image.pk}": numbers.get(image.key, "") for image in study.stimuli.filter(role="main")}
    return {"task": task["name"], "seen": task["seen"]} | places


def stored(study: Study) -> dict[str, Any]:
    found: dict[str, Any] = Study.objects.get(pk=study.pk).task_settings["matching"]
    return found


def test_the_pools_that_were_arranged_are_those_that_are_sealed(admin_client: Client, study: Study) -> None:
    form = sent(admin_client, study, "m0 m3 m4", "m1 m2 m5")
    assert admin_client.post(at(study), form).status_code == 302
    assert (stored(study)["fixed_pools"], stored(study)["pool_strategy"]) == (
        [["m0", "m3", "m4"], ["m1", "m2", "m5"]],
        "fixed",
    )
    items = freeze.go_live(Study.objects.get()).document["items"]["matching"]
    assert [item["stimuli"] for item in items] == [["m0", "m3", "m4"], ["m1", "m2", "m5"]]


@pytest.mark.parametrize(
    ("pools", "says"),
    [
        (["m0 m1", "m2 m3 m4"], "Pool 1 has 2 images instead of 3."),
        (["m0 m1 m2"], "The design needs 2 pools; 1 are arranged."),
        ([], "The design needs 2 pools; 0 are arranged."),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_stored(
    admin_client: Client, study: Study, pools: list[str], says: str
) -> None:
    before = stored(study)
    response = admin_client.post(at(study), sent(admin_client, study, *pools))
    assert response.status_code == 422 and says in response.content.decode()
    assert stored(study) == before
    boxes = response.context["tasks"][0]["boxes"]
    assert [" ".join(image.key for image in images) for _n, images in boxes if images] == pools


@pytest.mark.parametrize("deal", ["random", "one_per_class"])
def test_a_proposal_is_shown_and_not_stored(admin_client: Client, study: Study, deal: str) -> None:
    before = stored(study)
    response = admin_client.get(at(study) + f"?deal={deal}")
    (task,) = response.context["tasks"]
    assert [len(images) for _n, images in task["boxes"]] == [3, 3, 0] and not task["left"]
    if deal == "one_per_class":
        assert all(
            len({image.stimulus_class for image in images}) == 3 for _n, images in task["boxes"] if images
        )
    assert "nothing is stored before you save" in response.content.decode()
    assert stored(study) == before
    assert "need more than these 6" in admin_client.get(at(study) + "?deal=same_class").content.decode()


@pytest.fixture
def exemplar() -> Study:
    """Nine images of two classes for pools of two beside their source, three wanted."""
    return factories.draft(
        images=9, reserve=6, pool_size=2, another_exemplar=True, rating_trials_per_column=0
    )


def test_pools_of_another_exemplar_are_dealt_saved_and_sealed(admin_client: Client, exemplar: Study) -> None:
    classes = dict(exemplar.stimuli.values_list("key", "stimulus_class"))
    page = admin_client.get(at(exemplar))
    assert [key for key, _title in page.context["tasks"][0]["deals"]] == ["exemplar"]
    assert "the first by name is" in page.content.decode()
    assert admin_client.get(at(exemplar) + "?deal=random").context["proposed"] is False
    (task,) = admin_client.get(at(exemplar) + "?deal=exemplar").context["tasks"]
    dealt = [[image.key for image in images] for _n, images in task["boxes"] if images]
    assert len(dealt) == 3
    form = sent(admin_client, exemplar, *(" ".join(pool) for pool in dealt))
    assert admin_client.post(at(exemplar), form).status_code == 302
    assert stored(exemplar)["fixed_pools"] == dealt
    for source, *shown in stored(exemplar)["fixed_pools"]:
        assert [classes[key] for key in shown].count(classes[source]) == 1
        assert len({classes[key] for key in shown}) == len(shown)
    draft = freeze.draft_of(Study.objects.get())
    assert draft.problems == []
    assert draft.document is not None
    assert {frozenset(item["stimuli"]) for item in draft.document["items"]["matching"]} == set(
        map(frozenset, dealt)
    )


def test_pools_without_another_exemplar_are_refused_by_number(admin_client: Client, exemplar: Study) -> None:
    main = exemplar.stimuli.filter(role="main").order_by("key")
    for number, image in enumerate(main):
        image.stimulus_class = "ab"[number % 2] if number < 8 else "c"
        image.save()
    keys = [image.key for image in main]
    pools = [
        f"{keys[0]} {keys[2]} {keys[4]}",
        f"{keys[1]} {keys[3]} {keys[6]}",
        f"{keys[5]} {keys[7]} {keys[8]}",
    ]
    response = admin_client.post(at(exemplar), sent(admin_client, exemplar, *pools))
    assert response.status_code == 422
    said = response.content.decode()
    assert "Pool 1 needs two images of one class" in said
    assert "Pool 2 needs" not in said and "Pool 3 needs" not in said
    assert not stored(exemplar)["fixed_pools"]


def test_the_source_is_the_first_of_the_two_images_of_one_class() -> None:
    classes = {"a": "dog", "b": "cat", "c": "cat", "d": "bird", "e": ""}
    assert source_first(["a", "b", "c", "d"], classes) == ["b", "a", "c", "d"]
    assert source_first(["a", "d", "e"], classes) == ["a", "d", "e"]
    assert without_exemplar({1: ["b", "a", "c", "d"]}, classes) == []
    assert len(without_exemplar({1: ["a", "d", "e"], 2: ["b", "c", "c"], 3: ["b", "a"]}, classes)) == 3


def test_an_arrangement_that_somebody_else_has_saved_is_not_overwritten(
    admin_client: Client, study: Study
) -> None:
    first = sent(admin_client, study, "m0 m1 m2", "m3 m4 m5")
    second = sent(admin_client, study, "m0 m1 m3", "m2 m4 m5")
    admin_client.post(at(study), first)
    response = admin_client.post(at(study), second)
    assert response.status_code == 422 and "Somebody else saved this meanwhile" in response.content.decode()
    assert stored(study)["fixed_pools"][0] == ["m0", "m1", "m2"]


def test_a_sealed_study_keeps_its_pools_and_other_forms_leave_them_alone(
    admin_client: Client, study: Study
) -> None:
    admin_client.post(at(study), sent(admin_client, study, "m0 m1 m2", "m3 m4 m5"))
    form = sent(admin_client, study, "m0 m1 m3", "m2 m4 m5")
    freeze.go_live(Study.objects.get())
    assert "The study is sealed" in admin_client.post(at(study), form).content.decode()
    assert stored(study)["fixed_pools"][0] == ["m0", "m1", "m2"]


def test_numbers_say_which_pool_and_the_rest_is_in_none() -> None:
    numbers = {"b": "2", "a": "2", "c": "7", "d": "", "e": "0", "f": "x"}
    boxes = boxes_of({key: place(number) for key, number in numbers.items()})
    assert boxes == {2: ["a", "b"], 7: ["c"]}
    assert wrong(boxes, 2) == ["Pool 7 has 1 images instead of 2."]


def test_images_that_are_not_sent_stay_where_they_were() -> None:
    assert moved([["b", "a"], ["d", "c"], ["gone", "e"]], "abcde", {"a": 1, "b": 0, "c": 1}) == {
        1: ["a", "c"],
        2: ["d"],
        3: ["e"],
    }
    assert moved([["b", "a"], ["d", "c"]], "abcd", {"d": 2}) == {1: ["b", "a"], 2: ["d", "c"]}
