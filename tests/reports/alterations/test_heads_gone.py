"""A chain that is gone with its head is missed, since going live made both."""

import pytest

from survey_site.studies.models import AuditEntry, ChainHead, Study
from survey_site.trials.models import AnswerLink, Exposure, ExternalId, Participant, Response, Ticket, Trial
from tests.reports.alterations.altered import found_after, raw_delete

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("files")]


def test_all_participants_with_the_head_of_their_arrivals(study: Study) -> None:
    def hide() -> None:
        for kind in (Response, AnswerLink, Exposure):
            raw_delete(kind._base_manager.filter(participant__study=study))
        raw_delete(Trial.objects.filter(participant__study=study))
        raw_delete(ExternalId.objects.filter(study=study))
        raw_delete(Ticket.objects.filter(protocol__study=study))
        raw_delete(Participant.objects.filter(study=study))
        raw_delete(ChainHead.objects.filter(study=study, kind=ChainHead.Kind.ARRIVALS))

    assert found_after(study, hide) == ["the head of their chain is gone; 0 links are there"]


def test_a_whole_log_with_its_head(study: Study) -> None:
    def hide() -> None:
        raw_delete(AuditEntry.objects.filter(study=study))
        raw_delete(ChainHead.objects.filter(study=study, kind=ChainHead.Kind.AUDIT))

    assert "the head of their chain is gone; 0 links are there" in (
        found_after(study, hide, all_of_it=True) or []
    )
