"""The path from images to a live study, on every page of it: what is there, what is missing, what comes next."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from survey_site.desk.page_table import PAGES
from survey_site.desk.steps import (
    CHECK,
    CONDITIONS,
    IMAGES,
    LIVE,
    MAPS,
    PARTS,
    PREVIEW,
    TEXTS,
    TITLES,
    path_of,
)
from survey_site.protocols import freeze
from survey_site.studies.models import Membership, Study
from tests.studies.sample import ready_study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def missing(study: Study) -> dict[str, str]:
    return {step.name: step.missing for step in path_of(Study.objects.get(pk=study.pk)).steps if step.missing}


def test_an_empty_study_lacks_everything_and_begins_with_its_images() -> None:
    study = Study.objects.create(slug="new", title="New")
    assert set(missing(study)) == {IMAGES, CONDITIONS, MAPS, TEXTS, LIVE}
    path = path_of(study)
    assert path.following is not None and path.following.name == IMAGES
    assert not any(step.done for step in path.steps)


def test_each_thing_that_is_missing_is_said_at_its_step() -> None:
    study = ready_study()
    assert missing(study) == {LIVE: "not sealed"}
    study.stimuli.get(key="m1").maps.all().delete()
    Study.objects.update(contact="", controller="", ethics_number="", ids_erased_on=None)
    study.stimuli.filter(key__in=["r0", "r1"]).delete()
    found = missing(study)
    assert found[MAPS] == "3 missing" and found[TEXTS] == "facts missing"
    assert found[IMAGES] == "2 for practice" and found[CHECK] == "1 to change"
    study.stimuli.filter(key__startswith="m", pk__gt=study.stimuli.get(key="m2").pk).delete()
    assert missing(study)[IMAGES] == "3 more needed"


@pytest.mark.usefixtures("counts_are_kept")
def test_so_many_maps_that_they_take_long_to_count_are_not_counted_by_every_page_but_going_live_looks() -> (
    None
):
    study = ready_study()
    assert missing(study) == {LIVE: "not sealed"}
    study.stimuli.get(key="m1").maps.all().delete()
    with CaptureQueriesContext(connection) as captured:
        assert missing(study) == {LIVE: "not sealed"}
    assert not [query for query in captured if "saliencymap" in query["sql"]]
    with pytest.raises(freeze.NotReady, match="m1: no map of"):
        freeze.go_live(study)


def test_of_a_sealed_study_nothing_is_missing() -> None:
    study = ready_study()
    freeze.go_live(study)
    assert missing(study) == {} and all(step.done for step in path_of(Study.objects.get()).steps)


def test_back_and_next_follow_the_path() -> None:
    study = ready_study()
    order = [IMAGES, CONDITIONS, MAPS, TEXTS, CHECK, PREVIEW, LIVE]
    for place, name in enumerate(order):
        path = path_of(study, name)
        assert path.current is not None and path.current.name == name
        assert (path.back.name if path.back else None) == (order[place - 1] if place else None)
        assert (path.following.name if path.following else None) == (order[place + 1] if place < 6 else None)
    assert path_of(study, "upload-maps").here == MAPS


def test_every_step_is_a_page_and_every_page_of_it_shows_the_path_and_its_own_title(
    admin_client: Client,
) -> None:
    study = ready_study()
    names = {page.name for page in PAGES} | {part.name for page in PAGES for part in page.parts}
    assert set(TITLES) | set(PARTS) <= names
    titles = set()
    for name in TITLES:
        html = admin_client.get(reverse(f"admin:study_{name}", args=[study.pk])).content.decode()
        assert 'class="survey-path"' in html and html.count('aria-current="step"') == 1
        assert ('id="next-step"' in html) == (name != LIVE)
        title = html.partition("<title>")[2].partition("</title>")[0].strip()
        assert title.endswith("Sample")
        titles.add(title)
    assert len(titles) == len(TITLES)
    form = admin_client.get(reverse("admin:studies_study_change", args=[study.pk])).content.decode()
    assert 'class="survey-path"' in form and "Go on: Live" in form


def test_who_may_look_only_gets_no_steps_to_take(client: Client, admin_user: User) -> None:
    study = ready_study()
    analyst = User.objects.create_user("ana", is_staff=True)
    Membership.objects.create(study=study, user=analyst, role="analyst")
    client.force_login(analyst)
    html = client.get(reverse("admin:study_preview", args=[study.pk])).content.decode()
    assert "See it as participants do" in html and 'class="survey-path"' not in html
