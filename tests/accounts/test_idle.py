"""A session that nobody looks through ends."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from survey_site.accounts import idle

pytestmark = pytest.mark.django_db


class Passing:
    """The middleware with a clock of its own, over the session of a client."""

    def __init__(self, client: Client) -> None:
        self.now, self.client = 1000.0, client
        self.middleware = idle.IdleMiddleware(lambda request: HttpResponse(), lambda: self.now)

    def look(self, after_minutes: float, **headers: str) -> bool:
        """Whether somebody is signed in still."""
        self.now += after_minutes * 60
        request: HttpRequest = RequestFactory().get("/admin/", headers=headers)
        request.COOKIES = {name: morsel.value for name, morsel in self.client.cookies.items()}
        request.session = self.client.session
        self.middleware(request)
        request.session.save()
        return idle.SESSION_KEY in request.session


@pytest.fixture
def passing(client: Client, admin_user: User, settings: Any) -> Passing:
    settings.SESSION_IDLE_MINUTES = 30
    client.force_login(admin_user, backend="django.contrib.auth.backends.ModelBackend")
    return Passing(client)


def test_who_looks_now_and_then_stays(passing: Passing) -> None:
    assert all(passing.look(minutes) for minutes in (0, 29, 29, 29))


def test_who_went_away_is_signed_out(passing: Passing) -> None:
    assert passing.look(0)
    assert not passing.look(31)
    assert not passing.look(0)


def test_what_a_page_fetches_by_itself_keeps_nobody_in(passing: Passing) -> None:
    assert passing.look(0)
    htmx = {"HX-Request": "true"}
    assert passing.look(20, **htmx)
    assert not passing.look(11, **htmx)


def test_participants_get_no_session(client: Client) -> None:
    client.get("/admin/login/")
    client.get("/")
    assert not Session.objects.exists()


def test_it_holds_for_the_site(client: Client, admin_user: User, settings: Any) -> None:
    client.force_login(admin_user, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/admin/").status_code == 200
    session = client.session
    session[idle.SEEN] -= settings.SESSION_IDLE_MINUTES * 60 + 1
    session.save()
    assert client.get("/admin/").status_code == 302
