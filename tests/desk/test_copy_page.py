"""The page Copy, the study's file, and a study made of a file: refusals beside their field, nothing half made."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from survey_site.protocols.study_file import write
from survey_site.studies.models import AuditEntry, Membership, Study
from tests import factories
from tests.stimuli.pictures import encoded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
FROM_FILE = "/admin/studies/study/from-file/"
ADD = "/admin/studies/study/add/"


def copy_of(client: Client, study: Study, **fields: str) -> Any:
    form = {"title": "The next run", "slug": "", "images": "on", "maps": "on"} | fields
    return client.post(
        reverse("admin:study_copy", args=[study.pk]), {k: v for k, v in form.items() if v != "off"}
    )


def make_of(client: Client, text: str | bytes, *pictures: tuple[str, bytes], **fields: str) -> Any:
    data = text.encode() if isinstance(text, str) else text
    form: dict[str, Any] = {"file": SimpleUploadedFile("birds.yaml", data), **fields}
    if pictures:
        form["pictures"] = [SimpleUploadedFile(name, picture) for name, picture in pictures]
    return client.post(FROM_FILE, form)


def test_a_copy_is_a_draft_of_whoever_makes_it_and_leads_on(admin_client: Client, admin_user: User) -> None:
    study = factories.live("first")
    response = copy_of(admin_client, study, without_earlier="on")
    made = Study.objects.get(slug="the-next-run")
    assert response.status_code == 302 and response["Location"].startswith(f"/admin/studies/study/{made.pk}/")
    assert (made.owner, made.state, made.title) == (admin_user, "draft", "The next run")
    assert list(made.recruitment.earlier_studies.all()) == [study]
    lines = set(
        AuditEntry.objects.filter(verb__in=("study made", "study copied")).values_list("study", "detail")
    )
    assert lines == {(made.pk, "copy of first (images, maps, without_earlier)"), (study.pk, "the-next-run")}


@pytest.mark.parametrize(
    ("fields", "field", "says"),
    [
        ({"title": " "}, "title", "required"),
        ({"slug": "first"}, "slug", "There is a study of this short name"),
        ({"slug": "a b"}, "slug", "slug"),
        ({"images": "off"}, "maps", "Maps are of images"),
    ],
)
def test_a_copy_that_cannot_be_is_refused_beside_its_field(
    admin_client: Client, fields: dict[str, str], field: str, says: str
) -> None:
    response = copy_of(admin_client, factories.draft("first"), **fields)
    assert response.status_code == 422 and says in str(response.context["form"].errors[field])
    assert Study.objects.count() == 1


def test_the_file_is_a_download_with_a_line_in_the_log(admin_client: Client) -> None:
    study = factories.draft("first")
    response = admin_client.get(reverse("admin:study_file", args=[study.pk]))
    assert response["Content-Disposition"] == 'attachment; filename="first.yaml"'
    assert response.content.decode() == write.file_of(study)
    assert AuditEntry.objects.filter(study=study, verb="study exported").count() == 1


def test_only_who_edits_a_study_copies_it_or_takes_its_file(client: Client) -> None:
    study = factories.draft("first")
    for role, status in ((Membership.Role.EDITOR, 200), (Membership.Role.ANALYST, 404)):
        user = User.objects.create_user(f"u-{role}", is_staff=True)
        Membership.objects.create(study=study, user=user, role=role)
        client.force_login(user)
        assert client.get(reverse("admin:study_copy", args=[study.pk])).status_code == status
        assert client.get(reverse("admin:study_file", args=[study.pk])).status_code == status


def test_a_file_and_its_pictures_make_a_study(admin_client: Client, admin_user: User) -> None:
    text = (
        "saliency_survey_study: 1\nstudy: {title: Birds, slug: birds}\n"
        "images:\n  owl:\n  - {name: a, file: 1.png}\n"
    )
    response = make_of(admin_client, text, ("1.png", encoded(1)), title="Other birds")
    study = Study.objects.get()
    assert response.status_code == 302 and response["Location"].startswith(
        f"/admin/studies/study/{study.pk}/"
    )
    assert (study.title, study.slug, study.owner) == ("Other birds", "birds", admin_user)
    assert study.stimuli.get().key == "a"
    verbs = AuditEntry.objects.filter(study=study).values_list("verb", "detail")
    assert {("study made", "of the file birds.yaml"), ("images added", "1")} <= set(verbs)


@pytest.mark.parametrize(
    ("text", "field", "says"),
    [
        ("", "file", "empty"),
        ("a: [", "file", "this is not YAML"),
        (b"\xff\xfe", "file", "not UTF-8"),
        ("a: &x [*x]", "file", "anchors and aliases"),
        ("saliency_survey_study: 9", "file", "of version 9"),
        (
            "saliency_survey_study: 1\nstudy: {title: A, slug: a}\ndesing: {}\n",
            "file",
            "did you mean design?",
        ),
        ("saliency_survey_study: 1\nstudy: {title: A, slug: taken}\n", "file", "give this one another"),
        (
            "saliency_survey_study: 1\nstudy: {title: A, slug: a}\nimages: {owl: [{name: a}]}",
            "pictures",
            "neither among",
        ),
        (b"#" * 2_000_001, "file", "more than 2 MB"),
    ],
)
def test_a_bad_file_is_refused_beside_its_field_and_nothing_is_made(
    admin_client: Client, text: str | bytes, field: str, says: str
) -> None:
    Study.objects.create(slug="taken", title="Other")
    response = make_of(admin_client, text)
    assert response.status_code == 422
    assert says in str(response.context["form"].errors[field])
    assert Study.objects.count() == 1 and not AuditEntry.objects.filter(verb="study made").exists()


def test_pictures_of_studies_that_one_does_not_see_are_not_there(client: Client) -> None:
    factories.draft("theirs")
    text = write.file_of(Study.objects.get())
    client.force_login(User.objects.create_user("eve", is_staff=True))
    response = make_of(client, text, slug="mine")
    assert "nor in a study that you see" in str(response.context["form"].errors["pictures"])
    assert make_of(client, text, slug="mine", without_images="on").status_code == 302


def test_the_page_of_a_new_study_leads_to_the_file(admin_client: Client) -> None:
    assert FROM_FILE in admin_client.get(ADD).content.decode()
