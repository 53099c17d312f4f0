"""Fixtures of the report's tests."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from tests.reports.factory import Survey, survey


@pytest.fixture
def small(db: None) -> Survey:
    """Two columns; no answers yet."""
    return survey()


@pytest.fixture
def researcher(db: None) -> Any:
    """A staff user who owns nothing yet."""
    return get_user_model().objects.create_user("researcher", is_staff=True)


@pytest.fixture
def desk(researcher: Any) -> Client:
    """A browser in which the researcher is signed in."""
    client = Client()
    client.force_login(researcher)
    return client
