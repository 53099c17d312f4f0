"""Looks under a sealed stopping rule: taken once, when their places are filled; they pause and end a measurement."""

from typing import Any

import pytest
from django.test import Client

from survey_site.protocols import life, masking, measurement, planned_looks
from survey_site.protocols.models import Look, Protocol
from survey_site.reports import look_taking, looks
from survey_site.reports.analysis import analyse
from survey_site.reports.look_taking import take, take_closing
from survey_site.studies.models import AuditEntry, Study
from survey_site.studies.states import StateForbids
from survey_site.trials.models import Ticket
from survey_site.trials.withdrawal import withdraw
from tests.reports.factory import Survey
from tests.reports.ruled import finishes, ruled

pytestmark = pytest.mark.django_db


def test_a_look_is_due_when_its_first_places_are_filled_whoever_else_has_finished() -> None:
    made = ruled()
    for number in (0, 1, 2, 5, 6, 7):
        finishes(made, number, apart=4)
    assert looks.due(made.study) is None and take(made.study) is None
    finishes(made, 3, apart=4)
    due = looks.due(made.study)
    assert due is not None and (due.number, due.planned) == (1, 4)
    found = take(made.study)
    assert found is not None and found.participants == 4, "later tickets wait for the next look"


def test_a_reached_boundary_pauses_the_study_and_is_logged(big: Survey) -> None:
    found = take(big.study)
    assert found is not None and found.reached
    assert Study.objects.get().state == "paused"
    verbs = dict(AuditEntry.objects.values_list("verb", "detail"))
    assert verbs["look taken"] == "look 1 of 3, 4 participants: boundary reached"
    assert {"state: pause", "stopped by the sealed rule"} <= set(verbs)


def test_a_look_that_cannot_pause_the_study_is_not_taken(
    big: Survey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a worker that is lost between the two leaves a study that has ended letting people in."""

    def lost(*_: Any) -> None:
        raise RuntimeError("the worker is gone")

    with monkeypatch.context() as patched:
        patched.setattr(life, "step", lost)
        with pytest.raises(RuntimeError, match="gone"):
            take(big.study)
    assert not Look.objects.exists() and not AuditEntry.objects.filter(verb="look taken").exists()
    found = take(big.study)
    assert found is not None and found.reached and Study.objects.get().state == "paused"


def test_the_boundary_of_an_older_measurement_does_not_pause_a_newer_one(
    big: Survey, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = look_taking.found_in

    def replaced(*asked: Any) -> Any:
        newer = Protocol.objects.create(
            study=big.study, version=2, hash="b" * 64, document=big.protocol.document
        )
        assert newer.measurement_id != big.protocol.measurement_id
        return real(*asked)

    monkeypatch.setattr(look_taking, "found_in", replaced)
    found = take(big.study)
    assert found is not None and found.reached and Study.objects.get().state == "live"


def test_without_a_difference_it_goes_on_and_looking_again_takes_nothing(none: Survey) -> None:
    found = take(none.study)
    assert found is not None and not found.reached
    assert take(none.study) is None and looks.sweep() == 0
    assert Look.objects.count() == 1 and Study.objects.get().state == "live"
    assert AuditEntry.objects.filter(verb="look taken").count() == 1


def test_the_sweep_asks_for_the_look_that_is_due_and_of_no_other_study(
    none: Survey, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks._has_rule.cache_clear()
    asked: list[str] = []
    monkeypatch.setattr(looks, "ask", lambda study: asked.append(study.slug))
    assert looks.sweep() == 1 and asked == [none.study.slug]
    Study.objects.update(state=Study.State.CLOSED)
    assert looks.sweep() == 0
    looks._has_rule.cache_clear()


@pytest.mark.parametrize("verb", ["resume", "reopen"])
def test_after_the_boundary_nobody_new_is_let_in_under_the_measurement(big: Survey, verb: str) -> None:
    take(big.study)
    study = Study.objects.get()
    if verb == "reopen":
        Study.objects.update(state="closed")
        study.refresh_from_db()
    with pytest.raises(StateForbids, match="ended this measurement at look 1"):
        life.step(study, verb)


def test_a_pause_by_hand_can_be_resumed_and_its_looks_are_taken(none: Survey) -> None:
    life.step(none.study, "pause")
    assert take(none.study) is not None
    life.step(none.study, "resume")
    assert Study.objects.get().state == "live"


def test_exclusions_and_withdrawals_after_a_look_change_no_decision(big: Survey) -> None:
    take(big.study)
    before = Look.objects.values().get()
    withdraw(big.study.participants.earliest("pk").receipt)
    assert take(big.study) is None
    assert Look.objects.values().get() == before


def test_closing_early_takes_one_last_look_which_spends_what_is_left(none: Survey) -> None:
    take(none.study)
    finishes(none, 5, apart=0)
    life.step(none.study, "close")
    study = Study.objects.get()
    report = analyse(study).report
    last = Look.objects.get(number=2)
    assert last.closing and last.participants == 5 and last.fraction == 1.0
    assert report["stopping"]["ended"] and not report["stopping"]["reached"]  # type: ignore[index]
    analyse(study)
    assert Look.objects.count() == 2
    with pytest.raises(StateForbids, match="results were computed"):
        life.step(study, "reopen")


def test_closing_after_the_names_were_open_spends_only_the_share_of_the_people(none: Survey) -> None:
    masking.open_names(none.study, None)
    life.step(none.study, "close")
    analyse(Study.objects.get())
    assert Look.objects.get().fraction == pytest.approx(4 / 12)


def test_reading_the_closed_report_does_not_count_as_having_seen_before_the_end(
    none: Survey, admin_client: Client
) -> None:
    life.step(none.study, "close")
    admin_client.get("/reports/small/")
    assert AuditEntry.objects.filter(verb=masking.SHOWN).exists()
    take_closing(Study.objects.get(), none.protocol)
    assert Look.objects.get().fraction == 1.0


def test_a_closed_study_whose_report_nobody_computed_is_not_ended_by_its_rule(none: Survey) -> None:
    take(none.study)
    life.step(none.study, "close")
    assert planned_looks.ended(none.protocol) == ""
    with pytest.raises(StateForbids, match="pictures"):  # which this made-up study has none of
        life.step(Study.objects.get(), "reopen")


def test_the_target_cannot_be_amended_under_a_rule(none: Survey) -> None:
    new = none.protocol.content | {"design": {"target_participants": 24}}
    assert measurement.change(none.protocol.content, new, names_opened=False) == "version"


def test_nobody_to_look_at_is_not_estimable_and_stops_nothing() -> None:
    made = ruled()
    for number in range(4):  # all say the same: no variation
        who = made.participant(ticket_number=number)
        made.rating(who, 0, 3)
        made.rating(who, 1, 3)
        Ticket.objects.create(protocol=made.protocol, number=number, participant=who, state="completed")
    found = take(made.study)
    assert found is not None and not found.reached
    assert (
        "not estimable" in found.found["Ours 1"]["reason"]
        or "needs at least" in found.found["Ours 1"]["reason"]
    )
    life.step(made.study, "close")
    rows = analyse(Study.objects.get()).report["stopping"]["rows"]  # type: ignore[index]
    assert rows[0]["difference"] is None and rows[0]["p_holm"] is None and rows[0]["reason"]
