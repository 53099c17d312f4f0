"""Demographics, expiry, health, oversized bodies, logs without secrets."""

from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from survey_site.protocols import freeze
from survey_site.studies import demographics
from survey_site.studies.models import StudyText
from survey_site.trials.models import Participant, Response
from survey_site.trials.views import guards
from tests import factories
from tests.trials.player import Form, begin, fill, step, until_trial

QUESTIONS = "# About\nage*: How old are you? [18-99]\nsight: Colours? [Yes / No]\nnote: Anything?"


def test_questions_are_read_from_lines() -> None:
    age, sight, note = demographics.questions(QUESTIONS)
    assert (age.required, age.lowest, age.highest) == (True, 18, 99)
    assert (sight.choices, note.choices, note.lowest) == (("Yes", "No"), (), None)
    assert demographics.problems(QUESTIONS) == []
    assert len(demographics.problems("no colon\nage: A?\nage: B?")) == 2


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_texts_that_would_not_be_shown_keep_a_study_from_going_live() -> None:
    study = factories.draft()
    StudyText.objects.create(study=study, key="instructions_matchin", language="en", markdown="x")
    StudyText.objects.create(study=study, key="demographics", language="fr", markdown="Âge ?")
    found = freeze.problems(study, freeze.draft_of(study))
    assert len(found) == 2
    assert "instructions_matchin" in found[1] or "instructions_matchin" in found[0]
    with pytest.raises(freeze.NotReady):
        freeze.go_live(study)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, {"age": "required"}),
        ({"q_age": "17"}, {"age": "range"}),
        ({"q_age": "x", "q_sight": "2"}, {"age": "range", "sight": "choice"}),
        ({"q_age": "20", "q_note": "x" * 301}, {"note": "long"}),
        ({"q_age": "20", "q_note": "a\0b"}, {"note": "signs"}),
    ],
)
def test_answers_that_do_not_fit_are_refused(fields: dict[str, str], wrong: dict[str, str]) -> None:
    with pytest.raises(demographics.Invalid) as refused:
        demographics.read(demographics.questions(QUESTIONS), fields)
    assert refused.value.errors == wrong


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_the_researchers_questions_come_first_and_are_stored(client: Client) -> None:
    study = factories.draft()
    StudyText.objects.create(study=study, key="demographics", language="en", markdown=QUESTIONS)
    freeze.go_live(study)
    address = begin(client, "test", "?lang=en")
    assert client.post(address, {"page": "demographics", "q_age": "5"}).status_code == 422
    assert Participant.objects.get().demographics == {}
    assert client.post(address, {"page": "demographics", "q_age": "44", "q_sight": "1"}).status_code == 303
    assert Participant.objects.get().demographics == {"age": 44, "sight": "No"}


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_a_resume_link_expires(client: Client) -> None:
    factories.live(resume_days=7)
    address = begin(client, "test")
    form = until_trial(client, address)
    Participant.objects.update(last_seen_at=timezone.now() - timedelta(days=8))
    assert client.get(address).status_code == 410
    assert client.get(f"{address}upcoming/").status_code == 410
    before = Response.objects.count()
    assert client.post(address, fill(form)).status_code == 410
    assert Response.objects.count() == before


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_an_oversized_body_gets_a_clear_page(client: Client) -> None:
    factories.live()
    address = begin(client, "test")
    form = until_trial(client, address)
    before = Response.objects.count()
    response = client.post(address, fill(form) | {"client": "x" * 300_000})
    assert response.status_code == 413
    as_json = client.post(
        address, fill(form) | {"client": "x" * 300_000}, headers={"Accept": "application/json"}
    )
    assert as_json.json()["error"] == "too_large"
    assert Response.objects.count() == before


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_a_file_that_no_form_asks_for_is_not_even_read(client: Client) -> None:
    factories.live()
    address = begin(client, "test")
    form = until_trial(client, address)
    before = (Response.objects.count(), Participant.objects.count())
    for path, fields in (
        (address, fill(form)),
        ("/s/test/", {"consent": "yes", "nonce": "n" * 24}),
        (f"/w/{Participant.objects.get().receipt}/", {}),
    ):
        unread = SimpleUploadedFile("large.bin", b"x" * 300_000)
        assert client.post(path, fields | {"file": unread}).status_code == 413, path
    assert (Response.objects.count(), Participant.objects.count()) == before


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"--x\r\nrubbish", "multipart/form-data"),
        (b"--x\r\nContent-Disposition: form-data\r\n\r\n", "multipart/form-data; boundary="),
        (b"\xff\xfe\x00trial=\x80", "application/x-www-form-urlencoded"),
        (b'{"choice": 0}', "application/json"),
    ],
)
def test_a_body_that_is_no_form_gets_a_clear_page(client: Client, body: bytes, kind: str) -> None:
    factories.live()
    address = begin(client, "test")
    until_trial(client, address)
    before = Response.objects.count()
    response = client.post(address, body, content_type=kind)
    assert response.status_code in (400, 404)
    assert "<h1>" in response.content.decode()
    assert Response.objects.count() == before


@pytest.mark.django_db
def test_unknown_links_are_not_found(client: Client) -> None:
    links = ("/p/unknown/", "/p/unknown/upcoming/", "/w/unknown/", "/s/unknown/privacy/")
    damaged = ("/p/%00abc/", "/p/%00abc/upcoming/", "/w/%00abc/")
    for path in (*links, *damaged):
        assert client.get(path).status_code == 404
    assert client.post("/p/unknown/", {"choice": "0"}).status_code == 404


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_a_page_cannot_be_skipped(client: Client) -> None:
    factories.live()
    address = begin(client, "test")
    for page in ("debrief", "feedback-0", "break-3", "nonsense"):
        assert client.post(address, {"page": page}).status_code == 409
    step(client, address)
    assert client.post(address, {"page": "instructions_matching"}).status_code == 303


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_participants_pages_have_a_strict_policy_and_are_not_cached(client: Client) -> None:
    factories.live()
    for path in ("/s/test/", begin(client, "test"), "/s/test/privacy/"):
        response = client.get(path)
        policy = response["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
def test_a_lost_cookie_gets_a_clear_page_and_the_participants_own_page_needs_none(media: Any) -> None:
    factories.live()
    strict = Client(enforce_csrf_checks=True)
    response = strict.post("/s/test/", {"consent": "yes", "nonce": "x" * 24})
    assert response.status_code == 403
    assert "cookie" in response.content.decode()
    address = begin(Client(), "test")
    assert (
        Client(enforce_csrf_checks=True).post(address, {"page": "instructions_matching"}).status_code == 303
    )


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_starts_by_the_thousand_are_slowed_down_without_keeping_an_address(
    client: Client, settings: Any
) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.STARTS_PER_HOUR = 2
    factories.live()
    begin(client, "test")
    begin(client, "test")
    third = Client()
    form = Form(third.get("/s/test/").content.decode())
    assert third.post("/s/test/", form.hidden | {"consent": "yes"}).status_code == 429
    other = third.post("/s/test/", form.hidden | {"consent": "yes"}, REMOTE_ADDR="203.0.113.5")
    assert other.status_code == 303
    assert not [key for key in cache._cache if "203.0.113" in key or "127.0.0.1" in key]


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_starts_behind_front_servers_are_counted_for_the_sender(client: Client, settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.STARTS_PER_HOUR = 1
    settings.TRUSTED_PROXIES = [ip_network("127.0.0.1")]
    factories.live()
    form = Form(client.get("/s/test/").content.decode())
    found = []
    for sender in (
        "6.6.6.1, 2001:db8::1",
        "6.6.6.2, 2001:db8::2",
        "2001:db8:0:1::1",
    ):  # what senders add is not looked at
        sent = form.hidden | {"consent": "yes", "nonce": sender.ljust(20, "x")}
        found.append(Client().post("/s/test/", sent, headers={"X-Forwarded-For": sender}).status_code)
    assert found == [303, 429, 303]


def test_pictures_may_come_from_the_object_store(settings: Any) -> None:
    assert guards.policy()["img-src"] == ["'self'"]
    s3 = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {"endpoint_url": "https://store.example"}}
    settings.STORAGES = {**settings.STORAGES, "default": s3}
    assert guards.policy()["img-src"] == ["'self'", "https://store.example"]
