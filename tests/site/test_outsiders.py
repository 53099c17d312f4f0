"""Somebody with an account of their own, or none, at every address of the site: nothing of others is shown or changed."""

import re
import secrets
from functools import partial
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.core import serializers
from django.db import connection
from django.test import Client
from django.urls import reverse

from survey_site.recruitment.models import Recruitment
from survey_site.studies.models import Membership, Study
from tests import factories
from tests.api.keys import token_of
from tests.site import junk
from tests.trials.player import begin

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)")
CHANGE_AT_EACH_LOOK = (
    "sessions.session",
    "studies.auditentry",
    "studies.chainhead",
    "axes.",
    "accounts.apitoken",
)
SAFE_FOR_ALL = re.compile(r"/admin/(login|logout|jsi18n|r/|auth|password_change|search)")


@pytest.fixture
def study() -> Study:
    """Ada's, which runs."""
    study = factories.live("theirs")
    begin(Client(), "theirs")
    Recruitment.objects.create(study=study, provider="prolific", completed_code="SECRETCODE")
    Membership.objects.create(study=study, user=User.objects.create_user("ada", is_staff=True), role="owner")
    return study


@pytest.fixture
def eve(study: Study) -> User:
    """Another researcher with every right that a researcher can be given, and no part in the study."""
    eve = User.objects.create_user("eve", is_staff=True)
    eve.user_permissions.set(Permission.objects.exclude(content_type__app_label="auth"))
    Membership.objects.create(study=factories.draft("own"), user=eve, role="owner")
    return eve


def addresses(study: Study) -> list[str]:
    """Every address of the site, pointed at this study and its rows."""
    found = []
    for route in junk.patterns():
        model = re.search(r"/admin/(\w+)/(\w+)/", route)
        pk = str(study.pk)
        if model and model[2] != "study":
            row = _first(model[1], model[2], study)
            pk = str(row.pk) if row is not None else "1"
        given = {
            "slug": study.slug,
            "pk": str(study.pk),
            "object_id": pk,
            "language": "en",
            "name": "responses",
        }
        path = PARAMETER.sub(lambda m, given=given: given.get(m[1] or m[2], "1"), route)  # type: ignore[misc]
        if "(" not in path and "<" not in path:
            found.append(path)
    return found


def _first(app: str, model: str, study: Study) -> Any:
    try:
        rows = apps.get_model(app, model)._default_manager
    except LookupError:
        return None
    names = {field.name for field in rows.model._meta.get_fields()}
    for path in (
        "study",
        "participant__study",
        "stimulus__study",
        "protocol__study",
        "trial__participant__study",
    ):
        if path.split("__")[0] in names:
            try:
                return rows.filter(**{path: study}).first()
            except Exception:
                continue
    return None


def rows() -> dict[str, str]:
    """What is stored, model by model, but for what every look leaves behind."""
    return {
        model._meta.label_lower: serializers.serialize("json", model._default_manager.order_by("pk"))
        for model in apps.get_models()
        if model._meta.managed and not model._meta.label_lower.startswith(CHANGE_AT_EACH_LOOK)
    }


def test_no_address_shows_another_researcher_anything_of_a_study(study: Study, eve: User) -> None:
    participant = study.participants.get()
    images = [stimulus.sha256 for stimulus in study.stimuli.all()]
    words = {"theirs", "SECRETCODE", participant.code, participant.token, *images}
    client, seen = Client(), []
    client.force_login(eve, backend="django.contrib.auth.backends.ModelBackend")
    headers = {"Authorization": f"Token {token_of(eve)}"}
    for path in addresses(study):
        if path.startswith(("/s/", "/p/", "/w/", "/i/")) or SAFE_FOR_ALL.match(path):
            continue
        for given in ({}, headers):
            answer = client.get(path, headers=given)
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
            text = body.decode("utf-8", "replace").replace(path, "")
            if answer.status_code == 200 and (found := [word for word in words if word in text]):
                seen.append(f"{path}: {found}")
    assert not seen


def test_no_address_lets_another_researcher_change_anything(study: Study, eve: User) -> None:
    client = Client()
    client.force_login(eve, backend="django.contrib.auth.backends.ModelBackend")
    before = rows()
    for path in addresses(study):
        if path.startswith(("/s/", "/p/", "/w/", "/i/", "/admin/logout", "/admin/password_change")):
            continue
        written: list[str] = []
        with connection.execute_wrapper(partial(_writes, written)):
            client.post(
                path,
                {
                    "verb": "close",
                    "action": "delete_selected",
                    "_selected_action": "1",
                    "post": "yes",
                    "_save": "1",
                },
            )
        assert not written or rows() == before, (path, written)
    assert rows() == before


def _writes(written: list[str], execute: Any, sql: str, *rest: Any) -> Any:
    """Keeps statements that change something: to look at every row after each address would take most of the time."""
    if not sql.startswith(("SELECT", "SAVEPOINT", "RELEASE")):
        written.append(sql)
    return execute(sql, *rest)


def test_no_form_is_taken_without_its_token(study: Study, admin_user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user, backend="django.contrib.auth.backends.ModelBackend")
    taken = []
    before = rows()
    for path in addresses(study):
        status = client.post(path, {"consent": "yes", "post": "yes", "_save": "1"}).status_code
        # The preview's forms are those of participants, without a cookie; a post there writes nothing.
        if status not in (400, 401, 403, 404, 405) and "/preview/" not in path:
            taken.append((path, status))
    assert taken == []
    assert rows() == before


def test_a_token_in_the_address_is_no_key(study: Study, admin_user: User) -> None:
    key = token_of(admin_user)
    for name in ("token", "key", "access_token", "Authorization", "api_key"):
        assert Client().get(f"/api/v1/studies/?{name}={key}").status_code in (401, 403)
        assert Client().get(f"/api/v1/studies/?{name}=Token%20{key}").status_code in (401, 403)
    assert Client().get("/api/v1/studies/", headers={"Cookie": f"sessionid={key}"}).status_code in (401, 403)


@pytest.mark.parametrize(
    "method", ["DELETE", "PATCH", "PUT", "OPTIONS", "TRACE", "PROPFIND", "get", "A" * 300]
)
def test_other_methods_change_nothing_and_break_nothing(
    study: Study, admin_client: Client, method: str
) -> None:
    before = rows()
    for path in addresses(study):
        if "logout" in path:
            continue
        assert admin_client.generic(method, path, b"a=1").status_code < 500, path
    assert rows() == before


def test_a_session_that_was_planted_is_not_the_one_that_signs_in() -> None:
    User.objects.create_user("ada", password="correct horse battery", is_staff=True)
    planted = secrets.token_hex(16)
    client = Client()
    client.cookies["sessionid"] = planted
    sent = {"username": "ada", "password": "correct horse battery", "next": "/admin/"}
    assert client.post("/admin/login/", sent).status_code == 302
    assert client.cookies["sessionid"].value != planted
    thief = Client()
    thief.cookies["sessionid"] = planted
    assert thief.get("/admin/").status_code == 302


def test_the_door_says_the_same_for_names_that_are_and_are_none() -> None:
    User.objects.create_user("ada", password="correct horse battery", is_staff=True)
    User.objects.create_user("closed", password="correct horse battery", is_staff=True, is_active=False)
    User.objects.create_user("nostaff", password="correct horse battery")
    told = set()
    for name, password in (
        ("ada", "x"),
        ("nobody", "x"),
        ("closed", "correct horse battery"),
        ("nostaff", "x"),
    ):
        page = Client().post("/admin/login/", {"username": name, "password": password}).content.decode()
        told.add(re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", page).replace(name, "NAME"))
    assert len(told) == 1
    # Of the page for forgotten passwords see tests/accounts/test_password_links.py.
    for path in ("/accounts/password_reset/", "/admin/reset/"):
        assert Client().get(path).status_code in (302, 404)


def test_the_api_s_root_tells_nobody_anything() -> None:
    for path in (reverse("api-root"), reverse("schema"), reverse("api-docs")):
        assert Client().get(path).status_code in (401, 403)
