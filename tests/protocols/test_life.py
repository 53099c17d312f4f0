"""The steps of a study's life, taken with participants inside: who comes in, who may finish, and what stays."""

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from survey_site.protocols import freeze, life
from survey_site.protocols.models import Protocol
from survey_site.recruitment.models import Recruitment
from survey_site.studies.models import AuditEntry, Study
from survey_site.studies.states import StateForbids
from survey_site.trials.models import Participant, Ticket
from tests import factories
from tests.trials.player import Form, begin, play

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def door(slug: str = "test") -> int:
    """What the start form is answered."""
    client = Client()
    form = Form(client.get(f"/s/{slug}/").content.decode())
    return client.post(f"/s/{slug}/", form.hidden | {"consent": "yes"}).status_code


def finished() -> int:
    return Participant.objects.filter(state=Participant.State.FINISHED).count()


@pytest.mark.parametrize("pilot", [False, True], ids=["live", "pilot"])
def test_a_paused_study_lets_nobody_in_and_goes_on_under_the_same_seal(pilot: bool) -> None:
    study = factories.draft()
    sealed = freeze.go_live(study, pilot=pilot)
    state, client = study.state, Client()
    address = begin(client, "test")
    life.step(study, "pause")
    page = Client().get("/s/test/")
    assert (page.status_code, "paused" in page.content.decode()) == (403, True)
    assert door() == 403
    play(client, address)
    assert finished() == 1
    life.step(study, "resume")
    assert Study.objects.get().state == state
    assert door() == 303
    assert Protocol.objects.get() == sealed
    assert set(Participant.objects.values_list("protocol", flat=True)) == {sealed.pk}
    assert list(Ticket.objects.order_by("number").values_list("number", flat=True)) == [0, 1]


@pytest.mark.parametrize("language,word", [("fr", "en pause"), ("ar", "متوقفة")])
def test_a_paused_study_says_so_in_the_participants_language(language: str, word: str) -> None:
    life.step(factories.live(), "pause")
    assert word in Client().get("/s/test/", headers={"Accept-Language": language}).content.decode()


@pytest.mark.parametrize("pilot", [False, True], ids=["live", "pilot"])
def test_a_closed_study_is_reopened_under_the_same_seal(pilot: bool) -> None:
    study = factories.draft()
    sealed = freeze.go_live(study, pilot=pilot)
    state, client = study.state, Client()
    play(client, begin(client, "test"))
    life.step(study, "close")
    assert door() == 410
    life.step(study, "reopen")
    assert Study.objects.get().state == state
    assert door() == 303
    assert Protocol.objects.get() == sealed
    assert list(Ticket.objects.order_by("number").values_list("number", flat=True)) == [0, 1]


def test_a_new_version_leaves_who_is_inside_to_finish_under_the_old_one() -> None:
    study, client = factories.live(), Client()
    address = begin(client, "test")
    life.step(study, "version")
    assert door() == 403
    play(client, address)
    assert finished() == 1


def test_what_was_imported_cannot_be_reopened_since_its_pictures_are_not_here() -> None:
    study = factories.live()
    life.step(study, "close")
    Protocol.objects.get().served.all().delete()
    with pytest.raises(StateForbids, match="was imported"):
        life.step(study, "reopen")
    assert Study.objects.get().state == "closed"


def test_two_who_take_a_step_at_once_do_not_both_take_it() -> None:
    study = factories.live()
    late = Study.objects.get()
    life.step(study, "close")
    with pytest.raises(StateForbids, match="The study is closed"):
        life.step(late, "pause")
    assert Study.objects.get().state == "closed"


def test_every_step_is_in_the_log_under_the_name_of_who_took_it(admin_client: Client) -> None:
    study = factories.draft()
    for verb in ("live", "pause", "resume", "close", "reopen", "version"):
        admin_client.post(f"/admin/studies/study/{study.pk}/live/", {"verb": verb})
    log = AuditEntry.objects.filter(study=study, user__username="admin").order_by("pk")
    assert list(log.values_list("verb", "detail")) == [
        ("state: live", "Live"),
        ("state: pause", "Paused"),
        ("state: resume", "Live"),
        ("state: close", "Closed"),
        ("state: reopen", "Live"),
        ("state: version", "Draft"),
    ]


def test_the_page_offers_what_the_state_allows_and_refuses_the_rest_in_words(admin_client: Client) -> None:
    study = factories.live()
    address = f"/admin/studies/study/{study.pk}/live/"
    page = admin_client.get(address).content.decode()
    for verb, offered in (
        ("pause", True),
        ("close", True),
        ("version", True),
        ("resume", False),
        ("live", False),
    ):
        assert (f'value="{verb}"' in page) is offered
    refused = admin_client.post(address, {"verb": "reopen"}, follow=True).content.decode()
    assert "“Reopen” is possible only while it is closed" in refused
    assert Study.objects.get().state == "live"


def test_the_command_takes_a_step_or_says_what_is_possible(capsys: pytest.CaptureFixture[str]) -> None:
    factories.live()
    call_command("study_state", "test")
    assert "test is live" in capsys.readouterr().out
    call_command("study_state", "test", "pause")
    assert "resume" in capsys.readouterr().out
    with pytest.raises(
        CommandError, match="The study is paused: “Pause” is possible only while it is pilot or live"
    ):
        call_command("study_state", "test", "pause")


def test_an_archived_study_is_out_of_sight_and_nothing_in_it_changes(admin_client: Client) -> None:
    study, client = factories.live(title="Out of sight"), Client()
    address = begin(client, "test")
    life.step(study, "close")
    life.step(study, "archive")
    assert door() == 410
    play(client, address)
    assert finished() == 1
    for page in ("/admin/", "/admin/studies/study/"):
        assert "Out of sight" not in admin_client.get(page).content.decode()
    assert "Out of sight" in admin_client.get("/admin/studies/study/?state=archived").content.decode()
    form = admin_client.get(f"/admin/studies/study/{study.pk}/change/")
    assert form.status_code == 200 and 'name="_save"' not in form.content.decode()
    before = study.conditions.count()
    for name in ("images", "conditions", "precompute", "recruitment", "notifications", "upload-maps"):
        url = reverse(f"admin:study_{name}", args=[study.pk])
        refused = admin_client.post(
            url, {"verb": "save", "provider": "prolific", "completed_code": "C"}, follow=True
        )
        assert "The study is archived: nothing in it can be changed." in refused.content.decode(), name
    links = reverse("admin:study_recruitment-links", args=[study.pk])
    assert "The study is archived" in admin_client.post(links, {"people": "a"}, follow=True).content.decode()
    assert study.conditions.count() == before and not Recruitment.objects.exists()
    answer = admin_client.post("/api/v1/studies/test/jobs/", {}, content_type="application/json")
    assert answer.status_code == 400 and "archived" in answer.content.decode()
    with pytest.raises(CommandError, match="The study is archived"):
        call_command("precompute", "test")
    life.step(study, "restore")
    assert Study.objects.get().state == "closed"
    assert admin_client.get("/reports/test/").status_code == 200


def test_a_draft_that_was_never_sealed_is_a_draft_again() -> None:
    study = factories.draft()
    life.step(study, "archive")
    with pytest.raises(
        StateForbids, match="The study is archived: “Seal the protocol and go live” is possible"
    ):
        life.step(study, "live")
    life.step(study, "restore")
    assert Study.objects.get().state == "draft"


@pytest.mark.parametrize("step,back", [("pause", "resume"), ("close", "reopen")])
def test_nobody_is_let_in_under_a_consent_whose_day_of_erasure_has_come(step: str, back: str) -> None:
    study = factories.live()
    life.step(study, step)
    Protocol.objects.update(ids_erased_on=timezone.localdate())
    with pytest.raises(
        StateForbids, match="“New version” makes the study a draft, in which you choose a later day"
    ):
        life.step(study, back)
    assert Study.objects.get().state == study.state
