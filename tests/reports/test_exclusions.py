"""`manage.py exclude`: judges by the frozen rules, changes nothing unless told, and never looks at right or wrong."""

import io

import pytest
from django.core.management import CommandError, call_command

from survey_site.reports.point_report import point_report
from survey_site.trials.models import Participant, Ticket
from tests.reports.factory import Survey, survey

pytestmark = pytest.mark.django_db


def exclude(*options: str) -> str:
    out = io.StringIO()
    call_command("exclude", "small", *options, stdout=out)
    return out.getvalue()


@pytest.fixture
def answered(small: Survey) -> Survey:
    """One careful participant who is always wrong, one who answers faster than anybody can look."""
    careful, hasty = small.participant(), small.participant()
    for _ in range(4):
        small.matching(careful, 0, 1)
        small.matching(hasty, 0, 0, rt_ms=50)
    for number in range(4):
        small.rating(careful, number % 2, number)
    Ticket.objects.create(protocol=small.protocol, number=0, participant=hasty, state="completed")
    Participant.objects.filter(pk=hasty.pk).update(ticket_number=0)
    return small


def test_listing_changes_nothing(answered: Survey) -> None:
    assert exclude() == "p02  response_times\n1 participants break a rule (response_times 1)\n"
    assert not Participant.objects.filter(excluded=True).exists()


def test_applying_takes_them_out_of_table_1_and_frees_the_ticket(answered: Survey) -> None:
    assert "1 excluded" in exclude("--apply")
    person = Participant.objects.get(excluded=True)
    assert (person.code, person.exclusion_reason) == ("p02", "rule: response_times")
    assert Ticket.objects.get().state == "released"
    faith = point_report(answered.study)["columns"][0]["faith"]
    assert (faith["n"], faith["percent"]) == (4, 0.0)
    assert "0 participants break a rule" in exclude("--apply")


def test_rules_switched_off_judge_nobody(answered: Survey) -> None:
    answered.protocol.document["exclusion_rules"] = {
        "rt_min_ms": None, "rt_max_ms": None, "flagged_share": None, "failed_checks": None, "straight_lining": False,
        "position_alpha": None,
    }  # fmt: skip
    answered.protocol.save()
    assert exclude() == "0 participants break a rule\n"


def test_a_draft_has_no_rules_yet(db: None) -> None:
    survey("small").protocol.delete()
    with pytest.raises(CommandError, match="has not gone live"):
        exclude()
