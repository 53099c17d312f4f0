"""One definition of who counts: monitor, lists, quota, mail, report, CSV and API agree after every step of a study's life.

Everybody who does not count is inside too: who has not finished, was excluded, came beyond the target, withdrew, is a bot.
"""

import csv
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.utils import timezone
from rest_framework.test import APIClient

from survey_site.desk.dashboard import dashboard
from survey_site.notifications.study_counts import counts_of
from survey_site.protocols import amendments, freeze, life
from survey_site.protocols.amendments import Wanted
from survey_site.reports.exports.csv_stream import responses_csv
from survey_site.reports.monitor import snapshot
from survey_site.reports.point_report import point_report
from survey_site.reports.population import Population
from survey_site.studies import states
from survey_site.studies.models import AuditEntry, Study
from survey_site.trials import leases
from survey_site.trials.models import Participant, Ticket
from survey_site.trials.places import places_of
from survey_site.trials.signed_tokens import bot_token
from survey_site.trials.who_counts import newest_protocol, seals_of
from survey_site.trials.withdrawal import withdraw
from tests import factories
from tests.api.keys import token_of
from tests.trials.player import begin, play

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def somebody(query: str = "", *, finishes: bool = True) -> Participant:
    client = Client()
    address = begin(client, "test", query)
    if finishes:
        play(client, address)
    return Participant.objects.get(token=address.strip("/").split("/")[-1])


def everybody() -> None:
    """Two who count, and one of each who does not; the study wants four."""
    for _ in range(2):
        somebody()
    failed = somebody()
    Participant.objects.filter(pk=failed.pk).update(excluded=True, exclusion_reason="rule: failed_checks")
    leases.settle(failed, completed=False)
    withdraw(somebody().receipt)
    somebody(finishes=False)
    somebody(finishes=False)
    assert somebody().surplus
    somebody(f"?bot={bot_token('test')}")


def in_api(address: str) -> list[dict[str, Any]]:
    """All rows behind an address, page by page."""
    client, rows = APIClient(), []
    client.credentials(HTTP_AUTHORIZATION=f"Token {token_of(User.objects.get(username='boss'))}")
    found = client.get(address).json()
    while True:
        rows += found["results"]
        if not found["next"]:
            return rows
        found = client.get(found["next"]).json()


def counted(study: Study) -> dict[str, int]:
    """How many participants count, by who is asked."""
    protocol = newest_protocol(study.pk)
    assert protocol is not None
    study = Study.objects.get(pk=study.pk)
    request = RequestFactory().get("/")
    request.user = User.objects.get(username="boss")
    shown = dashboard(request, {})["studies"]
    target = protocol.content["design"]["target_participants"]
    tickets = Ticket.objects.filter(protocol__in=seals_of(protocol), number__lt=target, state="completed")
    found = {
        "monitor": snapshot(study).finished,
        "quota": tickets.count(),
        "report": point_report(study, version=protocol.version)["population"]["participants"],
    }
    if study.state != "archived":  # which the overview leaves out
        found["overview"] = shown[0]["people"]["finished"] if shown[0]["people"] else 0
    if study.state in ("live", "paused") and not protocol.pilot:
        found["mail"] = counts_of(study, timezone.now()).finished
    if protocol.pilot:
        return found  # whose rows say that they are a pilot's, and nothing else
    text = b"".join(responses_csv(study, Population(bots=True))).decode().splitlines()
    own = protocol.measurement_hash
    rows = [row for row in csv.DictReader(text) if row["measurement_hash"] == own]
    found["csv"] = len({r["participant"] for r in rows if r["excluded"] == "0" and r["kind"] == "person"})
    sent = [r for r in in_api("/api/v1/studies/test/responses/?bots=1") if r["measurement_hash"] == own]
    found["api"] = len({r["participant"] for r in sent if not r["excluded"] and r["kind"] == "person"})
    people = in_api("/api/v1/studies/test/participants/?kind=person&state=finished")
    found["api, people"] = sum(
        p["measurement_hash"] == own and not (p["pilot"] or p["excluded"] or p["surplus"]) for p in people
    )
    return found


def agree(study: Study, n: int) -> None:
    found = counted(study)
    assert set(found.values()) == {n}, found


def wanted(study: Study, **changes: Any) -> Wanted:
    values = {"title": study.title, "target": study.target_participants, "closes_on": study.closes_on}
    return Wanted(**{**values, **changes})


def test_all_who_are_asked_agree_after_every_step() -> None:
    User.objects.create_superuser("boss")
    study = factories.draft(target_participants=4)
    freeze.go_live(study, pilot=True)
    somebody()
    agree(study, 1)
    freeze.go_live(study)
    agree(study, 0)
    everybody()
    agree(study, 2)
    amendments.amend(study, wanted(study, texts={("en", "consent"): "Mended."}), "a typo")
    agree(study, 2)
    amendments.amend(study, wanted(study, target=9), "power")
    agree(study, 3)  # who came beyond the target is not beyond it any more
    somebody()
    for verb in ("pause", "resume", "close", "reopen"):
        life.step(study, verb)
        agree(study, 4)
    life.step(study, "version")
    agree(study, 4)
    freeze.go_live(study)
    agree(study, 4)
    life.step(study, "version")
    study.texts.create(key="debrief", language="en", markdown="Thank you.")
    freeze.go_live(study, reason="thanks")
    agree(study, 4)
    life.step(study, "version")
    text = study.texts.create(key="welcome", language="en", markdown="Hello.")
    freeze.go_live(study)
    agree(study, 0)
    somebody()
    agree(study, 1)
    life.step(study, "version")
    text.delete()
    freeze.go_live(study, reason="back")
    agree(study, 4)
    for verb in ("close", "archive", "restore"):
        life.step(study, verb)
        agree(study, 4)
    taken = {e.removeprefix("state: ") for e in AuditEntry.objects.values_list("verb", flat=True)}
    assert set(states.BY_VERB) <= taken


def test_places_and_monitor_speak_of_the_newest_measurement_and_say_who_is_elsewhere() -> None:
    study = factories.live(target_participants=4)
    somebody()
    life.step(study, "version")
    study.texts.create(key="welcome", language="en", markdown="Hello.")
    freeze.go_live(study)
    now = snapshot(study)
    assert (now.finished, now.elsewhere, sum(now.states.values())) == (0, 1, 0)
    assert [row.answers for row in now.rows] == [0, 0, 0]
    assert (places_of(study).places_taken, places_of(study).states["finished"]) == (0, 0)
    somebody()
    now = snapshot(study)
    assert (now.finished, now.elsewhere) == (1, 1)
    assert {row.answers for row in now.rows} == {2}


def test_the_balance_counts_who_counts_or_still_may() -> None:
    study = factories.live(target_participants=4)
    everybody()
    rows = snapshot(study).rows
    assert {row.answers for row in rows} == {4}  # two participants, one trial of each task in every column
