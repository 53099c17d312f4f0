"""A study by three questions: whole or not at all, every refusal beside its field, no JSON anywhere."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from survey_site.desk.new_study import free_name
from survey_site.desk.study_form import study_form
from survey_site.stimuli import weights
from survey_site.stimuli.models import PrecomputeJob
from survey_site.studies.models import AuditEntry, Study
from survey_site.tasks import registry
from tests import factories
from tests.stimuli.pictures import encoded, zipped

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
MADE = ("study made", "images added")
ADD = "/admin/studies/study/add/"


def make(client: Client, *files: tuple[str, bytes], **fields: str) -> Any:
    pictures = [SimpleUploadedFile(name, data) for name, data in files]
    form = {"title": "My study", "preset": "pilot", "classifier": "", "slug": ""} | fields
    return client.post(ADD, form | ({"pictures": pictures} if pictures else {}))


def test_title_design_and_images_make_a_study_and_lead_to_what_it_lacks(
    admin_client: Client, admin_user: User
) -> None:
    archive = zipped(
        {f"{c}/{c}{n}.png": encoded(10 * n + k) for k, c in enumerate(("owl", "cat")) for n in range(3)}
    )
    response = make(admin_client, ("all.zip", archive), classifier="demo-cnn")
    study = Study.objects.get()
    assert response.status_code == 302
    assert response["Location"] == reverse("admin:study_images", args=[study.pk])  # too few for the design
    assert (study.slug, study.owner, study.target_participants) == ("my-study", admin_user, 6)
    assert set(study.conditions.values_list("classifier", flat=True)) == {"demo-cnn"}
    assert study.stimuli.count() == 6 and set(study.stimuli.values_list("stimulus_class", flat=True)) == {
        "owl",
        "cat",
    }
    assert AuditEntry.objects.filter(study=study, verb__in=MADE).count() == 2


def test_the_page_asks_three_questions(admin_client: Client) -> None:
    html = admin_client.get(ADD).content.decode()
    form = html[html.index("<main") : html.index("</main>")]
    before_details = form.partition("<details")[0]
    assert set(re.findall(r'name="(\w+)"', before_details)) == {
        "csrfmiddlewaretoken",
        "title",
        "preset",
        "pictures",
    }
    assert "{" not in re.sub(r"\{%.*?%\}", "", before_details)


@pytest.mark.parametrize(
    ("files", "fields", "field", "says"),
    [
        ([], {"title": " "}, "title", "required"),
        ([], {"title": "a\0b"}, "title", "Null characters"),
        ([], {"preset": "nonsense"}, "preset", "not one of the available choices"),
        ([], {"classifier": "nonsense"}, "classifier", "not one of the available choices"),
        ([], {"slug": "a b"}, "slug", "slug"),
        ([], {"slug": "taken"}, "slug", "There is a study of this short name"),
        ([("a.png", encoded(1)), ("b.png", b"no")], {}, "pictures", "b.png: this is not an image"),
        ([("a.zip", b"no")], {}, "pictures", "the zip is damaged"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field_and_nothing_is_made(
    admin_client: Client, files: list[Any], fields: dict[str, str], field: str, says: str
) -> None:
    Study.objects.create(slug="taken", title="Other")
    response = make(admin_client, *files, **fields)
    assert response.status_code == 422
    assert says in str(response.context["form"].errors[field])
    assert Study.objects.count() == 1 and not AuditEntry.objects.filter(verb__in=MADE).exists()


def test_good_images_can_be_taken_without_the_bad_ones(admin_client: Client) -> None:
    files = [("a.png", encoded(1)), ("b.png", b"no"), ("c.png", encoded(2))]
    html = make(admin_client, *files).content.decode()
    assert "Take the other 2 images" in html and 'name="skip_bad"' in html
    assert make(admin_client, *files, skip_bad="1").status_code == 302
    assert set(Study.objects.get().stimuli.values_list("key", flat=True)) == {"a", "c"}


def test_what_was_done_is_told_on_the_next_page_when_a_script_sends_the_files(admin_client: Client) -> None:
    form = {"title": "Owls", "preset": "pilot", "pictures": [SimpleUploadedFile("a.png", encoded(1))]}
    answer = admin_client.post(ADD, form, headers={"X-Upload": "1"})
    assert answer.status_code == 204 and not answer.content
    assert "The study is made, with 1 image." in admin_client.get(answer["X-Next"]).content.decode()
    refused = admin_client.post(ADD, form | {"title": ""}, headers={"X-Upload": "1"})
    assert refused.status_code == 422 and "X-Next" not in refused


def test_short_names_are_made_of_titles_and_differ() -> None:
    assert free_name("What did it see?", []) == "what-did-it-see"
    assert free_name("What did it see?", ["what-did-it-see"]) == "what-did-it-see-2"
    assert free_name("دراسة", ["study"]) == "study-2"
    assert len(free_name("x" * 300, [])) <= 50


def test_no_form_of_a_study_asks_for_json(admin_client: Client, admin_user: User) -> None:
    form = study_form(registry.installed())
    assert "JSON" not in {type(field).__name__[:4] for field in form.base_fields.values()}
    study = factories.draft(owner=admin_user)
    html = admin_client.get(reverse("admin:studies_study_change", args=[study.pk])).content.decode()
    for raw in ("exclusion_rules", "analysis_plan", "languages", "matching-fixed_pools"):
        assert f'name="{raw}"' not in html
    factories.live("sealed", owner=admin_user)
    sealed = Study.objects.get(slug="sealed")
    html = admin_client.get(reverse("admin:studies_study_change", args=[sealed.pk])).content.decode()
    assert "Left out is who fails 2 attention checks or more." in html
    assert "pools by hand: <b>none</b>" in html


def test_a_classifier_without_weights_is_marked_before_it_is_chosen(
    admin_client: Client, settings: Any, tmp_path: Path
) -> None:
    settings.SALIENCY_WEIGHTS_DIR = str(tmp_path)
    assert weights.missing(["VGG16", "demo-cnn", "my-own"]) == {"VGG16"}
    assert "VGG16 — weights not found here" in admin_client.get(ADD).content.decode()
    (tmp_path / "vgg16_weights_tf_dim_ordering_tf_kernels.h5").touch()
    assert weights.missing(["VGG16", "MobileNet"]) == {"MobileNet"}
    study = factories.draft()
    image = study.stimuli.all()[0]
    PrecomputeJob.objects.create(stimulus=image, classifier="MobileNet", methods=[], state="done")
    assert weights.missing(["VGG16", "MobileNet"]) == set()
