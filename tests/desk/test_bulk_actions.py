"""What is done to many rows at once is done to all of them or to none, and said."""

from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.urls import reverse

from survey_site.protocols import life
from survey_site.stimuli import jobs
from survey_site.stimuli.models import PrecomputeJob, Stimulus
from survey_site.studies.models import AuditEntry, Membership, Study
from tests import factories
from tests.desk import crowd

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
# Every action that the desk offers; a new one needs a test here.
ACTIONS = {
    "axes.accessattempt": {"unlock"},
    "stimuli.stimulus": {"make_main", "make_reserve", "delete_selected"},
    "stimuli.precomputejob": {"retry"},
    "studies.study": {"delete_selected"},
}


@pytest.fixture
def study(admin_user: User) -> Study:
    return factories.draft(owner=admin_user)


@pytest.fixture
def sealed(admin_user: User) -> Study:
    return factories.live("sealed", title="Sealed study", owner=admin_user)


def act(client: Client, model: str, action: str, rows: Any, **extra: str) -> str:
    """Sends the action for these rows as the list does; returns the page that follows."""
    url = reverse(f"admin:{model.replace('.', '_')}_changelist")
    fields = {"action": action, "_selected_action": [str(row.pk) for row in rows], **extra}
    return client.post(url, fields, follow=True).content.decode()


def test_every_action_is_known_here(admin_user: User) -> None:
    request = RequestFactory().get("/")
    request.user = admin_user
    offered = {
        model._meta.label_lower: set(model_admin.get_actions(request))
        for model, model_admin in admin.site._registry.items()
    }
    elsewhere = ("auth.", "accounts.")  # tests/accounts
    assert {k: v for k, v in offered.items() if v and not k.startswith(elsewhere)} == ACTIONS


def test_jobs_are_queued_again_together_with_a_line_in_the_log(admin_client: Client, study: Study) -> None:
    jobs.request(study)
    PrecomputeJob.objects.update(state="failed")
    page = act(admin_client, "stimuli.precomputejob", "retry", PrecomputeJob.objects.all())
    assert "9 jobs queued." in page
    assert set(PrecomputeJob.objects.values_list("state", flat=True)) == {"queued"}
    assert AuditEntry.objects.get(verb="jobs: retry").detail == "9"


def test_one_finished_job_among_the_failed_keeps_all_as_they_are(admin_client: Client, study: Study) -> None:
    jobs.request(study)
    PrecomputeJob.objects.update(state="failed")
    PrecomputeJob.objects.filter(pk=PrecomputeJob.objects.all()[0].pk).update(state="done")
    page = act(admin_client, "stimuli.precomputejob", "retry", PrecomputeJob.objects.all())
    assert "Nothing was queued: 1 of these jobs neither failed nor were cancelled." in page
    assert not PrecomputeJob.objects.filter(state="queued").exists()


def test_one_job_of_a_study_only_looked_at_keeps_all_as_they_are(client: Client, study: Study) -> None:
    analyst = User.objects.create_user("analyst", is_staff=True)
    own = factories.draft("own", owner=analyst)
    Membership.objects.create(study=study, user=analyst, role="analyst")
    for each in (study, own):
        jobs.request(each)
    PrecomputeJob.objects.update(state="failed")
    client.force_login(analyst)
    page = act(client, "stimuli.precomputejob", "retry", PrecomputeJob.objects.all())
    assert "9 of these jobs belong to studies that you may not change" in page
    assert not PrecomputeJob.objects.filter(state="queued").exists()


def test_the_role_of_images_changes_in_drafts(admin_client: Client, study: Study) -> None:
    page = act(admin_client, "stimuli.stimulus", "make_reserve", study.stimuli.all())
    assert "6 images changed." in page  # three were kept in reserve before
    assert set(study.stimuli.values_list("role", flat=True)) == {"reserve"}
    act(admin_client, "stimuli.stimulus", "make_main", study.stimuli.all())
    assert set(study.stimuli.values_list("role", flat=True)) == {"main"}
    assert AuditEntry.objects.filter(study=study, verb__startswith="images made").count() == 2


@pytest.mark.parametrize("action", ["make_main", "make_reserve", "delete_selected"])
def test_one_image_of_a_sealed_study_keeps_all_as_they_are(
    admin_client: Client, study: Study, sealed: Study, action: str
) -> None:
    before = set(Stimulus.objects.values_list("pk", "role"))
    page = act(admin_client, "stimuli.stimulus", action, Stimulus.objects.all(), post="yes")
    assert "Nothing was" in page
    assert "Sealed study" in page
    assert set(Stimulus.objects.values_list("pk", "role")) == before


def test_who_may_only_look_at_a_draft_deletes_none_of_its_images(client: Client, study: Study) -> None:
    analyst = User.objects.create_user("analyst", is_staff=True)
    Membership.objects.create(study=study, user=analyst, role="analyst")
    client.force_login(analyst)
    for action in ("delete_selected", "make_reserve"):
        assert "Nothing was" in act(client, "stimuli.stimulus", action, study.stimuli.all(), post="yes")
    assert study.stimuli.filter(role="main").count() == 6


def test_images_of_a_draft_go_together_and_the_log_says_so(admin_client: Client, study: Study) -> None:
    chosen = study.stimuli.all()[:2]
    assert "Are you sure" in act(admin_client, "stimuli.stimulus", "delete_selected", chosen)
    assert study.stimuli.count() == 9
    act(admin_client, "stimuli.stimulus", "delete_selected", chosen, post="yes")
    assert study.stimuli.count() == 7
    assert AuditEntry.objects.get(verb="stimuli deleted").detail == "2"


def test_a_sealed_study_among_drafts_keeps_them_all(
    admin_client: Client, study: Study, sealed: Study
) -> None:
    page = act(admin_client, "studies.study", "delete_selected", Study.objects.all(), post="yes")
    assert "Nothing was deleted" in page
    assert Study.objects.count() == 2
    act(admin_client, "studies.study", "delete_selected", [study], post="yes")
    assert list(Study.objects.all()) == [sealed]


def test_a_study_that_was_live_once_is_not_deleted_from_the_list(admin_client: Client, sealed: Study) -> None:
    life.step(sealed, "version")
    page = act(admin_client, "studies.study", "delete_selected", [sealed], post="yes")
    assert "Nothing was deleted" in page
    assert Study.objects.count() == 1


def test_unlocking_forgets_all_failures_of_the_account(admin_client: Client) -> None:
    crowd.researcher("late")
    first = AccessAttempt.objects.get()
    AccessAttempt.objects.create(
        username=first.username, ip_address="192.0.2.9", user_agent="other", failures_since_start=8
    )
    assert "1 account may try again" in act(admin_client, "axes.accessattempt", "unlock", [first])
    assert not AccessAttempt.objects.exists()
