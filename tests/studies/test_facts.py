"""What a consent must say, written into texts in each language."""

from datetime import date
from types import SimpleNamespace

import pytest

from survey_site.studies.facts import facts_of, filled, listed, named_in
from survey_site.studies.languages import LANGUAGES
from survey_site.studies.texts import html

STUDY = SimpleNamespace(
    controller="Perception Lab *A*",
    contact=" lab_one@x.org\n",
    ethics_number="",
    ids_erased_on=date(2031, 3, 1),
)


def test_only_what_is_filled_in_is_a_fact() -> None:
    assert facts_of(STUDY) == {
        "controller": "Perception Lab *A*",
        "contact": "lab_one@x.org",
        "ids_erased_on": "2031-03-01",
    }


def test_facts_are_written_out_as_they_are_and_missing_ones_keep_their_braces() -> None:
    text = filled("{controller}, {contact}; {ethics_number} {other}", facts_of(STUDY), "en")
    assert "Perception Lab *A*, lab_one@x.org; {ethics_number} {other}" in html(text)
    assert named_in(text) == {"ethics_number"}


@pytest.mark.parametrize(
    ("language", "words"), [("en", "March 1, 2031"), ("fr", "1 mars 2031"), ("ar", "1 مارس، 2031")]
)
def test_the_date_is_written_in_the_words_of_the_language(language: str, words: str) -> None:
    assert filled("{ids_erased_on}", facts_of(STUDY), language).strip("\u2068\u2069") == words
    assert listed(facts_of(STUDY), language)[-1][1] == words


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_default_consent_names_every_fact(language: str) -> None:
    assert named_in(LANGUAGES[language].texts["consent"]) == {
        "controller", "contact", "ethics_number", "ids_erased_on",
    }  # fmt: skip
