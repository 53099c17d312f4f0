"""Maps from the desk: what to compute is chosen, refused in words, timed, and its failures are explained."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from saliency_worker import catalog
from survey_site.desk.pages import maps
from survey_site.stimuli.models import PrecomputeJob, Stimulus
from survey_site.studies.models import Study
from tests.stimuli.ranked import show_ranks
from tests.studies.sample import CLASSIFIER, ready_study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def study() -> Study:
    return ready_study(images=3, reserve=1, pool_size=2)


def post(client: Client, study: Study, **fields: object) -> str:
    url = reverse("admin:study_precompute", args=[study.pk])
    return client.post(url, {"verb": "request", **fields}, follow=True).content.decode()


def test_by_default_what_the_conditions_need_is_queued(admin_client: Client, study: Study) -> None:
    page = post(admin_client, study, scope="needed", classifier=CLASSIFIER)
    assert "4 images queued" in page
    assert PrecomputeJob.objects.all()[0].methods == ["gradcam", "gradcam.add-edges", "original"]


def test_other_classifiers_and_sets_can_be_asked_for(admin_client: Client, study: Study) -> None:
    post(admin_client, study, scope="all", classifier=[CLASSIFIER, "Xception"])
    assert PrecomputeJob.objects.count() == 8
    assert set(PrecomputeJob.objects.get(classifier="Xception", stimulus__key="m0").methods) == {
        *catalog.FULL_SET,
        "original",
    }


def test_what_tasks_need_of_further_classes_is_said_and_queued(
    admin_client: Client, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = reverse("admin:study_precompute", args=[study.pk])
    assert "also for the network" not in admin_client.get(url).content.decode()
    show_ranks(monkeypatch, 0, 1, 3)
    page = post(admin_client, study)
    assert "also for the network's 2nd, 4th class" in page
    assert "4 images queued" in page
    assert PrecomputeJob.objects.all()[0].settings["ranks"] == [0, 1, 3]


def test_single_methods_can_be_ticked(admin_client: Client, study: Study) -> None:
    post(admin_client, study, scope="chosen", classifier="Xception", method=["gradcampp", "edges"])
    assert PrecomputeJob.objects.all()[0].methods == ["edges", "gradcampp", "original"]


@pytest.mark.parametrize("scope", [{"scope": "needed", "classifier": CLASSIFIER}, {}])
def test_further_measures_can_be_ticked_and_are_kept(
    admin_client: Client, study: Study, scope: dict[str, str]
) -> None:
    url = reverse("admin:study_precompute", args=[study.pk])
    page = admin_client.get(url).content.decode()
    assert all(f'name="measure" value="{name}"' in page for name in ("curves", "sanity"))
    post(admin_client, study, **scope)
    assert "measures" not in PrecomputeJob.objects.all()[0].settings
    assert "4 images queued" in post(admin_client, study, **scope, measure="sanity")
    assert "4 images queued" in post(admin_client, study, **scope, measure="curves")
    assert {tuple(job.settings["measures"]) for job in PrecomputeJob.objects.all()} == {("curves", "sanity")}
    assert "Nothing to do" in post(admin_client, study, **scope)


def test_everything_leaves_out_cam_where_the_network_has_none(admin_client: Client, study: Study) -> None:
    post(admin_client, study, scope="everything", classifier=["VGG16", "Xception"])
    vgg, xception = (
        PrecomputeJob.objects.get(classifier=name, stimulus__key="m0").methods
        for name in ("VGG16", "Xception")
    )
    assert "cam" in xception and "cam" not in vgg
    assert len(vgg) == len(xception) - 10


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"scope": "all"}, "Tick at least one classifier"),
        ({"scope": "chosen", "classifier": "Xception"}, "Tick at least one method"),
        ({"scope": "chosen", "classifier": "Xception", "method": "grandcam"}, "did you mean"),
        ({"scope": "all", "classifier": "Xceptional"}, "Unknown classifier"),
        ({"scope": "chosen", "classifier": ["Xception", "VGG16"], "method": "cam"}, "VGG16 has no CAM"),
        ({"scope": "needed", "classifier": CLASSIFIER, "measure": "curve"}, "Unknown measure"),
        ({"verb": "explode"}, "Choose one of the buttons"),
    ],
)
def test_what_cannot_be_computed_is_refused_in_words_and_nothing_is_queued(
    admin_client: Client, study: Study, fields: dict[str, object], words: str
) -> None:
    assert words in post(admin_client, study, **fields)
    assert not PrecomputeJob.objects.exists()


def test_without_images_the_page_says_where_to_get_some(admin_client: Client) -> None:
    empty = Study.objects.create(slug="new", title="New")
    page = admin_client.get(reverse("admin:study_precompute", args=[empty.pk])).content.decode()
    assert "no images yet" in page and "no conditions yet" in page
    assert "upload some first" in post(admin_client, empty, scope="all", classifier="Xception")


def test_the_page_tells_maps_there_time_and_that_it_can_be_left(admin_client: Client, study: Study) -> None:
    url = reverse("admin:study_precompute", args=[study.pk])
    page = admin_client.get(url).content.decode()
    assert "12 / 12" in page
    assert "has not explained any image here yet" in page
    assert "You can leave this page" in post(admin_client, study, scope="needed", classifier=CLASSIFIER)


def test_the_live_part_says_when_no_worker_is_there(admin_client: Client, study: Study) -> None:
    post(admin_client, study)
    PrecomputeJob.objects.update(announced_at="2026-01-01T00:00Z", created_at="2026-01-01T00:00Z")
    page = admin_client.get(reverse("admin:study_precompute-status", args=[study.pk])).content.decode()
    assert "No worker has taken the work up" in page
    assert "csrfmiddlewaretoken" in page


def test_asking_twice_says_that_there_is_nothing_to_do(admin_client: Client, study: Study) -> None:
    post(admin_client, study)
    assert "Nothing to do" in post(admin_client, study)


def test_the_page_asks_as_many_questions_for_many_images_and_failures_as_for_few(
    admin_client: Client, study: Study
) -> None:
    url = reverse("admin:study_precompute", args=[study.pk])
    post(admin_client, study)
    PrecomputeJob.objects.update(state="failed", reason="why")
    admin_client.get(url)
    with CaptureQueriesContext(connection) as few:
        admin_client.get(url)
    first = study.stimuli.all()[0]
    Stimulus.objects.bulk_create(
        Stimulus(study=study, key=f"x{n}", sha256=f"{n:064d}", path=first.path, width=1, height=1)
        for n in range(50)
    )
    post(admin_client, study)
    PrecomputeJob.objects.update(state="failed", reason="why")
    admin_client.get(url)
    with CaptureQueriesContext(connection) as many:
        admin_client.get(url)
    assert len(few) == len(many) <= 20


@pytest.mark.usefixtures("counts_are_kept")
def test_what_takes_long_to_count_is_kept_until_a_button_is_pressed(
    admin_client: Client, study: Study
) -> None:
    post(admin_client, study)
    address = reverse("admin:study_precompute-status", args=[study.pk])
    assert "4 queued" in admin_client.get(address).content.decode()
    PrecomputeJob.objects.filter(stimulus__key="m0").update(state="failed", reason="no such layer")
    with CaptureQueriesContext(connection) as captured:
        kept = admin_client.get(address).content.decode()
    assert "4 queued" in kept
    assert not [query for query in captured if "precomputejob" in query["sql"]]
    admin_client.post(reverse("admin:study_precompute", args=[study.pk]), {"verb": "pause"})
    anew = admin_client.get(address)
    assert "3 paused" in anew.content.decode() and "no such layer" in anew.content.decode()
    assert anew["HX-Refresh"] == "true"
    PrecomputeJob.objects.update(state="done")
    assert "4 of 4 done" in admin_client.get(address).content.decode()


def test_a_set_leaves_out_what_a_classifier_has_no_rule_for() -> None:
    asked = maps.keys_for("EfficientNetB0", "families", [])
    assert "lrp" in asked and "guidedbp" not in asked
    assert "guidedbp" in maps.keys_for("VGG16", "families", [])
    with pytest.raises(
        maps.BadChoice, match="Guided backpropagation: no rule for an operation of EfficientNetB0"
    ):
        maps.keys_for("EfficientNetB0", "chosen", ["guidedbp", "lrp"])
