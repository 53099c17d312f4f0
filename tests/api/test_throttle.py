"""A program in a loop is told to wait; others are not."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from survey_site.api import throttle
from tests.api.keys import token_of


@pytest.mark.django_db
def test_one_token_asks_so_often_in_a_minute(
    client: Client, admin_user: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.clear()
    settings.API_REQUESTS_PER_MINUTE = 3
    now = [6000.0]
    monkeypatch.setattr(throttle.time, "time", lambda: now[0])
    mine, other = ({"Authorization": f"Token {token_of(admin_user)}"} for _ in range(2))
    answers = [client.get("/api/v1/", headers=mine) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[-1]["Retry-After"] == "60"
    assert answers[-1].json()["error"]["code"] == "throttled"
    assert client.get("/api/v1/", headers=other).status_code == 200
    now[0] += 60
    assert client.get("/api/v1/", headers=mine).status_code == 200
    cache.clear()
