"""A language is offered where its consent is the researcher's own, or the default with all its facts filled in."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from survey_site.protocols import freeze
from survey_site.protocols.models import Protocol
from survey_site.studies.models import Study, StudyText
from tests import factories
from tests.studies.sample import ready_study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
NO_FACTS: dict[str, Any] = dict.fromkeys(factories.FACTS, "") | {"ids_erased_on": None}


def sealed_languages(study: Study) -> list[str]:
    return list(freeze.go_live(study).document["texts"])


def test_with_all_facts_every_language_is_offered_and_its_consent_says_them() -> None:
    texts = freeze.go_live(ready_study()).document["texts"]
    assert set(texts) == {"en", "fr", "ar"}
    for language, date in (("en", "March 1, 2999"), ("fr", "1 mars 2999"), ("ar", "1 مارس، 2999")):
        consent = texts[language]["consent"]
        assert "{" not in consent
        for fact in ("Perception Lab, Example University", "lab@example.org", "REB 2031-17", date):
            assert fact in consent


@pytest.mark.parametrize("missing", factories.FACTS)
def test_going_live_is_refused_where_a_fact_is_missing_and_no_consent_is_written(missing: str) -> None:
    study = ready_study(**{missing: NO_FACTS[missing]})
    with pytest.raises(freeze.NotReady, match="No language can be offered") as refused:
        freeze.go_live(study)
    (line,) = refused.value.problems
    for name in ("English", "Français", "العربية"):
        assert f"{name}: its default consent needs “" in line
    assert not Protocol.objects.exists()
    assert Study.objects.get().state == Study.State.DRAFT


def test_the_command_says_what_is_missing() -> None:
    ready_study(**NO_FACTS)
    with pytest.raises(CommandError, match="“Who is responsible”, “Contact”, “Ethics approval”"):
        call_command("go_live", "sample")


def test_without_facts_only_the_language_of_an_own_consent_is_offered(client: Client) -> None:
    study = ready_study(**NO_FACTS)
    StudyText.objects.create(study=study, key="consent", language="fr", markdown="Notre texte.")
    assert sealed_languages(study) == ["fr"]
    page = client.get("/s/sample/?lang=en", headers={"Accept-Language": "ar"}).content.decode()
    assert "Notre texte." in page and '<html lang="fr"' in page
    assert "العربية" not in page


def test_what_a_study_does_not_want_is_not_offered() -> None:
    assert sealed_languages(ready_study(languages=["ar"])) == ["ar"]


@pytest.mark.parametrize(
    ("consent", "why"),
    [("  ", "its own consent is empty"), ("Ask {contact}.", "own consent needs “Contact”")],
)
def test_an_own_consent_must_be_whole(consent: str, why: str) -> None:
    study = ready_study(languages=["en"], **NO_FACTS)
    StudyText.objects.create(study=study, key="consent", language="en", markdown=consent)
    with pytest.raises(freeze.NotReady, match=why):
        freeze.go_live(study)


def test_a_day_of_erasure_that_has_come_is_refused() -> None:
    today = timezone.localdate()
    with pytest.raises(freeze.NotReady, match="has come; choose a later one"):
        freeze.go_live(ready_study(ids_erased_on=today))
    freeze.go_live(ready_study(slug="later", ids_erased_on=today + timedelta(days=1)))


@pytest.mark.parametrize(
    ("languages", "says"),
    [(["en", "xx"], "does not speak xx; choose among en"), ("en", "list of codes"), ([7], "list of codes")],
)
def test_languages_that_are_none_are_refused(languages: Any, says: str, admin_client: Client) -> None:
    study = ready_study(languages=languages)
    with pytest.raises(freeze.NotReady, match=says):
        freeze.go_live(study)
    for name in ("study_preview", "study_check", "study_live"):
        assert admin_client.get(reverse(f"admin:{name}", args=[study.pk])).status_code == 200
    assert says in admin_client.get(reverse("admin:study_check", args=[study.pk])).content.decode()


def test_a_text_in_a_language_of_no_page_and_a_text_with_a_missing_fact_are_refused() -> None:
    study = ready_study(contact="", languages=["en"])
    StudyText.objects.create(study=study, key="consent", language="en", markdown="Ours.")
    StudyText.objects.create(study=study, key="debrief", language="en", markdown="Write to {contact}.")
    StudyText.objects.create(study=study, key="debrief", language="xx", markdown="?")
    with pytest.raises(freeze.NotReady) as refused:
        freeze.go_live(study)
    assert [line.split(";")[0] for line in refused.value.problems] == [
        "The text “debrief” (en) names {contact}, which is not filled in.",
        "The text “debrief” (xx) is shown nowhere",
    ]


def test_the_desk_says_which_languages_are_left_out(admin_client: Client) -> None:
    study = ready_study(ethics_number="")
    StudyText.objects.create(study=study, key="consent", language="en", markdown="Ours.")
    for name in ("study_check", "study_live"):
        page = admin_client.get(reverse(f"admin:{name}", args=[study.pk])).content.decode()
        assert "Français is not offered: its default consent needs “Ethics approval”." in page
        assert "English is not offered" not in page


@pytest.mark.parametrize(("language", "label"), [("en", "Who is responsible"), ("fr", "Responsable")])
def test_the_privacy_page_names_controller_contact_and_retention(
    language: str, label: str, client: Client
) -> None:
    study = factories.live()
    StudyText.objects.create(study=study, key="privacy", language="en", markdown="Our own privacy.")
    page = client.get(f"/s/test/privacy/?lang={language}").content.decode()
    for fact in (label, "Perception Lab, Example University", "lab@example.org", "2999"):
        assert fact in page


def test_participants_read_the_facts_that_were_sealed(client: Client) -> None:
    study = factories.live()
    Study.objects.filter(pk=study.pk).update(contact="new@example.org")
    assert "lab@example.org" in client.get("/s/test/privacy/").content.decode()
    assert "lab@example.org" in client.get("/s/test/").content.decode()
