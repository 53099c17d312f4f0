"""Sites that may frame a study, and return addresses with parameters: what is taken, refused, carried and quoted."""

import pytest
from django.core.exceptions import ValidationError

from survey_site.recruitment import embedding
from survey_site.recruitment.completion import way_out
from survey_site.recruitment.models import Recruitment

BACK = "https://x.qualtrics.com/jfe/form/SV_1?id={ResponseID}&what={outcome}&code={code}&who={participant}"


@pytest.mark.parametrize(
    "origin",
    ["https://x.qualtrics.com", "https://*.qualtrics.com", "https://a.org:8443", "http://localhost:3000"],
)
def test_a_site_is_an_origin(origin: str) -> None:
    assert embedding.wrong_origins(origin) == []


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "https:",
        "http://a.org",
        "https://a.org/path",
        "a.org",
        "'self'",
        "https://*",
        "data:",
        "https://a.org;x",
    ],
)
def test_what_is_no_site_or_everybodys_is_refused(origin: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Recruitment(frame_origins=f"https://b.org {origin}").clean()
    assert list(refused.value.message_dict) == ["frame_origins"]


def test_sites_are_told_apart_by_spaces_and_named_once() -> None:
    assert embedding.origins(" https://A.org/  https://a.org\nhttps://b.org ") == (
        "https://a.org",
        "https://b.org",
    )


@pytest.mark.parametrize(
    "url",
    ["http://a.org/{code}", "a.org", "https://{code}.org/", "https://a.org/{", "https://a.org/{a b}", "https://a.org/{nonce}",
     "javascript:alert(1)", "https://a.org/{code}}", "https://[a"],
)  # fmt: skip
def test_an_address_that_leads_nowhere_is_refused(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Recruitment(return_url=url).clean()
    assert list(refused.value.message_dict) == ["return_url"]


def test_prolific_has_a_way_back_of_its_own() -> None:
    with pytest.raises(ValidationError) as refused:
        Recruitment(provider="prolific", completed_code="C", return_url=BACK).clean()
    assert list(refused.value.message_dict) == ["return_url"]
    Recruitment(return_url=BACK).clean()


def test_the_parameters_that_the_address_names_are_carried_and_no_others() -> None:
    fields = {"ResponseID": "R_1", "other": "x", "outcome": "completed", "long": ""}
    assert embedding.carried(BACK, fields) == {"ResponseID": "R_1"}
    assert (
        len(embedding.carried(BACK, {"ResponseID": "x" * 999})["ResponseID"]) == embedding.LONGEST_PARAMETER
    )


def test_what_was_carried_is_quoted_on_the_way_back() -> None:
    study = Recruitment(provider="link", return_url=BACK, completed_code="C 7")
    found = way_out(
        study, "completed", "", participant="bcd", carried={"ResponseID": "R&1=é", "outcome": "forged"}
    )
    assert found.url == (
        "https://x.qualtrics.com/jfe/form/SV_1?id=R%261%3D%C3%A9&what=completed&code=C%207&who=bcd"
    )
    assert way_out(study, "failed_attention", "").url.endswith("?id=&what=failed_attention&code=&who=")
