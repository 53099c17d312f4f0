"""A row that is gone is found, and so is the end of a chain with all that tells of it."""

from datetime import date

import pytest
from django.test import Client

from survey_site.protocols import amendments
from survey_site.protocols.models import Look
from survey_site.studies import audit
from survey_site.studies.models import ChainHead, Condition, Study
from survey_site.trials import ledger, retention
from survey_site.trials.models import Exposure, ExternalId, Participant, Response, Ticket, Trial
from tests.reports.alterations.altered import ROWS, faults, first_and_last, found_after, raw_delete
from tests.trials.player import begin, play

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("files")]


OF_A_DRAFT = "a draft's images and maps are its researchers' to take out"
MAY_GO = {
    "first StudyText": "a default text stands in its place; participants read those of the sealed document",
    "first Membership": "somebody less sees the study",
    "first Recruitment": "the study recruits by a plain link again, and the log has who had set it otherwise",
    "first ObservedMap": "a worker tries the observers on it again",
    "first Rehearsal": "the study is rehearsed again",
    "last Stimulus": OF_A_DRAFT,
    "last SaliencyMap": OF_A_DRAFT,
    "last Study": "the database takes back what leaves rows that name it",
}


def test_a_row_taken_away(study: Study) -> None:
    """The first, and the last, at which a chain would end as well without it."""
    unseen = []
    for kind in ROWS:
        for place, row in zip(("first", "last"), first_and_last(kind), strict=False):
            rows = kind._base_manager.filter(pk=row.pk)
            if found_after(study, lambda: raw_delete(rows)) == []:  # noqa: B023
                unseen.append(f"{place} {kind.__name__}")
    assert " ".join(sorted(unseen)) == " ".join(sorted(MAY_GO))


def test_a_seal_that_nobody_came_under(study: Study) -> None:
    sealed = study.protocols.get()
    wanted = amendments.Wanted(title="Another title", target=study.target_participants)
    amended = amendments.amend(study, wanted, "a better title")
    assert faults() == []
    study.refresh_from_db()
    found = found_after(study, lambda: raw_delete(study.protocols.filter(pk=amended.pk)))
    assert found == ["there are 1, and 2 in the log"] and sealed.pk != amended.pk


def test_a_condition_of_the_sealed_document_that_nobody_was_shown(study: Study) -> None:
    def hide() -> None:
        gone = study.conditions.latest("pk")
        Trial.objects.filter(condition=gone).update(condition=None)
        Response.objects.filter(condition=gone).update(condition=None)
        raw_delete(Condition.objects.filter(pk=gone.pk))

    assert "not stored as sealed: " in " ".join(found_after(study, hide, all_of_it=True) or [])
    Study.objects.filter(pk=study.pk).change(state="draft")
    study.refresh_from_db()
    assert "not stored as sealed: " not in " ".join(found_after(study, hide, all_of_it=True) or [])


def test_identifiers_go_on_the_day_that_the_consent_states(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def erase() -> None:
        raw_delete(ExternalId.objects.all())

    day = date(2031, 5, 1)
    for protocol in study.protocols.all():
        protocol.ids_erased_on = day
        protocol.save()
    assert found_after(study, erase) == [
        "the identifier of who recruited is gone, before the day of its erasure"
    ]
    monkeypatch.setattr(retention, "today", lambda: day)
    assert found_after(study, erase) == []


def test_a_look_without_its_line_in_the_log(study: Study) -> None:
    assert found_after(study, lambda: raw_delete(Look.objects.all())) == ["there are 0, and 1 in the log"]


def test_the_end_of_a_chain_taken_away_with_all_that_tells_of_it(study: Study) -> None:
    """The last answer, its link, what came after it, and the numbers in the participant's row set back."""
    person = Participant.objects.get(state="consented", external_id__value="abc")
    link = person.links.latest("number")
    trials = person.trials.filter(position__gt=link.position)

    def cut() -> None:
        raw_delete(Response.objects.filter(trial__participant=person, trial__position=link.position))
        raw_delete(person.links.filter(number=link.number))
        raw_delete(Exposure.objects.filter(trial__in=trials))
        trials.update(issued_at=None)
        head, shown = ledger.beginning(person, person.protocol.hash), ""
        for one in person.links.order_by("number"):
            head = ledger.next_head(head, one.position, one.digest)
        for trial in person.trials.exclude(issued_at=None).order_by("position"):
            assert trial.issued_at is not None
            shown = ledger.presented(shown, trial.position, trial.issued_at)
        Participant.objects.filter(pk=person.pk).update(
            chain_length=link.number - 1, chain_head=head, presented=shown
        )

    (found,) = found_after(study, cut, all_of_it=True) or [""]
    assert found.endswith("it was changed: its seal is not that of what it says")


def test_what_was_changed_is_not_sealed_with_what_the_site_changes_later(
    study: Study, client: Client
) -> None:
    """Before the participant's next answer, the next arrival and the next line of the log."""
    person = Participant.objects.get(external_id__value="abc")
    Participant.objects.filter(pk=person.pk).update(demographics={"age": 99})
    ChainHead.objects.update(length=7)
    play(client, f"/p/{person.token}/")
    begin(Client(), "test")
    audit.record_command(study, "exported", "again")
    audit.record_command(None, "looked", "again")
    told = "it was changed before the site stored it again"
    assert [fault.partition(":")[0] for fault in faults() if told in fault] == [
        "participants", "arrivals", "audit", "audit",
    ]  # fmt: skip


def test_a_newcomer_taken_away_as_if_they_had_never_come(study: Study) -> None:
    person = Participant.objects.latest("pk")

    def remove() -> None:
        for rows in (person.trials.all(), person.links.all(), Ticket.objects.filter(participant=person)):
            raw_delete(rows)
        raw_delete(Participant.objects.filter(pk=person.pk))

    assert found_after(study, remove)
