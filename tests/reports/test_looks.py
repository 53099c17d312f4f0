"""Looks under a sealed stopping rule: taken once, when their places are filled; they pause and end a measurement."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from survey_site.protocols import life, masking, measurement, planned_looks
from survey_site.protocols.models import Look, Protocol
from survey_site.reports import look_taking, looks, paragraphs
from survey_site.reports.analysis import analyse
from survey_site.reports.look_taking import take, take_closing
from survey_site.reports.population import Population
from survey_site.reports.study_folder import stored_looks
from survey_site.reports.study_folder.read import read_folder
from survey_site.reports.study_folder.write import write_folder
from survey_site.studies.models import AuditEntry, Study
from survey_site.studies.states import StateForbids
from survey_site.trials.deletion import delete_study
from survey_site.trials.models import Participant, Ticket
from survey_site.trials.withdrawal import withdraw
from tests.reports.factory import Survey, survey

pytestmark = pytest.mark.django_db
RULE = {"outcome": "index", "column": "Ours 1", "looks": [4, 8, 12], "spending": "pocock"}


def ruled(rule: dict[str, Any] | None = None, **plan: Any) -> Survey:
    """A masked live study of twelve participants under a sealed rule."""
    made = survey(masked=True, target_participants=12)
    conditions = [
        {"column": c.column, "column_order": c.column_order, "classifier": c.classifier, "base": c.base,
         "method": c.method, "is_reference": c.is_reference}
        for c in made.conditions
    ]  # fmt: skip
    sealed = {"stopping": rule or RULE, "resamples": 99} | plan
    design = made.protocol.document["design"] | {"target_participants": 12}
    document = made.protocol.document | {"conditions": conditions, "analysis_plan": sealed, "design": design}
    Protocol.objects.filter(pk=made.protocol.pk).update(document=document)
    made.protocol.refresh_from_db()
    return made


def finishes(made: Survey, number: int, *, apart: int) -> Participant:
    """Ticket `number` is completed by somebody who rates the columns so far apart, images and people varying."""
    who = made.participant(ticket_number=number)
    for image in range(4):
        noise = (number * 7 + image * 3) % 3
        for column in (0, 1):
            rating = min(6, 1 + noise // 2 + apart * column + (image + number + column) % 2)
            made.rating(who, column, rating, stimulus=made.stimuli[image + 4 * column])
    Ticket.objects.create(protocol=made.protocol, number=number, participant=who, state="completed")
    return who


@pytest.fixture
def big() -> Survey:
    """Four people finished, whose ratings leave no doubt."""
    made = ruled()
    for number in range(4):
        finishes(made, number, apart=4)
    return made


@pytest.fixture
def none() -> Survey:
    """Four people finished, and there is nothing to find."""
    made = ruled()
    for number in range(4):
        finishes(made, number, apart=0)
    return made


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


def test_the_log_and_the_monitor_tell_nothing_but_go_on_or_boundary_reached(
    none: Survey, admin_client: Client
) -> None:
    take(none.study)
    page = admin_client.get(reverse("admin:study_monitor", args=[none.study.pk])).content.decode()
    assert "Go on" in page and "look 2 of 3" in page and "Boundary reached" not in page
    for secret in ("Ours 1", "Grad-CAMs", "p =", "0.0"):
        assert secret not in page.split("Looks of the sealed stopping rule")[1].split("</section>")[0]
    assert "Scores are not shown while the sealed looks decide" in page and "<meter" not in page
    assert Look.objects.count() == 1, "reading takes no look"


def test_the_monitor_says_that_the_boundary_was_reached(big: Survey, admin_client: Client) -> None:
    take(big.study)
    page = admin_client.get(reverse("admin:study_monitor", args=[big.study.pk])).content.decode()
    assert "Boundary reached" in page and "at look 1 of 3" in page and "Ours 1" not in page


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


def test_the_masked_report_shows_looks_and_no_result(big: Survey) -> None:
    take(big.study)
    report = analyse(Study.objects.get()).report
    found = report["stopping"]
    assert report["masked"] and found is not None
    assert found["rows"] == [] and found["told"] == "" and found["column"] is None
    assert [look["reached"] for look in found["looks"]] == [True]
    assert report["pairs"]["index"]["rows"] == [] and "Ours 1" not in str(report)


def test_the_closed_report_has_the_corrected_estimate_where_the_ordinary_one_would_be(big: Survey) -> None:
    take(big.study)
    finishes(big, 4, apart=0)
    life.step(Study.objects.get(), "close")
    report = analyse(Study.objects.get()).report
    found = report["stopping"]
    assert found is not None and found["ended"] and found["reached"]
    (row,) = found["rows"]
    assert row["look"] == 1 and row["significant"] and row["p"] == row["p_holm"]
    compared = report["comparisons"]["index"]["rows"][0]
    assert (compared["difference"], compared["difference_ci"]) == (row["difference"], row["ci"])
    assert compared["p_holm"] == row["p_holm"]
    assert "rests on the 4 participants of look 1" in found["note"] and "5 count now" in found["note"]
    assert "secondary" in (report["comparisons"]["faith"].get("caution") or "not compared: secondary")
    for whom in (Population(), Population(unfinished=True)):
        pairs = analyse(Study.objects.get(), whom).report["pairs"]["index"]
        assert pairs["rows"] and "no account of the looks" in str(pairs["caution"])
    assert Look.objects.count() == 1, "the study had ended by its boundary: no closing look"


def test_equivalence_says_that_it_takes_no_account_of_the_looks() -> None:
    made = ruled(margins={"index": 1})
    for number in range(4):
        finishes(made, number, apart=4)
    take(made.study)
    masking.open_names(Study.objects.get(), None)
    report = analyse(Study.objects.get()).report
    assert "no account of the looks" in report["equivalence"]["index"]["caution"]
    assert "no account of the looks" in paragraphs.results(report)


def test_a_study_that_stops_at_its_first_look_has_the_ordinary_interval(big: Survey) -> None:
    ordinary = analyse(big.study).report
    take(big.study)
    masking.open_names(Study.objects.get(), None)
    report = analyse(Study.objects.get()).report
    assert ordinary["masked"] and not report["masked"]
    kept = Look.objects.get().found["Ours 1"]
    row = report["stopping"]["rows"][0]  # type: ignore[index]
    assert row["difference"] == pytest.approx(kept["difference"], abs=1e-7)


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


def test_the_report_command_takes_the_closing_look_and_prints_it(
    none: Survey, capsys: pytest.CaptureFixture[str]
) -> None:
    life.step(none.study, "close")
    call_command("report", "small", "--format", "json")
    told = json.loads(capsys.readouterr().out)["stopping"]
    assert [look["closing"] for look in told["looks"]] == [True] and told["ended"]


def test_a_study_folder_takes_the_looks_along(big: Survey, tmp_path: Path) -> None:
    take(big.study)
    life.step(Study.objects.get(), "close")
    told = analyse(Study.objects.get()).report["stopping"]
    write_folder(Study.objects.get(), tmp_path / "first", media=False)
    head = json.loads((tmp_path / "first" / "study.json").read_text())
    assert [row["number"] for row in head["looks"]] == [1]
    kept = Look.objects.values("found", "reached").get()
    delete_study(Study.objects.get(), None)
    assert not Look.objects.exists()
    again = read_folder(tmp_path / "first")
    assert Look.objects.values("found", "reached").get() == kept
    assert analyse(again).report["stopping"] == told
    write_folder(again, tmp_path / "second", media=False)
    assert (tmp_path / "first" / "study.json").read_bytes() == (
        tmp_path / "second" / "study.json"
    ).read_bytes()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"number": 2}, "no look 2"),
        ({"planned": 5}, "not as its rule plans it"),
        ({"fraction": 2.0}, "not as its rule plans it"),
        ({"found": {"Ours 1": {"difference": "x", "variance": 1, "df": 3}}}, "must be a number"),
        ({"found": {"Ours 1": {}}}, "needs difference"),
        ({"found": {"Ours 1": {"difference": 1, "variance": -1, "df": 3}}}, "not negative"),
    ],
)
def test_a_look_that_cannot_be_is_refused_by_name(big: Survey, change: dict[str, Any], told: str) -> None:
    take(big.study)
    (row,) = stored_looks.written(big.study)["looks"]
    Look.objects.all().delete()
    with pytest.raises(ValueError, match=told):
        stored_looks.read([row | change], {1: Protocol.objects.get()})
