"""Pictures under opaque addresses: nothing but the pixels tells them apart."""

import re
import time
from typing import Any

import pytest
from django.test import Client

from survey_site.protocols.models import ServedImage
from survey_site.trials.signed_tokens import picture_token
from tests import factories
from tests.trials.player import begin, until_trial

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def test_pictures_of_a_trial_have_one_length_and_the_same_headers(client: Client) -> None:
    factories.live()
    form = until_trial(client, begin(client, "test"))
    responses = [client.get(url) for url in form.images]
    assert [r.status_code for r in responses] == [200] * 3
    assert len({len(r.content) for r in responses}) == 1
    assert (
        len({len(url) for url in form.images})
        == len({tuple(sorted(r.headers.items())) for r in responses})
        == 1
    )
    assert responses[0]["Cache-Control"] == "private, no-store"


def test_every_presentation_has_addresses_of_its_own(client: Client) -> None:
    factories.live()
    address = begin(client, "test")
    first = until_trial(client, address).images
    again = until_trial(client, address).images
    assert not set(first) & set(again)


def test_addresses_have_one_length_whatever_the_path() -> None:
    assert len({len(picture_token("x" * n, 60)) for n in (1, 20, 120)}) == 1


def test_the_database_is_not_touched(client: Client, django_assert_num_queries: Any) -> None:
    factories.live()
    url = until_trial(client, begin(client, "test")).images[0]
    with django_assert_num_queries(0):
        assert client.get(url).status_code == 200


def test_forged_and_expired_addresses_are_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    token = picture_token("served/x.png", 10)
    for forged in ("x", token[:-2] + "AA", "a" * 500, "é"):
        assert client.get(f"/i/{forged}").status_code == 404
    later = time.time() + 11
    monkeypatch.setattr(time, "time", lambda: later)
    assert client.get(f"/i/{token}").status_code == 404


def test_the_front_server_can_send_the_file(client: Client, settings: Any) -> None:
    factories.live()
    settings.X_ACCEL_PREFIX = "/protected/"
    response = client.get(until_trial(client, begin(client, "test")).images[0])
    assert response["X-Accel-Redirect"].removeprefix("/protected/") in set(
        ServedImage.objects.values_list("path", flat=True)
    )
    assert not response.content


def test_a_page_names_neither_method_nor_stimulus_nor_answer(client: Client) -> None:
    study = factories.live()
    address = begin(client, "test")
    until_trial(client, address)
    html = client.get(address).content.decode() + client.get(address + "upcoming/").content.decode()
    for word in ("gradcam", "add-edges", "image-0", "class-", "MobileNet", "Column", "stimul", "correct"):
        assert word not in html, word
    numbers = set(re.findall(r'value="(\d+)"', html))
    assert not {str(pk) for pk in study.stimuli.values_list("pk", flat=True) if pk > 12} & numbers
