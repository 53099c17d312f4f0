"""Pools in pages: a page shows some, saving it changes those alone, and a proposal is stored whole from any page."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from survey_site.desk.pages import pools
from survey_site.studies.models import Study
from tests.studies.sample import ready_study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
STORED = [["m0", "m1", "m2"], ["m3", "m4", "m5"]]


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Study:
    """Ten images; of two pools a page shows one, and of the four images in none two."""
    monkeypatch.setattr(pools, "POOLS_PER_PAGE", 1)
    monkeypatch.setattr(pools, "LEFT_PER_PAGE", 2)
    study = ready_study(images=10, columns=2)
    return stored_as(study, STORED)


def stored_as(study: Study, pools: list[list[str]]) -> Study:
    study.task_settings["matching"] |= {"fixed_pools": pools, "pool_strategy": "fixed"}
    study.save()
    return study


def at(study: Study, query: str = "") -> str:
    return reverse("admin:study_pools", args=[study.pk]) + query


def opened(client: Client, study: Study, query: str = "") -> tuple[dict[str, int], dict[str, str]]:
    """Where a page shows images, and its form as the browser would send it."""
    return filled(client.get(at(study, query)).context["tasks"][0])


def filled(task: dict[str, Any]) -> tuple[dict[str, int], dict[str, str]]:
    boxed = [(image, number) for number, images in task["boxes"] for image in images]
    shown = [*boxed, *((image, 0) for image in task["left"])]
    form = {"task": task["name"], "seen": task["seen"], "deal": task["deal"]}
    return {image.key: number for image, number in shown}, form | {
        f"pool:{image.pk}": str(number or "") for image, number in shown
    }


def move(study: Study, form: dict[str, str], **to: str) -> dict[str, str]:
    return form | {f"pool:{study.stimuli.get(key=key).pk}": number for key, number in to.items()}


def stored(study: Study) -> list[list[str]]:
    found: list[list[str]] = Study.objects.get(pk=study.pk).task_settings["matching"]["fixed_pools"]
    return found


def test_saving_a_page_leaves_the_pools_of_other_pages(admin_client: Client, study: Study) -> None:
    shown, form = opened(admin_client, study, "?page=2&left=2")
    assert shown == {"m3": 2, "m4": 2, "m5": 2, "m7": 0, "m8": 0}
    response = admin_client.post(at(study, "?page=2&left=2"), move(study, form, m3="", m7="2"))
    assert response["Location"] == at(study, "?page=2&left=2")
    assert stored(study) == [["m0", "m1", "m2"], ["m4", "m5", "m7"]]


def test_a_pool_that_lacks_an_image_elsewhere_does_not_hold_up_a_page(
    admin_client: Client, study: Study
) -> None:
    study.stimuli.get(key="m4").delete()
    shown, form = opened(admin_client, study, "?page=1&left=1")
    outside = next(key for key, number in shown.items() if not number)
    admin_client.post(at(study, "?page=1&left=1"), move(study, form, m0="", **{outside: "1"}))
    assert stored(study) == [sorted(["m1", "m2", outside]), ["m3", "m5"]]
    _shown, form = opened(admin_client, study, "?page=2")
    assert "Pool 2 has 2 images" in admin_client.post(at(study, "?page=2"), form).content.decode()


def test_pools_are_built_page_by_page(admin_client: Client, study: Study) -> None:
    stored_as(study, [])
    response = admin_client.post(
        at(study), {"task": "matching"} | numbered(study, m0="1", m1="1", m2="1"), follow=True
    )
    assert stored(study) == [["m0", "m1", "m2"]]
    assert "The design needs 2 pools; 1 are arranged." in response.content.decode()


def numbered(study: Study, **to: str) -> dict[str, str]:
    return move(study, {}, **to)


def test_an_image_that_another_page_has_used_meanwhile_is_not_taken_back(
    admin_client: Client, study: Study
) -> None:
    _shown, mine = opened(admin_client, study, "?page=1&left=1")
    shown, theirs = opened(admin_client, study, "?page=2&left=1")
    taken, other = [key for key, number in shown.items() if not number]
    admin_client.post(at(study, "?page=2&left=1"), move(study, theirs, m3="", **{taken: "2"}))
    response = admin_client.post(at(study, "?page=1&left=1"), move(study, mine, m0="", **{other: "1"}))
    assert response.status_code == 422 and "Somebody else saved this meanwhile" in response.content.decode()
    assert stored(study) == [["m0", "m1", "m2"], sorted(["m4", "m5", taken])]


def test_a_proposal_is_stored_whole_with_what_was_moved_on_its_page(
    admin_client: Client, study: Study
) -> None:
    dealt = [opened(admin_client, study, f"?deal=random&page={page}") for page in (1, 2)]
    pages = [sorted(key for key, number in shown.items() if number) for shown, _form in dealt]
    shown, form = dealt[0]
    outside = next(key for key, number in shown.items() if not number)
    form = move(study, form, **{pages[0][0]: "", outside: "1"})
    response = admin_client.post(at(study, "?deal=random&page=1"), form)
    assert response["Location"] == at(study, "?page=1")
    assert stored(study) == [sorted([*pages[0][1:], outside]), pages[1]]


def test_a_proposal_of_images_that_have_changed_is_looked_at_again(
    admin_client: Client, study: Study
) -> None:
    _shown, form = opened(admin_client, study, "?deal=random")
    study.stimuli.filter(key__in=["m0", "m6"]).delete()
    response = admin_client.post(at(study, "?deal=random"), form)
    assert response.status_code == 422 and "have changed since this was proposed" in response.content.decode()
    assert stored(study) == STORED


def test_a_refused_page_shows_again_what_was_moved(admin_client: Client, study: Study) -> None:
    _shown, form = opened(admin_client, study, "?page=2&left=2")
    response = admin_client.post(at(study, "?page=2&left=2"), move(study, form, m7="2", m3=""))
    assert response.status_code == 302
    _shown, form = opened(admin_client, study, "?page=2&left=2")
    refused = admin_client.post(at(study, "?page=2&left=2"), move(study, form, m4=""))
    assert "Pool 2 has 2 images" in refused.content.decode()
    shown, again = filled(refused.context["tasks"][0])
    assert shown["m4"] == 0 and set(again) == set(form)
    assert admin_client.post(at(study, "?page=2&left=2"), move(study, again, m8="2")).status_code == 302
    assert stored(study)[1] == ["m5", "m7", "m8"]
