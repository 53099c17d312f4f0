"""What a role must not reach by a side door: owners' rights, titles in filters, redirects, actions."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from survey_site.protocols import freeze
from survey_site.stimuli import jobs
from survey_site.stimuli.models import PrecomputeJob
from survey_site.studies.models import Study
from survey_site.trials.models import Participant
from tests.studies.sample import ready_study
from tests.studies.test_access import person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def study() -> Study:
    return ready_study(slug="secret-study", title="Secret title")


def test_an_editor_cannot_take_the_study_over(client: Client, study: Study) -> None:
    editor = person("editor", study)
    client.force_login(editor)
    page = client.get(reverse("admin:studies_study_change", args=[study.pk])).content.decode()
    assert 'name="title"' in page
    assert 'name="owner"' not in page


@pytest.mark.parametrize(
    "model",
    [
        "protocols_protocol",
        "studies_auditentry",
        "stimuli_stimulus",
        "stimuli_precomputejob",
        "stimuli_saliencymap",
    ],
)
def test_filters_name_only_studies_that_are_shared(client: Client, study: Study, model: str) -> None:
    client.force_login(person("stranger", study))
    assert "Secret title" not in client.get(reverse(f"admin:{model}_changelist")).content.decode()


def test_neither_the_front_page_nor_a_redirect_tells_a_strangers_studies(
    client: Client, study: Study
) -> None:
    client.force_login(person("stranger", study))
    assert "Secret title" not in client.get("/").content.decode()
    response = client.get(f"/reports/{study.slug}/")
    assert "secret-study" not in response.headers.get("Location", "")
    assert response.status_code == 404


def test_an_assistant_cannot_queue_jobs_again(client: Client, study: Study) -> None:
    jobs.request(study)
    PrecomputeJob.objects.update(state="failed")
    client.force_login(person("assistant", study))
    ids = list(PrecomputeJob.objects.values_list("pk", flat=True))
    url = reverse("admin:stimuli_precomputejob_changelist")
    client.post(url, {"action": "retry", "_selected_action": ids})
    assert set(PrecomputeJob.objects.values_list("state", flat=True)) == {"failed"}


def test_a_stranger_cannot_preview(client: Client, study: Study) -> None:
    freeze.go_live(study)
    client.force_login(person("stranger", study))
    client.post("/s/secret-study/?preview=1", {"consent": "yes", "preview": "1", "nonce": "x" * 32})
    assert not Participant.objects.filter(kind="preview").exists()


def test_the_owner_deletes_a_draft_with_all_that_hangs_on_it(client: Client, study: Study) -> None:
    client.force_login(person("owner", study))
    jobs.request(study)
    response = client.post(reverse("admin:studies_study_delete", args=[study.pk]), {"post": "yes"})
    assert response.status_code == 302
    assert not Study.objects.filter(slug="secret-study").exists()
    assert User.objects.filter(username="owner").exists()


@pytest.mark.parametrize("name", ["responses.csv", "psych-ds.zip", "table1.json", "table1.csv", "table1.tex"])
def test_every_export_is_in_the_audit_log(client: Client, study: Study, name: str) -> None:
    freeze.go_live(study)
    analyst = person("analyst", study)
    client.force_login(analyst)
    response = client.get(f"/reports/secret-study/{name}")
    assert response.status_code == 200
    assert b"".join(response)
    assert study.audit.filter(verb="exported", user=analyst).count() == 1
