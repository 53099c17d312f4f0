"""Simulated participants play through the real pages and stay apart from people."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from survey_site.trials.models import Participant, Response, Ticket, Trial
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def simulate(*arguments: str) -> str:
    out = StringIO()
    call_command("simulate", "test", *arguments, stdout=out)
    return out.getvalue()


def test_bots_answer_every_trial_and_take_no_ticket() -> None:
    factories.live(attention_checks=1, reserve=4)
    assert simulate("--participants", "3", "--drop-out", "0").startswith(
        "3 simulated participants: 3 finished"
    )
    assert set(Participant.objects.values_list("kind", "state")) == {("bot", "finished")}
    assert sorted(Participant.objects.values_list("ticket_number", flat=True)) == [0, 1, 2]
    assert Response.objects.count() == Trial.objects.count() > 0
    assert not Ticket.objects.exists()


def test_the_same_seed_gives_the_same_answers() -> None:
    answers = []
    for slug in ("test", "again"):
        factories.live(slug)
        call_command("simulate", slug, "--participants", "2", "--seed", "5", stdout=StringIO())
        rows = Response.objects.filter(trial__participant__study__slug=slug).order_by(
            "trial__participant", "trial"
        )
        answers.append(list(rows.values_list("score", "answer", "rt_ms")))
    assert answers[0] == answers[1]


def test_who_leaves_leaves_answers_behind() -> None:
    factories.live()
    assert "0 finished, 2 left" in simulate("--participants", "2", "--drop-out", "1")


def test_it_plays_over_http_too(transactional_db: Any, live_server: Any) -> None:
    factories.live()
    assert "1 finished" in simulate("--participants", "1", "--drop-out", "0", "--url", live_server.url)


def test_other_programs_get_a_token_for_the_door(client: Client) -> None:
    factories.live()
    token = simulate("--print-token").strip()
    assert client.get("/s/test/", {"bot": token}).status_code == 200
    assert not Participant.objects.exists()


def test_it_says_what_is_wrong() -> None:
    factories.draft()
    for arguments in (["test"], ["nothing"], ["test", "--participants", "0"]):
        with pytest.raises(CommandError):
            call_command("simulate", *arguments)
