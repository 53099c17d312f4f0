"""Where a participant goes at the end: the provider's page with the right code."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

from survey_site.recruitment import embedding
from survey_site.recruitment.models import Recruitment

Provider = Recruitment.Provider
NAMED = {Provider.PROLIFIC: "Prolific", Provider.SONA: "SONA"}
Outcome = Literal["completed", "screened_out", "failed_attention", "over_quota", "too_fast"]


@dataclass(frozen=True, slots=True)
class Exit:
    """A code to show and an address to return to; either may be empty. provider: who wants them, where it has a name.

    pays: the reward depends on them.
    """

    code: str = ""
    url: str = ""
    provider: str = ""
    pays: bool = False


def codes_of(recruitment: Recruitment | None) -> dict[Outcome, str]:
    """The study's codes by outcome; empty ones are not set."""
    if recruitment is None:
        return {}
    return {
        "completed": recruitment.completed_code,
        "screened_out": recruitment.screened_out_code,
        "failed_attention": recruitment.failed_attention_code,
        "over_quota": recruitment.over_quota_code,
        "too_fast": recruitment.too_fast_code,
    }


def way_out(
    recruitment: Recruitment | None,
    outcome: Outcome,
    external_id: str,
    *,
    participant: str = "",
    carried: Mapping[str, str] | None = None,
    coded: bool = True,
) -> Exit:
    """Prolific's completion address with its code, SONA's credit address, a plain link's return address, or the bare code.

    A provider's code that the researcher left empty falls back to no link: a wrong code would pay wrongly.
    participant: their code in exports; carried: what their start link brought for the way back; coded: whether
    they are shown a code.
    """
    if recruitment is None:
        return Exit()
    code = codes_of(recruitment)[outcome] if coded else ""
    name, pays = NAMED.get(Provider(recruitment.provider), ""), outcome == "completed"
    if recruitment.provider == Provider.PROLIFIC and code:
        address = f"https://app.prolific.com/submissions/complete?{urlencode({'cc': code})}"
        return Exit(code, address, name, pays)
    if recruitment.provider == Provider.SONA and outcome == "completed" and recruitment.sona_host:
        credit = {
            "experiment_id": recruitment.sona_experiment_id,
            "credit_token": recruitment.sona_credit_token,
            "survey_code": external_id,
        }
        address = f"https://{recruitment.sona_host}/webstudy_credit.aspx?{urlencode(credit)}"
        return Exit("", address, name, pays)
    values = {**(carried or {}), "participant": participant, "outcome": outcome, "code": code}
    address = embedding.filled(recruitment.return_url, values) if not name else ""
    return Exit(code, address, name, pays and bool(code or address))
