"""Reads who sent a participant out of the start link: Prolific, SONA, or nobody."""

from collections.abc import Mapping
from dataclasses import dataclass

from survey_site.recruitment.models import Recruitment

Provider = Recruitment.Provider
LONGEST_ID = 120
KEPT = ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID", "sona_id", "survey_code", "bot", "preview")


class BadLink(ValueError):
    """The link's identifiers cannot be used."""


@dataclass(frozen=True, slots=True)
class Sender:
    """The provider and its name for the participant; both empty for a plain link."""

    provider: str = ""
    external_id: str = ""
    session: str = ""


def sender(fields: Mapping[str, str]) -> Sender:
    """Prolific sends PROLIFIC_PID, STUDY_ID, SESSION_ID; SONA sends sona_id (or survey_code)."""
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
    # An unfilled placeholder such as {{%PROLIFIC_PID%}} would be one and the same person for everybody.
    if len(value) > LONGEST_ID or any(sign in value for sign in "%{}<>\x00") or not value.isprintable():
        raise BadLink(f"The link's {name} is not valid; open the study from the service that sent you.")
    return value
