"""Who is turned away at the door: before consent, with the code that is theirs once, and with what to do next."""

from typing import Any

import pytest
from django.test import Client

from survey_site.protocols import life
from survey_site.recruitment.marks import mark_of
from survey_site.recruitment.models import ExcludedId, Recruitment, TurnedAway
from survey_site.recruitment.personal_links import key_of
from survey_site.studies.models import Study
from survey_site.trials.models import ExternalId, Participant
from tests import factories
from tests.trials.player import Form, begin, play, step

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1"
PID, OTHER = "5f0c9a1b2c3d4e5f60718293", "5f0c9a1b2c3d4e5f60718294"
ON_PHONE = {"headers": {"User-Agent": PHONE}}


def prolific(slug: str = "test", **fields: Any) -> Study:
    study = factories.live(slug)
    codes = {"completed_code": "DONE", "screened_out_code": "OUT", "over_quota_code": "FULL"}
    Recruitment.objects.create(study=study, **{"provider": "prolific"} | codes | fields)
    return study


def door(client: Client, query: str, **extra: Any) -> tuple[int, str]:
    response = client.get(f"/s/test/{query}", **extra)
    return response.status_code, response.content.decode()


def test_the_screened_out_code_is_for_valid_ids_of_the_provider_alone() -> None:
    prolific(allow_phones=False)
    status, page = door(Client(), f"?PROLIFIC_PID={PID}", **ON_PHONE)
    assert status == 403 and "cc=OUT" in page and "Press the button" in page
    for query in ("", "?PROLIFIC_PID=abc", "?sona_id=77", "?PROLIFIC_PID=undefined"):
        status, page = door(Client(), query, **ON_PHONE)
        assert status == 400 and "OUT" not in page
    assert TurnedAway.objects.count() == 1 and PID not in str(TurnedAway.objects.values().get())
    assert not Participant.objects.exists()


def test_a_plain_link_is_told_why_and_no_code() -> None:
    prolific(provider="link", allow_phones=False)
    status, page = door(Client(), f"?PROLIFIC_PID={PID}", **ON_PHONE)
    assert status == 403 and "larger screen" in page and "OUT" not in page


def test_a_code_is_shown_once_for_an_id_and_again_in_the_same_browser_only() -> None:
    prolific(allow_phones=False)
    first = Client()
    assert "cc=OUT" in door(first, f"?PROLIFIC_PID={PID}", **ON_PHONE)[1]
    assert "cc=OUT" in door(first, f"?PROLIFIC_PID={PID}", **ON_PHONE)[1]  # reloaded
    status, page = door(Client(), f"?PROLIFIC_PID={PID}", **ON_PHONE)
    assert status == 403 and "OUT" not in page and "was shown already" in page
    assert "OUT" in door(first, f"?PROLIFIC_PID={OTHER}", **ON_PHONE)[1]
    assert "OUT" not in door(first, f"?PROLIFIC_PID={PID}", **ON_PHONE)[1]  # now the browser of somebody else


def test_who_takes_part_gets_no_code_of_the_door(client: Client) -> None:
    prolific(allow_phones=False)
    begin(client, "test", f"?PROLIFIC_PID={PID}&SESSION_ID=s")
    assert door(client, f"?PROLIFIC_PID={PID}", **ON_PHONE)[0] == 200
    status, page = door(Client(), f"?PROLIFIC_PID={PID}", **ON_PHONE)
    assert status == 409 and "OUT" not in page


def test_a_look_by_head_uses_up_no_code() -> None:
    prolific(allow_phones=False)
    assert Client().head(f"/s/test/?PROLIFIC_PID={PID}", **ON_PHONE).status_code == 403
    assert not TurnedAway.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_full_study_says_so_before_consent_with_its_code(method: str) -> None:
    prolific(quota=1)
    late = Client()
    form = Form(late.get(f"/s/test/?PROLIFIC_PID={OTHER}").content.decode())
    begin(Client(), "test", f"?PROLIFIC_PID={PID}")
    if method == "get":
        response = late.get(f"/s/test/?PROLIFIC_PID={OTHER}")
    else:  # the last place went while they were reading
        response = late.post("/s/test/", form.hidden | {"consent": "yes"})
    page = response.content.decode()
    assert response.status_code == 403 and "cc=FULL" in page and "All places" in page
    assert 'name="consent"' not in page
    assert Participant.objects.count() == 1


def test_a_place_that_came_free_opens_the_door_again() -> None:
    study = prolific(quota=1)
    begin(Client(), "test", f"?PROLIFIC_PID={PID}")
    assert door(Client(), f"?PROLIFIC_PID={OTHER}")[0] == 403
    study.protocols.get().tickets.update(state="released")
    assert door(Client(), f"?PROLIFIC_PID={OTHER}")[0] == 200


def test_without_a_code_a_person_of_prolific_is_told_to_return_the_submission() -> None:
    prolific(quota=1, over_quota_code="")
    begin(Client(), "test", f"?PROLIFIC_PID={PID}")
    assert "return your submission" in door(Client(), f"?PROLIFIC_PID={OTHER}")[1]


@pytest.mark.parametrize(("verb", "status"), [("pause", 403), ("close", 410)])
def test_closed_and_paused_studies_say_what_to_do_at_the_provider(verb: str, status: int) -> None:
    study = prolific()
    life.step(study, verb)
    found, page = door(Client(), f"?PROLIFIC_PID={PID}")
    assert (found, "return your submission" in page, "DONE" in page) == (status, True, False)
    Recruitment.objects.update(provider="sona")
    assert "SONA" in door(Client(), "?sona_id=77")[1]
    Recruitment.objects.update(provider="link")
    assert "SONA" not in door(Client(), "")[1]


def test_a_known_id_is_told_before_consent_whom_to_write_to(client: Client) -> None:
    study = prolific()
    Study.objects.filter(pk=study.pk).update(contact="lab@example.org")
    address = begin(client, "test", f"?PROLIFIC_PID={PID}&SESSION_ID=s")
    status, page = door(Client(), f"?PROLIFIC_PID={PID}")
    assert status == 409 and "begun with your identifier" in page and "lab@example.org" in page
    assert address not in page and Participant.objects.get().receipt not in page


def test_people_of_an_earlier_study_are_screened_out(client: Client) -> None:
    earlier = factories.live("earlier")
    study = prolific(screened_out_code="OUT")
    study.recruitment.earlier_studies.add(earlier)
    for pid in (PID, OTHER):
        address = begin(client, "earlier", f"?PROLIFIC_PID={pid}")
    client.post(f"/w/{Participant.objects.get(token=address.split('/')[2]).receipt}/")
    for pid in (PID, OTHER):  # who withdrew is recognised too
        status, page = door(Client(), f"?PROLIFIC_PID={pid}")
        assert status == 403 and "earlier study" in page and "cc=OUT" in page
    assert door(Client(), f"?PROLIFIC_PID={PID[:-1]}0")[0] == 200


def test_people_on_the_excluded_list_are_screened_out_by_their_hash() -> None:
    study = prolific()
    ExcludedId.objects.create(study=study, mark=mark_of("prolific", PID))
    assert door(Client(), f"?PROLIFIC_PID={PID}")[0] == 403
    assert door(Client(), f"?PROLIFIC_PID={OTHER}")[0] == 200


def plain(retakes: str = "") -> Study:
    study = factories.live()
    if retakes:
        Recruitment.objects.create(study=study, retakes=retakes)
    return study


def again(client: Client) -> tuple[int, str]:
    return door(client, "")


@pytest.mark.parametrize("retakes", ["", "ask"])
def test_a_device_that_remembers_asks_who_comes(client: Client, retakes: str) -> None:
    plain(retakes)
    address = begin(client, "test")
    status, page = again(client)
    assert status == 200 and address in page and "somebody else" in page and 'name="consent"' not in page
    form = Form(client.get("/s/test/?again=yes").content.decode())
    assert form.hidden["again"] == "yes"
    response = client.post("/s/test/", form.hidden | {"consent": "yes"})
    assert response.status_code == 303 and response["Location"] != address
    assert Participant.objects.count() == 2


def test_never_means_once_for_a_device(client: Client) -> None:
    plain("never")
    address = begin(client, "test")
    for query in ("", "?again=yes"):
        status, page = door(client, query)
        assert status == 403 and address in page and "take part once" in page
    body = {"consent": "yes", "nonce": "n" * 20, "again": "yes"}
    assert client.post("/s/test/", body).status_code == 403
    play(client, address)
    status, page = again(client)
    assert status == 403 and address not in page and "has taken part" in page
    assert again(Client())[0] == 200
    assert Participant.objects.count() == 1


def test_allow_lets_everybody_begin_anew(client: Client) -> None:
    plain("allow")
    begin(client, "test")
    assert 'name="consent"' in again(client)[1]


def test_another_study_is_not_remembered(client: Client) -> None:
    plain("never")
    factories.live("other")
    begin(client, "other")
    assert again(client)[0] == 200


def personal(study: Study, person: str = "p-1", key: str = "") -> str:
    return f"?person={person}&key={key or key_of(study.pk, person)}"


def test_a_personal_link_leads_in_and_back_from_any_browser(client: Client) -> None:
    study = factories.live()
    Recruitment.objects.create(study=study, provider="list")
    address = begin(client, "test", personal(study))
    step(client, address)
    assert begin(Client(), "test", personal(study)) == address
    assert begin(Client(), "test", personal(study, "p-2")) != address
    assert list(ExternalId.objects.order_by("pk").values_list("provider", "value")) == [
        ("list", "p-1"),
        ("list", "p-2"),
    ]


def test_with_personal_links_nobody_comes_by_another() -> None:
    study = factories.live()
    other = factories.live("other")
    Recruitment.objects.create(study=study, provider="list")
    for query in (
        "",
        f"?PROLIFIC_PID={PID}",
        personal(study, key="x" * 32),
        personal(study, key=key_of(study.pk, "p-2")),
        personal(study, key=key_of(other.pk, "p-1")),
        "?person=p-1",
    ):
        assert door(Client(), query)[0] == 400, query
        fields = dict(pair.split("=", 1) for pair in query[1:].split("&") if "=" in pair)
        assert Client().post("/s/test/", fields | {"consent": "yes", "nonce": "n" * 20}).status_code == 400
    assert not Participant.objects.exists()
