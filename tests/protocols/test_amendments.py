"""Amendments, with participants inside: the data stay together, in the open, and nothing else is changed."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from survey_site.protocols import amendments, freeze, life, masking
from survey_site.protocols.amendments import Wanted
from survey_site.protocols.models import Protocol
from survey_site.reports.point_report import point_report
from survey_site.reports.study_folder.read import read_folder
from survey_site.reports.study_folder.write import write_folder
from survey_site.studies.models import AuditEntry, Study
from survey_site.studies.states import StateForbids
from survey_site.trials.models import Participant, Response, Ticket
from tests import factories
from tests.trials.player import Form, begin, play

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
CONSENT = {("en", "consent"): "**Write to us** at faith@example.org."}


def wanted(study: Study, **changes: object) -> Wanted:
    values = {"title": study.title, "target": study.target_participants, "closes_on": study.closes_on}
    return Wanted(**{**values, **changes})  # type: ignore[arg-type]


def tickets() -> list[tuple[int, str]]:
    return list(Ticket.objects.order_by("protocol", "number").values_list("number", "state"))


def test_a_typo_in_the_consent_costs_no_data() -> None:
    study, inside, client = factories.live(), Client(), Client()
    address = begin(inside, "test")
    first = Protocol.objects.get()
    second = amendments.amend(study, wanted(study, texts=CONSENT), "a typo in the address")
    assert (second.version, second.amends, second.reason) == (2, True, "a typo in the address")
    assert second.measurement_hash == first.measurement_hash
    assert second.hash != first.hash
    play(inside, address)
    page = client.get("/s/test/").content.decode()
    assert "faith@example.org" in page
    play(client, begin(client, "test"))
    under = list(Participant.objects.order_by("pk").values_list("protocol__hash", flat=True))
    assert under == [first.hash, second.hash]
    assert len(set(Participant.objects.values_list("consent_version", flat=True))) == 2
    assert tickets() == [(0, "completed"), (1, "completed")]
    assert Protocol.objects.get(version=2).served.count() == 0  # the pictures are those of version 1
    report = point_report(study)
    assert report["population"]["participants"] == 2
    assert (report["protocol_hash"], report["measurement_hash"]) == (second.hash, first.measurement_hash)
    assert [(v["version"], v["participants"], v["reason"]) for v in report["versions"]] == [
        (2, 1, "a typo in the address"), (1, 1, ""),
    ]  # fmt: skip
    assert "Pools versions 1 and 2: the same measurement" in report["versions_note"]


def test_the_sealed_document_of_before_stays_as_it_was() -> None:
    study = factories.live()
    before = Protocol.objects.values().get()
    amendments.amend(study, wanted(study, texts=CONSENT, title="Another title"), "why")
    assert Protocol.objects.values().get(version=1) == before
    document = Protocol.objects.get(version=2).document
    assert document["texts"]["en"]["consent"] == CONSENT["en", "consent"]
    assert document["study"]["title"] == Study.objects.get().title == "Another title"
    document["texts"]["en"]["consent"] = before["document"]["texts"]["en"]["consent"]
    document["study"]["title"] = before["document"]["study"]["title"]
    assert document == before["document"]


@pytest.mark.parametrize("state", ["pilot", "live", "paused", "closed"])
def test_it_can_be_made_in_every_sealed_state_and_leaves_the_state(state: str) -> None:
    study = factories.draft()
    freeze.go_live(study, pilot=state == "pilot")
    if state in ("paused", "closed"):
        life.step(study, "pause" if state == "paused" else "close")
    amendments.amend(study, wanted(study, texts=CONSENT), "why")
    assert Study.objects.get().state == state
    assert Protocol.objects.get(version=2).pilot is (state == "pilot")


def test_a_draft_is_not_amended() -> None:
    study = factories.draft()
    with pytest.raises(StateForbids, match="The study is draft"):
        amendments.amend(study, wanted(study, texts=CONSENT), "why")


@pytest.mark.parametrize(
    "changes,reason,says",
    [
        ({"texts": {("en", "instructions_matching"): "x"}}, "why", "touches the measurement"),
        ({"texts": {("en", "a_new_key"): "x"}}, "why", "touches the measurement"),
        ({"texts": {("xx", "consent"): "x"}}, "why", "no text “consent” (xx)"),
        ({"target": 0}, "why", "at least one"),
        ({"closes_on": timezone.now().date() - timedelta(days=1)}, "why", "is past"),
        ({}, "why", "Nothing is changed"),
        ({"texts": CONSENT}, "  ", "Say why"),
    ],
)
def test_what_is_no_amendment_is_refused_and_changes_nothing(
    changes: dict[str, object], reason: str, says: str
) -> None:
    study = factories.live()
    before = Study.objects.values().get(), AuditEntry.objects.count()
    with pytest.raises(freeze.NotReady) as refused:
        amendments.amend(study, wanted(study, **changes), reason)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert (Study.objects.values().get(), AuditEntry.objects.count()) == before
    assert Protocol.objects.count() == 1
    assert not study.texts.exists()


def test_a_higher_target_goes_on_in_the_same_square_and_takes_in_who_came_beyond_the_old_one() -> None:
    study = factories.live(target_participants=1)
    for number in range(2):
        client = Client()
        play(client, begin(client, "test", f"?lang=en&n={number}"))
    assert list(Participant.objects.order_by("pk").values_list("surplus", flat=True)) == [False, True]
    amendments.amend(study, wanted(study, target=3), "power")
    assert list(Participant.objects.order_by("pk").values_list("surplus", flat=True)) == [False, False]
    begin(Client(), "test")
    assert tickets() == [(0, "completed"), (1, "completed"), (2, "leased")]
    assert Participant.objects.order_by("-pk")[0].surplus is False
    assert point_report(study)["population"]["participants"] == 2


@pytest.mark.parametrize("verb", [masking.OPENED, masking.SHOWN])
def test_the_target_is_fixed_once_somebody_has_seen_results_under_their_names(verb: str) -> None:
    study = factories.live()
    AuditEntry.objects.create(study=study, verb=verb)
    with pytest.raises(freeze.NotReady, match="needs a new version"):
        amendments.amend(study, wanted(study, target=99), "more")
    amendments.amend(study, wanted(study, texts=CONSENT), "a typo")


def test_the_closing_date_ends_the_recruitment_and_is_amended_to_go_on() -> None:
    study, client = factories.live(), Client()
    address = begin(client, "test")
    amendments.amend(study, wanted(study, closes_on=timezone.now().date()), "the term ends")
    assert Client().get("/s/test/").status_code == 200
    Study.objects.update(closes_on=timezone.now().date() - timedelta(days=1))
    page = Client().get("/s/test/", headers={"Accept-Language": "en"})
    assert (page.status_code, "is closed" in page.content.decode()) == (410, True)
    play(client, address)
    study.refresh_from_db()
    amendments.amend(study, wanted(study, closes_on=None), "prolonged")
    assert Client().get("/s/test/").status_code == 200


def test_who_read_the_old_consent_is_shown_the_new_one_before_they_agree() -> None:
    study, client = factories.live(), Client()
    form = Form(client.get("/s/test/").content.decode())
    amendments.amend(study, wanted(study, texts=CONSENT), "a typo")
    refused = client.post("/s/test/", form.hidden | {"consent": "yes"})
    assert refused.status_code == 422
    assert "was changed while you read it" in refused.content.decode()
    assert not Participant.objects.exists()
    again = Form(refused.content.decode())
    assert client.post("/s/test/", again.hidden | {"consent": "yes"}).status_code == 303


def test_two_who_amend_at_once_do_not_overwrite_each_other() -> None:
    study = factories.live()
    amendments.amend(study, wanted(study, texts=CONSENT), "first", seen=1)
    with pytest.raises(freeze.NotReady, match=r"Version 2 was sealed .*first"):
        amendments.amend(study, wanted(study, title="Mine"), "second", seen=1)
    assert Protocol.objects.count() == 2


def test_resealing_the_unchanged_study_goes_on_under_its_seal() -> None:
    study, client = factories.live(), Client()
    play(client, begin(client, "test"))
    life.step(study, "version")
    again = freeze.go_live(study)
    assert (again, again.version) == (Protocol.objects.get(), 1)
    assert point_report(study)["population"]["participants"] == 1


def test_a_draft_in_which_only_the_consent_changed_goes_live_as_an_amendment() -> None:
    study, client = factories.live(), Client()
    play(client, begin(client, "test"))
    life.step(study, "version")
    study.texts.create(key="consent", language="en", markdown="Mended.")
    with pytest.raises(freeze.NotReady, match="Say why it is made"):
        freeze.go_live(study)
    assert Study.objects.get().state == "draft"
    made = freeze.go_live(study, reason="a typo")
    assert (made.version, made.amends) == (2, True)
    assert point_report(study)["population"]["participants"] == 1


def test_a_draft_in_which_the_instructions_changed_is_a_new_version_and_starts_at_0() -> None:
    study, client = factories.live(), Client()
    play(client, begin(client, "test"))
    life.step(study, "version")
    study.texts.create(key="instructions_matching", language="en", markdown="Look closely.")
    made = freeze.go_live(study)
    assert (made.version, made.amends) == (2, False)
    report = point_report(study)
    assert report["population"]["participants"] == 0
    assert [(v["version"], v["participants"]) for v in report["other_versions"]] == [(1, 1)]
    assert "Leaves out version 1: another measurement" in report["versions_note"]
    assert point_report(study, version=1)["population"]["participants"] == 1


def test_back_to_an_earlier_measurement_its_answers_count_again() -> None:
    study, client = factories.live(), Client()
    play(client, begin(client, "test"))
    life.step(study, "version")
    text = study.texts.create(key="instructions_matching", language="en", markdown="Look closely.")
    freeze.go_live(study)
    life.step(study, "version")
    text.delete()
    made = freeze.go_live(study)
    assert (made.version, made.measurement.version if made.measurement else None) == (3, 1)
    assert point_report(study)["population"]["participants"] == 1
    play(client, begin(Client(), "test"))
    assert tickets() == [(0, "completed"), (1, "completed")]


def test_a_pilot_and_the_study_stay_apart_though_nothing_changed() -> None:
    study, client = factories.draft(), Client()
    freeze.go_live(study, pilot=True)
    play(client, begin(client, "test"))
    live = freeze.go_live(study)
    assert (live.version, live.amends) == (2, False)
    assert point_report(study)["population"]["participants"] == 0
    assert Response.objects.filter(participant__protocol__pilot=True).exists()


def test_a_target_changed_in_a_draft_after_results_were_seen_stands_alone() -> None:
    study, client = factories.live(), Client()
    play(client, begin(client, "test"))
    masking.open_names(study, None)
    life.step(study, "version")
    Study.objects.update(target_participants=24)
    made = freeze.go_live(Study.objects.get())
    assert (made.version, made.amends) == (2, False)
    report = point_report(study)
    assert report["population"]["participants"] == 0
    assert "its target was changed when results were known" in report["versions_note"]


def test_a_new_contact_is_amended_in_every_text_that_names_it() -> None:
    study = factories.draft()
    facts = {"controller": "Ada", "contact": "old@example.org", "ethics_number": "E1"}
    Study.objects.update(**facts, ids_erased_on=timezone.now().date() + timedelta(days=90))
    study.refresh_from_db()
    before = freeze.go_live(study).content
    known = before["facts"] | {"contact": "new@example.org"}
    made = amendments.amend(study, wanted(study, facts=known), "she moved").content
    assert made["facts"] == known
    assert Study.objects.get().contact == "new@example.org"
    for language, words in before["texts"].items():
        for key, text in words.items():
            assert made["texts"][language][key] == text.replace("old@example.org", "new@example.org")
    assert any("old@example.org" in words["consent"] for words in before["texts"].values())
    with pytest.raises(freeze.NotReady, match="Nothing is changed"):
        amendments.amend(study, wanted(study, facts=known), "again")


def test_a_consent_is_not_amended_into_one_with_gaps() -> None:
    study = factories.live()
    gap = {("en", "consent"): "Write to {contact}."}
    with pytest.raises(freeze.NotReady, match=r"names \{contact\}, which is not filled in"):
        amendments.amend(study, wanted(study, texts=gap, facts={}), "why")


def test_a_study_folder_keeps_what_stands_together(tmp_path: Path) -> None:
    study, client = factories.live(), Client()
    play(client, begin(client, "test"))
    amendments.amend(study, wanted(study, texts=CONSENT), "a typo")
    play(client, begin(Client(), "test"))
    life.step(study, "version")
    study.texts.create(key="welcome", language="en", markdown="Hello.")
    freeze.go_live(study)
    write_folder(study, tmp_path / "folder")
    Study.objects.update(slug="original")
    there = read_folder(tmp_path / "folder")
    found = [
        (p.version, p.measurement.version if p.measurement else None, p.reason, p.hash, p.measurement_hash)
        for p in there.protocols.order_by("version")
    ]
    assert [row[:3] for row in found] == [(1, 1, ""), (2, 1, "a typo"), (3, 3, "")]
    sealed = study.protocols.order_by("version").values_list("hash", "measurement_hash")
    assert [row[3:] for row in found] == list(sealed)
    assert point_report(there, version=2)["population"]["participants"] == 2
    assert point_report(there)["population"]["participants"] == 0
