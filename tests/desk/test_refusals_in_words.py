"""What cannot be shown or done is said: pictures that do not exist, images of a sealed study, pages without a Save."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from survey_site.protocols import freeze
from survey_site.stimuli.models import MapPicture, Stimulus
from survey_site.studies.models import Membership, Study
from tests.studies.sample import ready_study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def test_a_picture_that_is_not_stored_is_not_found(admin_client: Client) -> None:
    """As of a study that was reconstructed from published numbers, or whose files are gone."""
    study = ready_study()
    image, picture = study.stimuli.all()[0], MapPicture.objects.all()[0]
    for path in ("", "stimuli/aa/gone.png"):
        Stimulus.objects.filter(pk=image.pk).update(path=path)
        MapPicture.objects.filter(pk=picture.pk).update(path=path)
        for name, pk in (
            ("stimulus_picture", image.pk),
            ("map_picture", picture.pk),
            ("map_overlay", picture.pk),
        ):
            assert admin_client.get(reverse(f"admin:{name}", args=[pk])).status_code == 404
    Stimulus.objects.update(path="")
    listed = admin_client.get(reverse("admin:stimuli_stimulus_changelist")).content.decode()
    assert "picture.png" not in listed


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_image_of_a_sealed_study_is_kept_and_why_is_said(admin_client: Client, method: str) -> None:
    study = ready_study()
    freeze.go_live(study)
    image = study.stimuli.all()[0]
    address = reverse("admin:stimuli_stimulus_delete", args=[image.pk])
    page = getattr(admin_client, method)(address, {"post": "yes"}, follow=True).content.decode()
    assert "the study is sealed. Make a new version" in page
    study_page = reverse("admin:studies_study_delete", args=[study.pk])
    page = getattr(admin_client, method)(study_page, {"post": "yes"}, follow=True).content.decode()
    assert "Owner and end" in page
    assert Stimulus.objects.filter(pk=image.pk).exists() and Study.objects.exists()


def test_what_one_may_not_see_stays_unknown(client: Client) -> None:
    image = ready_study().stimuli.all()[0]
    client.force_login(User.objects.create_user("eve", is_staff=True))
    response = client.get(reverse("admin:stimuli_stimulus_delete", args=[image.pk]))
    assert "sealed" not in response.content.decode() and response.status_code in (302, 403, 404)


def test_pages_of_a_sealed_study_offer_no_save(client: Client, admin_user: User) -> None:
    study = ready_study(owner=admin_user)
    freeze.go_live(study)
    editor = User.objects.create_user("ed", is_staff=True)
    Membership.objects.create(study=study, user=editor, role="editor")
    client.force_login(editor)
    form = client.get(reverse("admin:studies_study_change", args=[study.pk])).content.decode()
    assert 'name="_save"' not in form and 'name="_continue"' not in form
    conditions = client.get(reverse("admin:study_conditions", args=[study.pk])).content.decode()
    assert "Save conditions" not in conditions and "everything stays editable" not in conditions
    assert "The study is sealed" in conditions
    for name in ("images", "texts", "pools"):
        html = client.get(reverse(f"admin:study_{name}", args=[study.pk])).content.decode()
        assert ">Save" not in html.replace("\n", "").replace("  ", "") and "Upload</button>" not in html
    path = html[html.index('class="survey-path"') : html.index("</nav>", html.index('class="survey-path"'))]
    assert path.count("Live") == 1
