"""Fixtures of the tests of log-in in two steps."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.accounts.two_steps import PASSWORD, enrol


@pytest.fixture
def no_waiting(settings: Any) -> None:
    settings.OTP_TOTP_THROTTLE_FACTOR = (
        0  # django-otp's own pause after a wrong code; axes counts all the same
    )


@pytest.fixture
def user() -> User:
    return User.objects.create_user("ada", password=PASSWORD, is_staff=True)


@pytest.fixture
def enrolled(user: User) -> User:
    enrol(user)
    return user
