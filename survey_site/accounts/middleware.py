"""Whoever owes a second factor is nobody yet.

One place for every page, export, picture and API view, present and future: until the second step, `request.user` of
such a session is anonymous, and only the pages of the log-in know who is at the door (`half_user`).
"""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest
from django_otp.middleware import OTPMiddleware

from survey_site.accounts import obliged


class SecondFactorMiddleware(OTPMiddleware):
    """django-otp's middleware, which knows the device; this one draws the consequence. Lazy: no query without a look."""

    async_capable = False

    def _verify_user_sync(self, request: HttpRequest, user: Any) -> Any:
        user = super()._verify_user_sync(request, user)
        request._half_user = None  # type: ignore[attr-defined]
        if user.is_authenticated and user.is_staff and not user.is_verified() and obliged.demanded(user):
            request._half_user = user  # type: ignore[attr-defined]
            user = AnonymousUser()
            self._init_user_fields(user)
        return user


def half_user(request: HttpRequest) -> AbstractBaseUser | None:
    """Who has given a password and still owes the second factor."""
    bool(request.user.is_authenticated)  # it is lazy
    found: AbstractBaseUser | None = getattr(request, "_half_user", None)
    return found
