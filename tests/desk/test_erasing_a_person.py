"""A recruiter erases who asks for it, by the identifier that names them; the log has the code and no identifier."""

import pytest
from django.test import Client

from survey_site.recruitment.marks import mark_of
from survey_site.recruitment.models import TurnedAway
from survey_site.trials.models import ExternalId, Participant, Response
from tests import factories
from tests.studies.test_access import PEOPLE, person
from tests.trials.player import begin, play

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
PAGE = "/recruitment/test/"


def erase(client: Client, who: str, **fields: str) -> str:
    response = client.post(PAGE, {"erase": who, "sure": "yes"} | fields, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def test_only_the_answers_of_the_named_person_go(client: Client, admin_client: Client) -> None:
    study = factories.live()
    for name in ("5f00", "5f01"):
        play(client, begin(client, "test", f"?PROLIFIC_PID={name}"))
    gone = Participant.objects.get(external_id__value="5f00")
    assert gone.code in erase(admin_client, " 5f00 ")
    gone.refresh_from_db()
    assert (gone.state, gone.responses.count(), gone.trials.count()) == ("withdrawn", 0, 0)
    assert list(ExternalId.objects.exclude(participant=gone).values_list("value", flat=True)) == ["5f01"]
    assert "5f00" not in str(list(ExternalId.objects.values_list("value", flat=True)))
    assert Response.objects.count() == 8
    entry = study.audit.get(verb="person erased")
    assert entry.detail == gone.code and entry.user is not None
    assert gone.code in erase(admin_client, "5f00")  # once more changes nothing
    assert Response.objects.count() == 8


@pytest.mark.parametrize(
    ("who", "sure", "told"), [("5f99", "yes", "Nobody in this study"), ("5f00", "", "Tick the box")]
)
def test_nothing_is_erased_for_an_unknown_id_or_without_being_sure(
    client: Client, admin_client: Client, who: str, sure: str, told: str
) -> None:
    study = factories.live()
    begin(client, "test", "?PROLIFIC_PID=5f00")
    assert told in erase(admin_client, who, sure=sure)
    assert Participant.objects.get().state == "consented"
    assert not study.audit.filter(verb="person erased").exists()


def test_who_was_turned_away_is_forgotten_too(admin_client: Client) -> None:
    study = factories.live()
    TurnedAway.objects.create(study=study, mark=mark_of("prolific", "5f00"), outcome="screened_out")
    assert "turned away" in erase(admin_client, "5f00")
    assert not TurnedAway.objects.exists()


@pytest.mark.parametrize("who", PEOPLE)
def test_it_is_for_who_recruits(client: Client, who: str) -> None:
    study = factories.live()
    begin(Client(), "test", "?PROLIFIC_PID=5f00")
    client.force_login(person(who, study))
    client.post(PAGE, {"erase": "5f00", "sure": "yes"})
    recruits = who in ("owner", "editor", "assistant")
    assert Participant.objects.get().state == ("withdrawn" if recruits else "consented")
