"""A study's own questions as columns: what was asked in every language and version of the protocol, brought together.

An answer is exported as it was given, in the participant's language. Beside the answers to a question with choices
stands the number of the choice, which is the same in every language and version.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import BigIntegerField, Case, F, FloatField, IntegerField, Q, TextField, Value, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.db.models.lookups import Exact

from survey_site.protocols.models import Protocol
from survey_site.reports.exports.export_column import ExportColumn
from survey_site.reports.exports.sql import SafeText
from survey_site.studies import demographics, texts
from survey_site.studies.demographics import Question
from survey_site.studies.languages import DEFAULT
from survey_site.studies.models import Study


@dataclass(frozen=True, slots=True)
class SealedTexts:
    """The texts of one protocol that the exports describe, by language: questions, and the version of the consent."""

    protocol: int
    version: int
    questions: Mapping[str, tuple[Question, ...]]
    consents: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """One question, whatever the language. text, choices: in the study's first language that has it.

    codes: by protocol, language and answer the number of the choice, from 1; empty where there are no choices.
    """

    name: str
    text: str
    kind: Literal["integer", "choice", "text"]
    choices: tuple[str, ...]
    lowest: int | None
    highest: int | None
    codes: Mapping[tuple[int, str, str], int]


def sealed_texts(study: Study) -> list[SealedTexts]:
    """What the study's protocols say, the newest first."""
    rows = Protocol.objects.filter(study=study).order_by("-version")
    found = []
    for pk, version, sealed in rows.values_list("pk", "version", "document__texts"):
        by_language: Mapping[str, Mapping[str, str]] = sealed or {}
        found.append(
            SealedTexts(
                pk,
                version,
                {
                    code: demographics.questions(own.get("demographics", ""))
                    for code, own in by_language.items()
                },
                {
                    code: texts.version(own["consent"])
                    for code, own in by_language.items()
                    if "consent" in own
                },
            )
        )
    return found


def languages(study: Study, sealed: Sequence[SealedTexts]) -> list[str]:
    """Of the study, the one that describes its data first: its own first language, else English."""
    offered = [*study.languages, DEFAULT, *sorted({code for one in sealed for code in one.questions})]
    return list(dict.fromkeys(offered))


def asked(sealed: Sequence[SealedTexts], order: Sequence[str]) -> list[AskedQuestion]:
    """Every question once, in the order in which the newest protocol asks them. order: of languages. Pure."""
    names: dict[str, None] = {}
    for one in sealed:
        for language in order:
            names |= dict.fromkeys(question.name for question in one.questions.get(language, ()))
    return [_together(name, sealed, order) for name in names]


def _together(name: str, sealed: Sequence[SealedTexts], order: Sequence[str]) -> AskedQuestion:
    found: list[tuple[int, list[tuple[str, Question]]]] = []
    for one in sealed:
        own = [(code, q) for code in order for q in one.questions.get(code, ()) if q.name == name]
        found += [(one.protocol, own)] if own else []
    every = [question for _, own in found for _, question in own]
    choices: dict[str, int] = {}
    codes: dict[tuple[int, str, str], int] = {}
    kind: Literal["integer", "choice", "text"] = "text"
    if all(question.choices for question in every):
        kind = "choice"
        for protocol, own in found:
            labels = own[0][1].choices
            for language, question in own:
                for place, text in enumerate(question.choices):
                    label = labels[place] if place < len(labels) else text
                    codes[protocol, language, text] = choices.setdefault(label, len(choices) + 1)
    elif all(question.lowest is not None for question in every):
        kind = "integer"
    lowest = [q.lowest for q in every if q.lowest is not None]
    highest = [q.highest for q in every if q.highest is not None]
    whole = kind == "integer"
    return AskedQuestion(
        name, every[0].label, kind, tuple(choices), min(lowest) if whole else None, max(highest) if whole else None, codes
    )  # fmt: skip


def question_columns(study: Study) -> Iterator[ExportColumn]:
    """Of participants.csv: `q_<name>` with the answer and, where choices were offered, `q_<name>_code`."""
    sealed = sealed_texts(study)
    questions = asked(sealed, languages(study, sealed))
    taken = {f"q_{question.name}" for question in questions}
    for question in questions:
        yield _answer_column(question)
        if question.kind == "choice":
            name = f"q_{question.name}_code"
            while name in taken:
                name += "_"
            taken.add(name)
            yield _code_column(question, name)


def consent_column(study: Study) -> ExportColumn:
    """Which text of consent was agreed to, named by its content."""
    sealed = sealed_texts(study)
    order = languages(study, sealed)
    labels: dict[str, str] = {}
    for one in reversed(sealed):  # the protocol that had it first
        for language in order:
            if language in one.consents:
                labels.setdefault(
                    one.consents[language], f"{language}, version {one.version} of the protocol"
                )
    return ExportColumn(
        "consent_version",
        "Which text of consent the participant agreed to: the first 16 digits of its SHA-256.",
        "string",
        SafeText(F("consent_version")),
        labels=labels,
    )


def _answer_column(question: AskedQuestion) -> ExportColumn:
    said = f"Answer to “{question.text}”"
    stored = _stored(question)
    if question.kind == "integer":
        return ExportColumn(
            f"q_{question.name}", f"{said}.", "integer", Cast(Cast(stored, FloatField()), BigIntegerField()),
            minimum=question.lowest, maximum=question.highest,
        )  # fmt: skip
    how = ", in the participant's language." if question.kind == "choice" else ", as it was written."
    levels = tuple(dict.fromkeys(answer for _, _, answer in question.codes))
    return ExportColumn(f"q_{question.name}", said + how, "string", SafeText(stored), levels=levels)


def _code_column(question: AskedQuestion, name: str) -> ExportColumn:
    return ExportColumn(
        name,
        f"Answer to “{question.text}”, as the number of the choice: the same in every language.",
        "integer",
        Case(*_whens(question), output_field=IntegerField()),
        labels={str(number): label for number, label in enumerate(question.choices, 1)},
    )


def _whens(question: AskedQuestion) -> Iterator[When]:
    """By the answer alone where it has one number everywhere, else by protocol and language too."""
    numbers: dict[str, set[int]] = {}
    for (_, _, answer), number in question.codes.items():
        numbers.setdefault(answer, set()).add(number)
    for answer, found in numbers.items():
        if len(found) == 1:
            yield When(_is(question, answer), then=Value(min(found)))
    for (protocol, language, answer), number in question.codes.items():
        if len(numbers[answer]) > 1:
            whose = Q(protocol=protocol, language=language)
            yield When(Q(_is(question, answer)) & whose, then=Value(number))


def _is(question: AskedQuestion, answer: str) -> Exact:
    return Exact(_stored(question), Value(answer))


def _stored(question: AskedQuestion) -> Any:
    return Cast(KeyTextTransform(question.name, "demographics"), TextField())
