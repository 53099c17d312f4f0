"""In which languages a study may be offered: those whose consent says all that a consent must say."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils import timezone

from survey_site.studies import facts, texts
from survey_site.studies.languages import LANGUAGES
from survey_site.studies.models import Study


@dataclass(frozen=True, slots=True)
class Offer:
    """A language that the study wants. why: what keeps it from being offered; empty where it is offered."""

    code: str
    name: str
    why: str = ""


def wished(study: Study) -> list[str]:
    """The codes of the languages that the study wants: those it lists, or all of the site."""
    listed = (
        study.languages if isinstance(study.languages, list) else []
    )  # what else it is, `problems` refuses
    return [code for code in LANGUAGES if not listed or code in listed]


def offers(study: Study) -> list[Offer]:
    """Each language that the study wants, with what its consent lacks."""
    own, known = texts.own_texts(study), facts.facts_of(study)
    return [
        Offer(code, LANGUAGES[code].name, _lacking(code, own.get(code, {}), known)) for code in wished(study)
    ]


def offered_texts(study: Study) -> dict[str, dict[str, str]]:
    """Every text in every language that is offered, by language and key: what a protocol seals."""
    every = texts.texts_of(study)
    return {offer.code: every[offer.code] for offer in offers(study) if not offer.why}


def problems(study: Study) -> list[str]:
    """What keeps the study from being offered in any language as meant, one line each."""
    found = languages_problems(study.languages)
    if study.ids_erased_on and study.ids_erased_on <= timezone.localdate():
        found.append(
            f"The day on which identifiers are erased, {study.ids_erased_on}, has come; choose a later one."
        )
    offered = offers(study)
    if offered and all(offer.why for offer in offered):
        told = "; ".join(f"{offer.name}: {offer.why}" for offer in offered)
        found.append(
            "No language can be offered. Fill in the facts of the consent on the study's page “Texts”, "
            f"or write a consent of your own. {told}."
        )
    return found


def notices(study: Study) -> list[str]:
    """What the researcher should know though the study can go live: languages left out, a privacy page with gaps."""
    offered = offers(study)
    if all(offer.why for offer in offered):
        return []
    left_out = [f"{offer.name} is not offered: {offer.why}." for offer in offered if offer.why]
    missing = facts.LABELS.keys() - facts.facts_of(study).keys()
    if missing:
        left_out.append(f"The privacy page cannot name {_labels(missing)}; fill them in on its page “Texts”.")
    return left_out


def languages_problems(languages: object) -> list[str]:
    """What is wrong with the list of a study's languages."""
    if not isinstance(languages, list) or not all(isinstance(code, str) for code in languages):
        return ['Languages must be a list of codes, such as ["en", "fr"].']
    unknown = [code for code in languages if code not in LANGUAGES]
    if not unknown:
        return []
    return [f"Languages: this site does not speak {', '.join(unknown)}; choose among {', '.join(LANGUAGES)}."]


def _lacking(code: str, own: Mapping[str, str], known: Mapping[str, str]) -> str:
    text = own.get("consent", texts.defaults()[code].get("consent", ""))
    if not text.strip():
        return "its own consent is empty" if "consent" in own else "there is no consent in it"
    missing = facts.named_in(text) - known.keys()
    if not missing:
        return ""
    return f"its {'own' if 'consent' in own else 'default'} consent needs {_labels(missing)}"


def _labels(names: set[str]) -> str:
    return ", ".join(f"“{label}”" for name, label in facts.LABELS.items() if name in names)
