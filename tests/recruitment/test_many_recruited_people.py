"""The people of a recruitment service where they are many: in pages, read some at a time, ids for copying always all."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from survey_site.desk.pages import reconciliation
from survey_site.recruitment.models import Recruitment
from survey_site.studies.models import Study
from survey_site.trials import outcomes
from survey_site.trials.models import Response
from tests import factories
from tests.desk.crowd import add_participant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
PAGE = "/recruitment/test/"


@pytest.fixture
def study() -> Study:
    """Five people of Prolific, of whom the second broke off and the third failed the check."""
    study = factories.live(attention_checks=1, exclusion_rules={"failed_checks": 1})
    Recruitment.objects.create(study=study, provider="prolific", completed_code="C1")
    for name in "abcde":
        who = add_participant(study, name, finished=name != "b")
        checks = Response.objects.filter(participant=who, trial__attention_check=True)
        for check in checks.select_related("trial"):
            right = 1 if check.trial.expected is None else check.trial.expected
            checks.filter(pk=check.pk).update(score=right + 1 if name == "c" else right)
    return study


def test_the_page_shows_some_of_them_and_says_which(
    admin_client: Client, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciliation, "PER_PAGE", 2)
    response = admin_client.get(f"{PAGE}?page=2")
    assert [(one.external_id, one.outcome) for one in response.context["known"]] == [
        ("prolific-c", "failed_attention"),
        ("prolific-d", "completed"),
    ]
    html = response.content.decode()
    assert "3 to 4 of 5" in html and 'href="?page=3"' in html and "prolific-a" not in html


def test_everybody_is_compared_however_few_are_read_at_a_time(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = outcomes.outcomes(study, "prolific")
    assert [one.outcome for one in at_once] == [
        "completed", "unfinished", "failed_attention", "completed", "completed",
    ]  # fmt: skip
    assert all(one.answered == one.planned > 0 for one in at_once if one.outcome != "unfinished")
    assert 0 < at_once[1].answered < at_once[1].planned
    monkeypatch.setattr(outcomes, "BATCH", 2)
    assert outcomes.outcomes(study, "prolific") == at_once


def test_of_a_long_group_all_ids_can_be_copied_and_the_first_rows_are_listed(
    admin_client: Client, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciliation, "MOST_LISTED", 3)
    file = SimpleUploadedFile("s.csv", b"Participant id,Status,Completion code\n", "text/csv")
    html = admin_client.post(PAGE, {"submissions": file}).content.decode()
    assert "Who: the first 3" in html and "<td>prolific-c</td>" in html and "<td>prolific-d</td>" not in html
    assert "readonly>prolific-a\nprolific-b\nprolific-c\nprolific-d\nprolific-e</textarea>" in html
