"""The start page: consent, one person per form and per external id, closed doors."""

import time

import pytest
from django.contrib.auth.models import User
from django.test import Client

from survey_site.protocols import freeze, life
from survey_site.recruitment.models import Recruitment
from survey_site.trials import devices
from survey_site.trials.models import ExternalId, Participant, Ticket, Trial
from survey_site.trials.signed_tokens import bot_token, token_of_start
from tests import factories
from tests.trials.player import Form, begin

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def test_looking_at_the_start_page_lets_nobody_in(client: Client) -> None:
    factories.live()
    for method in (client.get, client.head):
        assert method("/s/test/?PROLIFIC_PID=abc").status_code == 200
    assert not Participant.objects.exists()


def test_it_needs_the_box_ticked(client: Client) -> None:
    factories.live()
    form = Form(client.get("/s/test/").content.decode())
    response = client.post("/s/test/", form.hidden)
    assert response.status_code == 422
    assert not Participant.objects.exists()


def test_sending_a_start_form_twice_starts_one_participant(client: Client) -> None:
    factories.live()
    body = {**Form(client.get("/s/test/").content.decode()).hidden, "consent": "yes"}
    first, second = client.post("/s/test/", body), client.post("/s/test/", body)
    assert first["Location"] == second["Location"]
    assert Participant.objects.count() == Ticket.objects.count() == 1


def test_one_external_id_is_one_person(client: Client) -> None:
    factories.live()
    query = "?PROLIFIC_PID=5f00&STUDY_ID=1&SESSION_ID=2"
    assert begin(client, "test", query) == begin(client, "test", query)
    assert ExternalId.objects.get().value == "5f00"
    assert begin(client, "test", "?PROLIFIC_PID=5f01") != begin(client, "test", query)


def test_a_known_id_lets_nobody_into_the_session_of_another(client: Client) -> None:
    """What others know of somebody (panels show the id, links hold it) shows nothing; only the person's own things do."""
    factories.live()
    link = "?PROLIFIC_PID=5f00&SESSION_ID=secret"
    address = begin(client, "test", link)
    for query in ("?PROLIFIC_PID=5f00", "?PROLIFIC_PID=5f00&SESSION_ID=guessed"):
        stranger, fields = Client(), dict(pair.split("=") for pair in query[1:].split("&"))
        sent = fields | {"consent": "yes", "nonce": "n" * 20}
        for refused in (stranger.get(f"/s/test/{query}"), stranger.post("/s/test/", sent)):
            assert refused.status_code == 409 and "Location" not in refused
            told = refused.content.decode()
            assert "begun with your identifier" in told and address.split("/")[2] not in told
    assert begin(Client(), "test", link) == address  # by the submission's own secret
    assert begin(client, "test", "?PROLIFIC_PID=5f00") == address  # in the browser of the first start
    assert Participant.objects.count() == 1


def test_an_id_of_a_panel_without_secrets_is_held_by_the_browser_alone(client: Client) -> None:
    factories.live()
    address = begin(client, "test", "?sona_id=1234")
    assert begin(client, "test", "?sona_id=1234") == address
    stranger = {"consent": "yes", "nonce": "n" * 20, "sona_id": "1234"}
    assert Client().post("/s/test/", stranger).status_code == 409


@pytest.mark.parametrize(
    ("provider", "query"),
    [
        ("prolific", ""),
        ("prolific", "?PROLIFIC_PID=abc"),
        ("prolific", "?PROLIFIC_PID=somebody@example.org"),
        ("prolific", "?sona_id=1234"),
        ("sona", ""),
        ("sona", "?sona_id=a b"),
        ("sona", "?PROLIFIC_PID=5f0c9a1b2c3d4e5f60718293"),
    ],
)
def test_where_a_provider_is_set_nobody_comes_without_its_identifier(
    client: Client, provider: str, query: str
) -> None:
    Recruitment.objects.create(study=factories.live(), provider=provider, completed_code="C")
    assert client.get(f"/s/test/{query}").status_code == 400
    assert client.post(f"/s/test/{query}", {"consent": "yes", "nonce": "n" * 20}).status_code in (400, 403)
    assert not Participant.objects.exists()


PLACEHOLDERS = ["{{%PROLIFIC_PID%}}", "[[PID]]", "${e://Field/PID}", "undefined", "NULL"]


@pytest.mark.parametrize("value", [*PLACEHOLDERS, "x" * 121, "a%0Ab", "a\0b"])
def test_it_refuses_an_unusable_external_id(client: Client, value: str) -> None:
    factories.live()
    assert client.get("/s/test/", {"PROLIFIC_PID": value.replace("%0A", "\n")}).status_code == 400
    assert not Participant.objects.exists()


def test_it_keeps_consent_version_and_browser_family_but_no_address(client: Client) -> None:
    factories.live()
    form = Form(client.get("/s/test/").content.decode())
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    client.post(
        "/s/test/", form.hidden | {"consent": "yes"}, headers={"User-Agent": agent}, REMOTE_ADDR="203.0.113.9"
    )
    row = Participant.objects.values().get()
    assert (row["user_agent_family"], len(row["consent_version"])) == ("Firefox", 16)
    assert "203.0.113.9" not in str(row)
    assert row["device"] == "computer"


def test_nobody_consents_before_they_came(client: Client) -> None:
    factories.live()
    form = Form(client.get("/s/test/").content.decode())
    client.post("/s/test/", form.hidden | {"consent": "yes"})
    row = Participant.objects.get()
    assert row.started_at and row.consented_at
    assert row.started_at <= row.consented_at


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148 Safari/604.1", "phone"),
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9) Chrome/140.0 Mobile Safari/537.36", "phone"),
        ("Mozilla/5.0 (Linux; Android 15; SM-X710) Chrome/140.0 Safari/537.36", "tablet"),
        ("Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) Mobile/15E148 Safari/604.1", "tablet"),
        ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) Chrome/140.0 Safari/537.36", "computer"),
        ("curl/8.0", ""),
    ],
)
def test_the_kind_of_device_is_what_the_browser_calls_itself(user_agent: str, device: str) -> None:
    assert devices.device(user_agent) == device


def test_a_draft_is_not_open_yet_and_a_closed_study_says_so(client: Client) -> None:
    study = factories.draft("later")
    assert client.get("/s/later/").status_code == 403
    freeze.go_live(study)
    form = Form(client.get("/s/later/").content.decode())
    life.step(study, "close")
    assert client.get("/s/later/").status_code == 410
    assert client.post("/s/later/", form.hidden | {"consent": "yes"}).status_code == 410
    assert client.get("/s/unknown/").status_code == 404
    assert not Participant.objects.exists()


def test_who_is_in_may_finish_after_the_study_closed(client: Client) -> None:
    from tests.trials.player import play

    study = factories.live()
    address = begin(client, "test")
    life.step(study, "close")
    play(client, address)
    assert Participant.objects.get().state == Participant.State.FINISHED


def test_a_full_study_takes_nobody_and_stores_nothing(client: Client) -> None:
    study = factories.live()
    Recruitment.objects.create(study=study, quota=1)
    begin(client, "test")
    late = {"consent": "yes", "nonce": "n" * 20}
    assert Client(enforce_csrf_checks=False).post("/s/test/", late).status_code == 403
    assert Participant.objects.count() == 1


def test_bots_come_signed_or_with_a_researcher_only(
    client: Client, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    Recruitment.objects.create(study=factories.live(), provider="prolific", completed_code="C")
    signed = bot_token("test")
    for forged in ("1", "yes", bot_token("other"), signed[:-1] + "_"):
        assert client.get("/s/test/", {"bot": forged}).status_code == 403
        body = {"consent": "yes", "nonce": "n" * 20, "bot": forged}
        assert client.post("/s/test/", body).status_code == 403
    assert not Participant.objects.exists()
    begin(client, "test", f"?bot={signed}")
    begin(admin_client, "test", "?bot=1")
    assert list(Participant.objects.values_list("kind", flat=True)) == ["bot", "bot"]
    later = time.time() + 601
    monkeypatch.setattr(time, "time", lambda: later)
    assert client.get("/s/test/", {"bot": signed}).status_code == 403


def test_bots_and_previews_take_no_ticket(client: Client, admin_client: Client) -> None:
    factories.live()
    begin(admin_client, "test", "?bot=1")
    begin(client, "test", f"?bot={bot_token('test')}")
    begin(admin_client, "test", "?preview=1")
    begin(client, "test", "?preview=1")
    kinds = list(Participant.objects.order_by("id").values_list("kind", "ticket_number"))
    assert kinds == [("bot", 0), ("bot", 1), ("preview", 0), ("person", 0)]
    assert Ticket.objects.count() == 1


def test_an_enrolment_costs_the_same_queries_for_any_number_of_trials(client: Client) -> None:
    from tests.trials.test_answers import CountQueries

    used = []
    for slug, images in (("small", 6), ("large", 24)):
        factories.live(slug, images=images, rating_trials_per_column=images // 3)
        begin(Client(), slug)
        form = Form(client.get(f"/s/{slug}/").content.decode())
        with CountQueries() as counted:
            client.post(f"/s/{slug}/", form.hidden | {"consent": "yes"})
        used.append(counted.count)
    assert used[0] == used[1] <= 16
    assert Trial.objects.count() > 40


def test_a_researcher_sees_and_previews_only_the_studies_shared_with_them(client: Client) -> None:
    factories.live()
    stranger = User.objects.create_user("stranger", password="x", is_staff=True)
    client.force_login(stranger)
    assert "/s/test/" not in client.get("/").content.decode()
    begin(client, "test", "?preview=1")
    assert Participant.objects.get().kind == Participant.Kind.PERSON


def test_the_front_page_lists_nothing_to_the_public_and_the_studies_to_their_researchers(
    client: Client, admin_client: Client
) -> None:
    factories.live()
    assert "/s/test/" not in client.get("/").content.decode()
    assert "/reports/test/" in admin_client.get("/").content.decode()


def test_the_name_of_a_start_never_comes_from_the_link(client: Client) -> None:
    factories.live()
    planted = "known-to-whoever-sent-the-link"
    form = Form(client.get("/s/test/", {"nonce": planted}).content.decode())
    assert len(form.hidden["nonce"]) >= 16 and form.hidden["nonce"] != planted
    body = {name: value for name, value in form.hidden.items() if name != "nonce"} | {"consent": "yes"}
    client.post(f"/s/test/?nonce={planted}", body)
    assert not Participant.objects.filter(token=token_of_start(planted, "test")).exists()


def test_who_is_in_comes_back_by_the_link_of_their_provider_though_the_study_takes_nobody(
    client: Client,
) -> None:
    study = factories.live()
    link = "?PROLIFIC_PID=abc"
    address = begin(client, "test", link)
    for state in (study.State.CLOSED, study.State.DRAFT):
        study.state = state
        study.save(update_fields=["state"])
        assert begin(client, "test", link) == address
        form = Form(client.get(f"/s/test/{link}").content.decode())
        stranger = form.hidden | {"consent": "yes", "PROLIFIC_PID": "xyz"}
        assert client.post("/s/test/", stranger).status_code in (403, 410)
        assert client.get("/s/test/?PROLIFIC_PID=xyz").status_code in (403, 410)
    assert Participant.objects.count() == 1
