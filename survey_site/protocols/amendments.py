"""Amendments: what does not touch the measurement is changed in a sealed study, and all answers stay together.

An amendment is a seal of its own of the same measurement: participants who come later are under it, who is inside goes
on under the texts that they agreed to. What can be amended stands in protocols/measurement.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from survey_site.protocols import freeze, masking, measurement
from survey_site.protocols.models import Protocol
from survey_site.studies import facts
from survey_site.studies.models import Study, StudyText
from survey_site.studies.moves import move
from survey_site.studies.texts import keys, merged, own_texts

TextKey = tuple[str, str]  # language and key
OwnTexts = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The study as it shall be. texts: those to change, by language and key; an empty one is the default's again.

    facts: all of studies/facts.py that are filled in; None: as they are.
    """

    title: str
    target: int
    closes_on: date | None = None
    texts: Mapping[TextKey, str] = field(default_factory=dict)
    facts: Mapping[str, str] | None = None


def newest_of(study: Study) -> Protocol | None:
    """The seal that an amendment would follow."""
    return study.protocols.select_related("measurement").order_by("-version").first()


def texts_to_amend(study: Study, before: Protocol) -> dict[TextKey, str]:
    """The texts that can be amended, facts in braces where they were written so."""
    content, own = before.content, own_texts(study)
    return {
        (language, key): _written(own, content, language, key)
        for language in content.get("texts", {})
        for key in keys()
        if not measurement.touches(key)
    }


def _written(own: OwnTexts, sealed: dict[str, Any], language: str, key: str) -> str:
    """The study's own words if they are what was sealed, else the sealed ones."""
    words = merged(own, language)[key]
    known = merged(sealed.get("texts", {}), language)[key]
    return words if facts.filled(words, sealed.get("facts", {}), language) == known else known


def document_with(study: Study, sealed: dict[str, Any], wanted: Wanted) -> dict[str, Any]:
    """The sealed document with the amendment; all else is taken from the seal, not from rows that may have changed."""
    named = {"slug": study.slug, "title": wanted.title}
    if wanted.closes_on:
        named["closes_on"] = wanted.closes_on.isoformat()
    known = sealed.get("facts", {}) if wanted.facts is None else dict(wanted.facts)
    moved = _changed_facts(sealed, wanted)
    own = own_texts(study)
    words = {language: dict(texts) for language, texts in sealed.get("texts", {}).items()}
    for language, texts in words.items():
        for key in texts:
            if measurement.touches(key):
                continue
            text = wanted.texts.get((language, key))
            raw = _written(own, sealed, language, key) if text is None else text or merged({}, language)[key]
            if text is not None or moved & facts.named_in(raw):
                texts[key] = facts.filled(raw, known, language)
    design = sealed.get("design", {}) | {measurement.TARGET: wanted.target}
    new = sealed | {"study": named, "design": design, "texts": words}
    return new if known == sealed.get("facts", {}) else new | {"facts": known}


def _changed_facts(sealed: dict[str, Any], wanted: Wanted) -> set[str]:
    old = sealed.get("facts", {})
    return set() if wanted.facts is None else {n for n in facts.LABELS if old.get(n) != wanted.facts.get(n)}


def problems(study: Study, before: Protocol, wanted: Wanted) -> list[str]:
    """What keeps this from being an amendment, one line each."""
    found = [
        f"The text “{key}” ({language}) touches the measurement: changing it makes a new version."
        for language, key in wanted.texts
        if measurement.touches(key)
    ]
    found += [
        f"There is no text “{key}” ({language}) in the sealed protocol."
        for language, key in wanted.texts
        if not measurement.touches(key)
        and (language not in before.content.get("texts", {}) or key not in keys())
    ]
    if found:
        return found
    moved, document = _changed_facts(before.content, wanted), document_with(study, before.content, wanted)
    for language, own in own_texts(study).items():
        found += [
            f"The text “{key}” ({language}) names {{{name}}} and touches the measurement: changing it makes a new version."
            for key, text in own.items()
            for name in sorted(facts.named_in(text) & moved)
            if measurement.touches(key)
        ]
    found += [
        f"The text “{key}” ({language}) names {{{name}}}, which is not filled in."
        for language, texts in document["texts"].items()
        for key, text in texts.items()
        for name in sorted(facts.named_in(text))
        if text != before.content["texts"][language].get(key)
    ]
    if wanted.target < 1:
        found.append(f"The target is {wanted.target}; at least one participant is wanted.")
    if wanted.closes_on and wanted.closes_on != study.closes_on and wanted.closes_on < timezone.now().date():
        found.append(f"The closing date {wanted.closes_on} is past; “Close” ends the study now.")
    if found:
        return found
    match measurement.change(before.content, document, names_opened=masking.names_known(study)):
        case "none":
            return ["Nothing is changed."]
        case "version":
            return [TARGET_IS_FIXED]
    return []


TARGET_IS_FIXED = (
    "The target can no longer be amended: results were seen under the columns' names, or looks at the data are sealed, and "
    "who knows the results could stop or go on because of them. Another target needs a new version."
)


@transaction.atomic
def amend(
    study: Study, wanted: Wanted, reason: str, by: User | None = None, *, seen: int | None = None
) -> Protocol:
    """Seals the amendment and changes the study's rows. Raises StateForbids or NotReady, and then changes nothing.

    seen: the version that whoever asks has looked at; another one means that somebody was faster.
    """
    move(study, "amend", by.pk if by else None, detail=reason.strip())
    before = newest_of(study)
    if before is None:
        raise freeze.NotReady(["The study has no sealed protocol that could be amended."])
    if seen is not None and seen != before.version:
        raise freeze.NotReady(
            [
                f"Version {before.version} was sealed while this form was open ({before.reason or 'a new version'}); "
                "look at it, then amend again."
            ]
        )
    if found := problems(study, before, wanted):
        raise freeze.NotReady(found)
    if not reason.strip():
        raise freeze.NotReady(["Say why the study is amended."])
    document = document_with(study, before.content, wanted)
    values: dict[str, Any] = {
        "title": wanted.title, "target_participants": wanted.target, "closes_on": wanted.closes_on,
    }  # fmt: skip
    if wanted.facts is not None:
        values |= {name: wanted.facts.get(name, "") for name in facts.LABELS}
        values[facts.DATE] = wanted.facts.get(facts.DATE) or None
    Study.objects.filter(pk=study.pk).change(**values)
    study.refresh_from_db(fields=list(values))
    for (language, key), text in wanted.texts.items():
        own = StudyText.objects.filter(study=study, language=language, key=key)
        if text:
            own.update_or_create(defaults={"markdown": text}, study=study, language=language, key=key)
        else:
            own.delete()
    plan = freeze.Seal("amendment", document, joins=before, before=before)
    return freeze.seal(study, plan, by, pilot=before.pilot, reason=reason)
