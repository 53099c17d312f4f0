"""The page of texts: facts and languages as fields, each text at its default, refusals beside the field."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from survey_site.studies import texts
from survey_site.studies.models import AuditEntry, Study, StudyText
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def study(admin_user: User) -> Study:
    return factories.draft(owner=admin_user)


def at(study: Study, language: str = "en") -> str:
    return f"{reverse('admin:study_texts', args=[study.pk])}?language={language}"


def sent(client: Client, study: Study, language: str = "en", form: str = "texts") -> dict[str, Any]:
    """What a browser would send of one of the page's forms."""
    shown = client.get(at(study, language)).context[f"{form}_form"]
    pairs = [(shown[name].html_name, shown[name].value()) for name in shown.fields]
    return {name: value for name, value in pairs if value is not None}


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_every_text_is_there_with_its_default_and_nothing_is_stored_by_saving_it(
    admin_client: Client, study: Study, language: str
) -> None:
    form = sent(admin_client, study, language)
    assert {key for key in form if key != "seen"} == set(texts.keys())
    assert form["welcome"] == texts.defaults()[language]["welcome"]
    assert admin_client.post(at(study, language), form).status_code == 302
    assert not StudyText.objects.exists()


def test_a_changed_text_is_stored_for_its_language_and_its_default_taken_again(
    admin_client: Client, study: Study
) -> None:
    form = sent(admin_client, study, "fr") | {"debrief": "Merci.\r\nÀ bientôt."}
    admin_client.post(at(study, "fr"), form)
    assert texts.own_texts(study) == {"fr": {"debrief": "Merci.\nÀ bientôt."}}
    assert "debrief (fr)" in AuditEntry.objects.get(verb="texts saved").detail
    admin_client.post(at(study, "fr"), {"default": "debrief"})
    assert not StudyText.objects.exists()
    by_hand = sent(admin_client, study, "fr") | {"debrief": "Autre."}
    admin_client.post(at(study, "fr"), by_hand)
    back = sent(admin_client, study, "fr") | {"debrief": texts.defaults()["fr"]["debrief"]}
    admin_client.post(at(study, "fr"), back)
    assert not StudyText.objects.exists()


def test_a_text_that_cannot_be_is_refused_beside_its_field_and_nothing_is_stored(
    admin_client: Client, study: Study
) -> None:
    form = sent(admin_client, study) | {
        "demographics": "How old are you?",
        "consent": " ",
        "welcome": "Hello.",
    }
    response = admin_client.post(at(study), form)
    assert response.status_code == 422
    errors = response.context["texts_form"].errors
    assert "is not of the form" in str(errors["demographics"]) and "consent" in errors
    assert set(errors) == {"demographics", "consent"}
    assert not StudyText.objects.exists()
    assert "Hello." in response.content.decode()


def test_keys_that_no_page_shows_cannot_be_written(admin_client: Client, study: Study) -> None:
    admin_client.post(at(study), sent(admin_client, study) | {"welcome": "Hi.", "nonsense": "x"})
    assert list(StudyText.objects.values_list("key", flat=True)) == ["welcome"]
    assert admin_client.get(at(study, "xx")).status_code == 404


def test_facts_and_languages_are_fields(admin_client: Client, study: Study) -> None:
    form = sent(admin_client, study, form="facts")
    admin_client.post(at(study), form | {"facts-controller": "The lab", "facts-languages": ["fr"]})
    study.refresh_from_db()
    assert (study.controller, study.languages) == ("The lab", ["fr"])
    response = admin_client.post(
        at(study), form | {"facts-ids_erased_on": "2001-01-01", "facts-controller": "Another"}
    )
    assert response.status_code == 422
    assert "choose a later one" in str(response.context["facts_form"].errors["ids_erased_on"])
    study.refresh_from_db()
    assert study.controller == "The lab"
    assert "Merci" not in response.content.decode()


def test_facts_and_texts_are_saved_together_or_not_at_all(admin_client: Client, study: Study) -> None:
    both = sent(admin_client, study) | sent(admin_client, study, form="facts")
    wrong = both | {"facts-contact": "new@example.org", "demographics": "nonsense", "welcome": "Hi."}
    assert admin_client.post(at(study), wrong).status_code == 422
    study.refresh_from_db()
    assert study.contact != "new@example.org" and not StudyText.objects.exists()
    assert admin_client.post(at(study), wrong | {"demographics": ""}).status_code == 302
    study.refresh_from_db()
    assert study.contact == "new@example.org" and texts.own_texts(study) == {"en": {"welcome": "Hi."}}


def test_the_fragment_shows_what_participants_would_read(admin_client: Client, study: Study) -> None:
    url = reverse("admin:study_texts-shown", args=[study.pk])
    ask = {"shown": "debrief", "language": "en", "debrief": "**Bold** {contact} <script>x</script>"}
    html = admin_client.post(url, ask).content.decode()
    assert "<strong>Bold</strong>" in html and study.contact in html and "<script>" not in html
    ask = {"shown": "demographics", "language": "en", "demographics": "age*: How old? [18-99]\nnonsense"}
    html = admin_client.post(url, ask).content.decode()
    assert "How old?" in html and "18 – 99" in html and "is not of the form" in html
    assert admin_client.post(url, ask | {"shown": "nonsense"}).status_code == 404
    assert not StudyText.objects.exists()


def test_a_sealed_study_shows_its_texts_and_takes_none(admin_client: Client, admin_user: User) -> None:
    study = factories.live("sealed", owner=admin_user)
    form = sent(admin_client, study) | {"welcome": "Hi."}
    response = admin_client.post(at(study), form)
    assert "The study is sealed" in response.content.decode()
    assert not StudyText.objects.exists()
    assert "Save facts and texts" not in admin_client.get(at(study)).content.decode()
