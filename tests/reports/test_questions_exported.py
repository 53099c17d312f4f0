"""Answers to the study's own questions leave as they were given, with their texts and labels, in every language."""

import csv
import io
import json
import zipfile
from typing import Any

import pytest

from survey_site.protocols.models import Protocol
from survey_site.reports.exports.psych_ds import write_zip
from survey_site.reports.exports.questions import SealedTexts, asked
from survey_site.reports.exports.tables import TABLES
from survey_site.reports.population import Population
from survey_site.studies import texts
from survey_site.studies.demographics import questions
from tests.reports.factory import Survey

ENGLISH = """
age*: How old are you? [18-99]
sight: Do you see colours normally? [Yes / No / I would rather not say]
note: Is there anything we should know?
"""
FRENCH = """
age*: Quel âge avez-vous ? [18-99]
sight: Voyez-vous bien les couleurs ? [Oui / Non / Sans réponse]
note: Une remarque ?
"""


def sealed(protocol: int, **by_language: str) -> SealedTexts:
    asked_in = {language: questions(text) for language, text in by_language.items()}
    return SealedTexts(protocol, protocol, asked_in, {})


def people(own: Survey) -> list[dict[str, str]]:
    table = TABLES["participants"]
    data = b"".join(table.stream(own.study, Population()))
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def ask(own: Survey, **by_language: str) -> Protocol:
    """Seals these questions in the study's protocol."""
    own.protocol.document["texts"] = {
        language: {"demographics": text, "consent": f"I agree ({language})."}
        for language, text in by_language.items()
    }
    own.protocol.save()
    return own.protocol


def test_a_choice_has_one_number_in_every_language() -> None:
    (_, sight, _) = asked([sealed(1, en=ENGLISH, fr=FRENCH)], ["en", "fr"])
    assert (sight.text, sight.kind) == ("Do you see colours normally?", "choice")
    assert sight.choices == ("Yes", "No", "I would rather not say")
    assert sight.codes[1, "en", "No"] == sight.codes[1, "fr", "Non"] == 2


def test_the_study_s_first_language_describes_its_questions() -> None:
    (age, sight, _) = asked([sealed(1, en=ENGLISH, fr=FRENCH)], ["fr", "en"])
    assert age.text == "Quel âge avez-vous ?"
    assert sight.choices == ("Oui", "Non", "Sans réponse")


def test_choices_of_an_earlier_version_keep_their_meaning_when_the_order_changes() -> None:
    before = sealed(1, en="sight: Colours? [No / Yes / Sometimes]")
    (sight,) = asked([sealed(2, en="sight: Colours? [Yes / No]"), before], ["en"])
    assert sight.choices == ("Yes", "No", "Sometimes")
    assert (sight.codes[1, "en", "No"], sight.codes[2, "en", "No"], sight.codes[1, "en", "Sometimes"]) == (
        2,
        2,
        3,
    )


def test_bounds_are_the_widest_and_a_question_that_changed_its_kind_is_a_text() -> None:
    (age,) = asked([sealed(2, en="age: Age? [18-60]"), sealed(1, en="age: Age? [16-50]")], ["en"])
    assert (age.kind, age.lowest, age.highest) == ("integer", 16, 60)
    (age,) = asked([sealed(2, en="age: Age? [18-60]"), sealed(1, en="age: Age? [young / old]")], ["en"])
    assert (age.kind, age.lowest, age.codes) == ("text", None, {})


@pytest.mark.django_db
def test_every_answer_is_a_column_of_participants(small: Survey) -> None:
    ask(small, en=ENGLISH, fr=FRENCH)
    small.participant(language="en", demographics={"age": 31, "sight": "No", "note": "=1+1"})
    small.participant(language="fr", demographics={"age": 42, "sight": "Non"})
    small.participant(language="en")
    first, second, third = people(small)
    assert (first["q_age"], first["q_sight"], first["q_sight_code"]) == ("31", "No", "2")
    assert first["q_note"] == "'=1+1"
    assert (second["q_sight"], second["q_sight_code"], second["q_note"]) == ("Non", "2", "")
    assert {third[name] for name in third if name.startswith("q_")} == {""}


@pytest.mark.django_db
def test_one_word_for_two_choices_is_told_apart_by_language_and_version(small: Survey) -> None:
    ask(small, en="hand: Which hand? [A / B]", fr="hand: Quelle main ? [B / A]")
    small.participant(language="en", demographics={"hand": "A"})
    small.participant(language="fr", demographics={"hand": "A"})
    assert [row["q_hand_code"] for row in people(small)] == ["1", "2"]


@pytest.mark.django_db
def test_the_dictionary_holds_texts_limits_and_labels(small: Survey) -> None:
    ask(small, en=ENGLISH, fr=FRENCH)
    small.participant(consent_version=texts.version("I agree (fr)."))
    with write_zip(small.study, Population()) as file, zipfile.ZipFile(file) as archive:
        told: dict[str, Any] = json.loads(archive.read("dataset_description.json"))
    by_name = {variable["name"]: variable for variable in told["variableMeasured"]}
    assert by_name["q_age"]["description"] == "Answer to “How old are you?”."
    assert (by_name["q_age"]["minValue"], by_name["q_age"]["maxValue"]) == (18, 99)
    assert by_name["q_sight_code"]["valueReference"][0] == {
        "@type": "DefinedTerm", "termCode": "1", "name": "Yes",
    }  # fmt: skip
    assert [level["termCode"] for level in by_name["q_sight"]["valueReference"]][3] == "Oui"
    labels = {level["termCode"]: level["name"] for level in by_name["consent_version"]["valueReference"]}
    assert labels[people(small)[0]["consent_version"]] == "fr, version 1 of the protocol"
