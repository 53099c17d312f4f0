"""What the API leaves in the database, and what it keeps of what it has read."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

from survey_site.reports import cached_report
from tests.api.keys import token_of
from tests.reports.factory import Survey, survey

pytestmark = pytest.mark.django_db


@pytest.fixture
def own(django_user_model: Any) -> Survey:
    mine = survey("mine", owner=django_user_model.objects.create_user("researcher", is_staff=True))
    mine.rating(mine.participant(), 0, 4)
    return mine


@pytest.fixture
def api(own: Survey) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token_of(own.study.owner)}")
    return client


@pytest.mark.parametrize("address", ["/api/v1/studies/", "/api/v1/studies/mine/"])
def test_sealed_documents_stay_in_the_database(api: APIClient, own: Survey, address: str) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert own.protocol.hash in api.get(address).content.decode()
    assert [one["sql"] for one in captured if '"document"' in one["sql"]] == []


def test_sums_that_take_long_are_made_once_for_the_same_data(
    api: APIClient, own: Survey, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    monkeypatch.setattr(cached_report, "MANY_PARTICIPANTS", 1)
    address = reverse("api-report", args=["mine"])
    first = api.get(address).json()
    with CaptureQueriesContext(connection) as captured:
        assert api.get(address).json() == first
    assert [one["sql"] for one in captured if "SUM(" in one["sql"] and "trials_response" in one["sql"]] == []
    own.rating(own.participant(), 0, 2)
    assert api.get(address).json()["columns"][0]["index"]["n"] == 2
