"""The researcher's pages: upload, progress, going live; closed to everyone else."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from survey_site.desk.study_inlines import ConditionForm
from survey_site.stimuli import jobs
from survey_site.stimuli.models import PrecomputeJob
from survey_site.studies.models import Study
from tests.stimuli.pictures import encoded, zipped
from tests.studies.sample import add_maps, ready_study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def study() -> Study:
    return ready_study(images=6, reserve=3)


def upload(client: Client, study: Study, *files: tuple[str, bytes], role: str = "main") -> str:
    pictures = [SimpleUploadedFile(name, data) for name, data in files]
    url = reverse("admin:study_images", args=[study.pk])
    form = {"pictures": pictures, "stimulus_class": "", "role": role}
    return client.post(url, form, follow=True).content.decode()


def test_many_pictures_and_a_zip_come_in_by_one_form(admin_client: Client, study: Study) -> None:
    archive = zipped({"owl/night.png": encoded(51)})
    page = upload(admin_client, study, ("a.png", encoded(50)), ("more.zip", archive), ("b.png", encoded(1)))
    assert "2 images added" in page
    assert "Already there: b.png" in page
    assert study.stimuli.get(key="night").stimulus_class == "owl"


def test_a_studys_form_does_not_count_the_jobs_that_the_list_shows(
    admin_client: Client, study: Study
) -> None:
    jobs.request(study)
    shown = admin_client.get(reverse("admin:studies_study_changelist")).content.decode()
    assert "0 of 9 jobs" in shown
    with CaptureQueriesContext(connection) as captured:
        admin_client.get(reverse("admin:studies_study_change", args=[study.pk]))
    assert not [query for query in captured if "precomputejob" in query["sql"]]


def test_a_bad_upload_says_what_is_wrong_and_stores_nothing(admin_client: Client, study: Study) -> None:
    page = upload(admin_client, study, ("a.png", encoded(50)), ("b.png", b"not an image"))
    assert "Nothing was stored" in page
    assert "b.png: this is not an image" in page
    assert study.stimuli.count() == 9


def test_an_upload_without_a_file_says_so(admin_client: Client, study: Study) -> None:
    assert "This field is required" in upload(admin_client, study)


def test_the_page_of_jobs_shows_progress_and_reasons_and_refreshes_while_they_run(
    admin_client: Client, study: Study
) -> None:
    url = reverse("admin:study_precompute", args=[study.pk])
    admin_client.post(url, {"verb": "request"})
    assert PrecomputeJob.objects.filter(state="queued").count() == 9
    assert "hx-get" in admin_client.get(url).content.decode()
    PrecomputeJob.objects.update(state="done")
    first = PrecomputeJob.objects.all()[0]
    PrecomputeJob.objects.filter(pk=first.pk).update(state="failed", reason="no such layer", permanent=True)
    page = admin_client.get(reverse("admin:study_precompute-status", args=[study.pk])).content.decode()
    assert "8 of 9 done" in page
    assert "no such layer" in page
    assert "hx-get" not in page


@pytest.mark.parametrize(
    ("verb", "before", "after"),
    [
        ("pause", "queued", "paused"),
        ("resume", "paused", "queued"),
        ("cancel", "queued", "cancelled"),
        ("retry", "failed", "queued"),
    ],
)
def test_the_buttons_change_the_jobs(
    admin_client: Client, study: Study, verb: str, before: str, after: str
) -> None:
    url = reverse("admin:study_precompute", args=[study.pk])
    admin_client.post(url, {"verb": "request"})
    PrecomputeJob.objects.update(state=before)
    admin_client.post(url, {"verb": verb})
    assert set(PrecomputeJob.objects.values_list("state", flat=True)) == {after}


def test_the_page_of_jobs_asks_as_many_questions_for_many_images_as_for_few(
    admin_client: Client, django_assert_max_num_queries: object
) -> None:
    study = ready_study(images=12, slug="many")
    admin_client.post(reverse("admin:study_precompute", args=[study.pk]), {"verb": "request"})
    with django_assert_max_num_queries(22):  # type: ignore[operator]
        admin_client.get(reverse("admin:study_precompute", args=[study.pk]))


def test_going_live_is_refused_with_every_missing_map_and_then_works(
    admin_client: Client, study: Study
) -> None:
    url = reverse("admin:study_live", args=[study.pk])
    study.stimuli.get(key="m2").maps.get(method="gradcam").delete()
    page = admin_client.get(url).content.decode()
    assert "m2: no map of gradcam by MobileNetV2" in page
    admin_client.post(url, {"verb": "live"})
    study.refresh_from_db()
    assert study.state == Study.State.DRAFT
    add_maps(study.stimuli.get(key="m2"), ["gradcam"], originals=False)
    admin_client.post(url, {"verb": "live"})
    study.refresh_from_db()
    assert study.state == Study.State.LIVE


def test_a_ready_study_goes_live_closes_and_becomes_a_draft_again(admin_client: Client, study: Study) -> None:
    url = reverse("admin:study_live", args=[study.pk])
    for verb, state in (("live", "live"), ("close", "closed"), ("version", "draft")):
        admin_client.post(url, {"verb": verb})
        study.refresh_from_db()
        assert study.state == state


def test_the_form_of_a_sealed_study_is_there_to_read(admin_client: Client, study: Study) -> None:
    admin_client.post(reverse("admin:study_live", args=[study.pk]), {"verb": "live"})
    page = admin_client.get(reverse("admin:studies_study_change", args=[study.pk])).content.decode()
    for sealed in ("pool_size", "title", "target_participants", "analysis_plan", "conditions-0-column"):
        assert f'name="{sealed}"' not in page
    assert 'name="owner"' not in page and reverse("admin:study_ending", args=[study.pk]) in page


@pytest.mark.parametrize("classifier", ["MobileNetV3", "nonsense"])
def test_an_unknown_classifier_is_caught_in_the_form(
    admin_client: Client, study: Study, classifier: str
) -> None:
    form = ConditionForm(
        {"column": "A", "column_order": 0, "classifier": classifier, "base": "gradcam", "method": ""}
    )
    assert not form.is_valid()
    assert "Unknown classifier" in str(form.errors)


@pytest.mark.parametrize(
    "name", ["study_images", "study_precompute", "study_precompute-status", "study_live"]
)
def test_strangers_are_sent_to_the_login(client: Client, study: Study, name: str) -> None:
    response = client.get(reverse(f"admin:{name}", args=[study.pk]))
    assert response.status_code == 302
    assert "/login/" in response["Location"]
