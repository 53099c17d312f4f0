"""Reads who sent a participant out of the start link: Prolific, SONA, the researcher by a list, or nobody."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from survey_site.recruitment import personal_links
from survey_site.recruitment.models import Recruitment

Provider = Recruitment.Provider
LONGEST_ID = 120
NOBODY = frozenset(
    {"undefined", "null", "none", "nan", "nil", "na", "n/a", "anonymous", "test", "true", "false"}
)
# What the providers' identifiers look like: Prolific's are 24 hexadecimal digits, SONA's a short code; no e-mail address.
FORMS: dict[str, re.Pattern[str]] = {
    Provider.PROLIFIC: re.compile(r"[0-9a-fA-F]{24}"),
    Provider.SONA: re.compile(r"[0-9A-Za-z_-]{1,40}"),
    Provider.LIST: personal_links.FORM,
}
KEPT = (
    "PROLIFIC_PID",
    "STUDY_ID",
    "SESSION_ID",
    "sona_id",
    "survey_code",
    "person",
    "key",
    "bot",
    "preview",
    "again",
)


class BadLink(ValueError):
    """The link's identifiers cannot be used."""


@dataclass(frozen=True, slots=True)
class Sender:
    """The provider and its name for the participant; both empty for a plain link."""

    provider: str = ""
    external_id: str = ""
    session: str = ""


def sender(fields: Mapping[str, str], study: int) -> Sender:
    """Prolific sends PROLIFIC_PID, STUDY_ID, SESSION_ID; SONA sona_id (or survey_code); a personal link person and key.

    study: the row id, for which a personal link is signed. Raises BadLink.
    """
    if person := fields.get("person", ""):
        key = fields.get("key", "")
        if not personal_links.FORM.fullmatch(person) or not personal_links.is_signed(study, person, key):
            raise BadLink("The link was not made for this person; open it as it was given to you.")
        return Sender(Provider.LIST, person, key)
    if pid := _identifier(fields, "PROLIFIC_PID"):
        return Sender(Provider.PROLIFIC, pid, _identifier(fields, "SESSION_ID"))
    if sona := _identifier(fields, "sona_id") or _identifier(fields, "survey_code"):
        return Sender(Provider.SONA, sona)
    return Sender()


def start_link(provider: str, path: str) -> str:
    """The link to enter at the provider, with its placeholders."""
    if provider == Provider.PROLIFIC:
        names = ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID")
        return f"{path}?" + "&".join(f"{name}={{{{%{name}%}}}}" for name in names)
    return f"{path}?sona_id=%SURVEY_CODE%" if provider == Provider.SONA else path


def kept(fields: Mapping[str, str]) -> dict[str, str]:
    """The parameters that travel from the link through the start form."""
    return {name: fields[name][:LONGEST_ID] for name in KEPT if fields.get(name)}


def _identifier(fields: Mapping[str, str], name: str) -> str:
    value = fields.get(name, "").strip()
    if len(value) > LONGEST_ID or not value.isprintable() or _stands_for_nobody(value):
        raise BadLink(f"The link's {name} is not valid; open the study from the service that sent you.")
    return value


def _stands_for_nobody(value: str) -> bool:
    """A placeholder such as {{%PROLIFIC_PID%}}, or what a program writes for nothing, would be one person for all."""
    return any(sign in value for sign in "%{}[]<>$\x00") or value.lower() in NOBODY


def refuse_unnamed(recruitment: Recruitment | None, who: Sender) -> None:
    """Raises BadLink where the study's provider did not name the participant as it names people.

    Without the identifier nobody could be paid, and a script could take one place after another.
    """
    if recruitment and recruitment.provider in FORMS and not is_named(recruitment, who):
        raise BadLink("The link does not name you; open the study from the service that sent you.")


def is_named(recruitment: Recruitment | None, who: Sender) -> bool:
    """Whether the study's provider named the participant in its form; never by a plain link."""
    form = FORMS.get(recruitment.provider) if recruitment else None
    return bool(
        recruitment and form and who.provider == recruitment.provider and form.fullmatch(who.external_id)
    )
