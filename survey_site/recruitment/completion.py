"""Where a participant goes at the end: the provider's page with the right code."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

from survey_site.recruitment.models import Recruitment

Outcome = Literal["completed", "screened_out", "failed_attention", "over_quota", "too_fast"]


@dataclass(frozen=True, slots=True)
class Exit:
    """A code to show and an address to return to; either may be empty."""

    code: str = ""
    url: str = ""


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


def way_out(recruitment: Recruitment | None, outcome: Outcome, external_id: str) -> Exit:
    """Prolific's completion address with its code, SONA's credit address, or the bare code.

    A provider's code that the researcher left empty falls back to no link: a wrong code would pay wrongly.
    """
    if recruitment is None:
        return Exit()
    code = codes_of(recruitment)[outcome]
    if recruitment.provider == Recruitment.Provider.PROLIFIC and code:
        return Exit(code, f"https://app.prolific.com/submissions/complete?{urlencode({'cc': code})}")
    if recruitment.provider == Recruitment.Provider.SONA and outcome == "completed" and recruitment.sona_host:
        credit = {
            "experiment_id": recruitment.sona_experiment_id,
            "credit_token": recruitment.sona_credit_token,
            "survey_code": external_id,
        }
        return Exit("", f"https://{recruitment.sona_host}/webstudy_credit.aspx?{urlencode(credit)}")
    return Exit(code)
