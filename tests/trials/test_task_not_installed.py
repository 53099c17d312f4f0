"""A study whose task is no longer installed: one line where it is needed, nothing lost, and everybody may still leave."""

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from survey_site.protocols import freeze, life
from survey_site.protocols.models import Protocol
from survey_site.studies.models import Study
from survey_site.trials import frozen_protocol
from survey_site.trials.models import Participant, Response, Trial
from tests import factories
from tests.trials.player import begin, fill, until_trial

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
LINE = "“gone” is not installed"


def renamed(value: Any) -> Any:
    """The same settings or document with the rating task under a name that nobody installed."""
    return json.loads(json.dumps(value).replace('"rating":', '"gone":'))


@pytest.fixture
def address(client: Client) -> str:
    """Somebody in the middle of a study that loses its second task."""
    study = factories.live()
    address = begin(client, "test")
    client.post(address, fill(until_trial(client, address)))
    protocol = Protocol.objects.get()
    sealed = protocol.document
    protocol.document = {**sealed, "tasks": renamed(sealed["tasks"]), "items": renamed(sealed["items"])}
    protocol.save()
    Study.objects.filter(pk=study.pk).update(task_settings=renamed(study.task_settings))
    Trial.objects.filter(task="rating").update(task="gone", block="gone")
    frozen_protocol.forget()
    return address


def test_a_participant_is_told_to_come_back_and_keeps_all_answers(client: Client, address: str) -> None:
    before = list(Response.objects.values_list("pk", "answer"))
    for response in (client.get(address), client.post(address, {"choice": "0"}), client.get("/s/test/")):
        assert response.status_code == 503
        assert "answers you gave are safe" in response.content.decode()
    assert list(Response.objects.values_list("pk", "answer")) == before


def test_whoever_wants_to_can_withdraw_and_read_what_is_stored(client: Client, address: str) -> None:
    assert client.get(reverse("privacy", args=["test"])).status_code == 200
    leaving = reverse("withdraw", args=[Participant.objects.get().receipt])
    assert client.get(leaving).status_code == client.post(leaving).status_code == 200
    assert Participant.objects.get().state == Participant.State.WITHDRAWN
    assert not Response.objects.exists()


@pytest.mark.parametrize("name", ["study_check", "study_live", "study_preview"])
def test_a_researcher_reads_one_line_on_the_pages_that_need_it(
    admin_client: Client, address: str, name: str
) -> None:
    life.step(Study.objects.get(), "version")
    html = admin_client.get(reverse(f"admin:{name}", args=[Study.objects.get().pk])).content.decode()
    assert LINE in html and "STUDY_TASKS" in html


@pytest.mark.parametrize(
    "name", ["monitor", "precompute-status", "conditions", "recruitment", "notifications"]
)
def test_other_pages_go_on(admin_client: Client, address: str, name: str) -> None:
    study = Study.objects.get()
    assert admin_client.get(reverse(f"admin:study_{name}", args=[study.pk])).status_code == 200
    form = admin_client.get(reverse("admin:studies_study_change", args=[study.pk])).content.decode()
    assert "trials_per_column" in form


def test_it_does_not_go_live_and_bots_say_why(address: str) -> None:
    study = Study.objects.get()
    with pytest.raises(CommandError, match="503"):
        call_command("simulate", "test", "--participants", "1")
    life.step(study, "version")
    with pytest.raises(freeze.NotReady, match=LINE):
        freeze.go_live(study)
    assert Protocol.objects.count() == 1
