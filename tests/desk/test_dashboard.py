"""The first page and the empty lists: what there is, how far it is, and what to do next."""

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from survey_site.protocols import freeze
from survey_site.stimuli import jobs
from survey_site.stimuli.models import PrecomputeJob
from survey_site.studies import cached_counts
from survey_site.studies.models import Membership, Study
from tests.reports.factory import survey
from tests.studies.sample import ready_study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
RENEWS = 'hx-select="#studies"'
LISTS = {
    "studies_study": "its pages then lead you on",
    "stimuli_stimulus": "Images come in on their study",
    "stimuli_precomputejob": "Jobs appear when maps are asked for",
    "stimuli_saliencymap": "computed by a worker, or uploaded",
    "protocols_protocol": "sealed when a study starts its pilot",
}


def index(client: Client) -> str:
    return client.get(reverse("admin:index")).content.decode()


def test_an_empty_installation_says_what_to_do(admin_client: Client) -> None:
    page = index(admin_client)
    assert "There is no study yet" in page
    assert reverse("admin:studies_study_add") in page
    assert 'id="studies"' not in page


@pytest.mark.parametrize("name", LISTS)
def test_every_empty_list_says_how_it_is_filled(admin_client: Client, name: str) -> None:
    url = reverse(f"admin:{name}_changelist")
    page = admin_client.get(url).content.decode()
    assert LISTS[name] in page
    searched = admin_client.get(url, {"q": "x"}).content.decode()
    assert "Nothing matches" in searched or name == "protocols_protocol"


@pytest.mark.parametrize(
    "page", ["images", "conditions", "precompute", "preview", "live", "monitor", "upload-maps"]
)
def test_every_page_of_a_study_without_anything_opens_and_leads_on(admin_client: Client, page: str) -> None:
    study = Study.objects.create(slug="new", title="New")
    response = admin_client.get(reverse(f"admin:study_{page}", args=[study.pk]))
    assert response.status_code == 200


def test_the_next_step_follows_the_state_of_the_study(admin_client: Client) -> None:
    study = Study.objects.create(slug="new", title="New")
    assert reverse("admin:study_images", args=[study.pk]) in index(admin_client)
    study.delete()
    study = ready_study()
    assert reverse("admin:study_precompute", args=[study.pk]) in index(admin_client)
    jobs.request(study)
    page = index(admin_client)
    assert "0/9" in page and "9 under way" in page and RENEWS in page
    PrecomputeJob.objects.update(state="done")
    assert reverse("admin:study_check", args=[study.pk]) in index(admin_client)
    study.conditions.all().delete()
    assert reverse("admin:study_conditions", args=[study.pk]) in index(admin_client)


def test_recruitment_is_shown_for_each_study(admin_client: Client) -> None:
    made = survey(target_participants=5)
    made.participant()
    made.participant(state="consented")
    page = index(admin_client)
    assert "1/5" in page and "2 started" in page and RENEWS in page


def test_who_may_not_edit_gets_no_link_that_ends_in_nothing(client: Client) -> None:
    study = ready_study()
    freeze.go_live(study)
    assistant = User.objects.create_user("assistant", is_staff=True)
    Membership.objects.create(study=study, user=assistant, role="assistant")
    client.force_login(assistant)
    page = index(client)
    assert reverse("report", args=[study.slug]) not in page
    assert client.get(reverse("admin:study_monitor", args=[study.pk])).status_code == 200
    assert reverse("admin:study_monitor", args=[study.pk]) in page


def test_the_page_asks_as_many_questions_for_many_studies_as_for_one(admin_client: Client) -> None:
    survey("first")
    index(admin_client)
    with CaptureQueriesContext(connection) as few:
        index(admin_client)
    for number in range(6):
        made = survey(f"s{number}")
        made.participant()
    with CaptureQueriesContext(connection) as many:
        index(admin_client)
    assert len(few) == len(many) <= 12


def test_slow_counts_of_people_are_kept(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    monkeypatch.setattr(cached_counts, "SLOW_SECONDS", -1)
    monkeypatch.setattr(cached_counts, "SHARE", 10**6)
    survey()
    index(admin_client)
    with CaptureQueriesContext(connection) as captured:
        index(admin_client)
    cache.clear()
    assert not any('FROM "trials_participant"' in query["sql"] for query in captured)
