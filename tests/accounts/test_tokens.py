"""API tokens: what each scope opens, for which studies, until when; and their page in the admin."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from survey_site.accounts import tokens
from survey_site.accounts.models import ApiToken
from survey_site.studies.access import ROLES
from survey_site.studies.models import AuditEntry, Membership, Study
from tests.reports.factory import survey
from tests.studies.test_access import person

pytestmark = pytest.mark.django_db
Scope = ApiToken.Scope
# endpoint → the scope that it needs; of the list of studies and the pages around, see below.
NEEDS = {
    ("get", "api-study"): Scope.READ,
    ("get", "api-stimuli"): Scope.READ,
    ("get", "api-jobs"): Scope.READ,
    ("post", "api-stimuli"): Scope.WRITE,
    ("post", "api-regions"): Scope.WRITE,
    ("post", "api-jobs"): Scope.WRITE,
    ("get", "api-report"): Scope.RESULTS,
    ("get", "api-responses"): Scope.EXPORT,
    ("get", "api-participants"): Scope.EXPORT,
    ("get", "api-recruitment"): Scope.RECRUITMENT,
}
MAY = {
    "owner": set(Scope.values),
    "editor": set(Scope.values),
    "analyst": {"read", "results", "export"},
    "assistant": {"read", "recruitment"},
    "stranger": set(),
}


@pytest.fixture
def study() -> Study:
    return survey("mine").study


def program(key: str, word: str = "Token") -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"{word} {key}")
    return client


def ask(client: APIClient, verb: str, name: str, slug: str = "mine") -> int:
    call: Callable[..., Any] = getattr(client, verb)
    return int(call(reverse(name, args=[slug])).status_code)


def test_every_endpoint_of_a_study_is_in_the_table() -> None:
    from survey_site.api.urls import urlpatterns

    named = {p.name for p in urlpatterns if "<slug" in str(p.pattern)}
    assert named == {name for _, name in NEEDS}


@pytest.mark.parametrize("scope", Scope.values)
def test_a_scope_opens_its_own_endpoints_and_no_other(study: Study, scope: str) -> None:
    _, key = tokens.make(person("owner", study), "one", [scope], studies=[study])
    for (verb, name), needed in NEEDS.items():
        status = ask(program(key), verb, name)
        if needed == scope:
            assert status in (200, 202, 400, 415), (verb, name)  # an empty upload is a bad one, or no upload
        else:
            assert status == 403, (verb, name)


@pytest.mark.parametrize("who", MAY)
def test_a_token_never_allows_more_than_the_researchers_role(study: Study, who: str) -> None:
    _, key = tokens.make(person(who, study), "all", Scope.values)
    for (verb, name), needed in NEEDS.items():
        allowed = ask(program(key), verb, name) != 404
        assert allowed is (needed in MAY[who]), (verb, name)


def test_every_action_has_a_scope() -> None:
    assert set(tokens.SCOPE_OF) == set(ROLES) - {"own"}
    assert set(tokens.SCOPE_OF.values()) == set(Scope)


def test_a_missing_scope_is_said_in_the_documented_shape(study: Study) -> None:
    _, key = tokens.make(person("owner", study), "one", ["read"])
    found = program(key).get(reverse("api-responses", args=["mine"])).json()["error"]
    assert found["code"] == "scope_missing"
    assert "“export”" in found["message"]


@pytest.mark.parametrize(("verb", "name"), NEEDS)
def test_a_study_that_was_not_chosen_is_not_found(study: Study, verb: str, name: str) -> None:
    owner = person("owner", study)
    survey("other", owner=owner)
    _, key = tokens.make(owner, "mine only", Scope.values, studies=[study])
    assert ask(program(key), verb, name, "other") == 404
    listed = program(key).get(reverse("api-studies")).json()["results"]
    assert [one["slug"] for one in listed] == ["mine"]


def test_a_token_for_all_sees_later_studies_and_one_for_some_does_not(study: Study) -> None:
    owner = person("owner", study)
    keys = [tokens.make(owner, "x", ["read"], studies=chosen)[1] for chosen in (None, [study])]
    survey("later", owner=owner)
    found = [len(program(key).get(reverse("api-studies")).json()["results"]) for key in keys]
    assert found == [2, 1]


def test_a_membership_that_ends_ends_the_tokens_sight(study: Study) -> None:
    _, key = tokens.make(person("analyst", study), "x", ["read"], studies=[study])
    assert ask(program(key), "get", "api-study") == 200
    Membership.objects.all().delete()
    assert ask(program(key), "get", "api-study") == 404


def test_a_token_works_until_it_ends(study: Study) -> None:
    owner = person("owner", study)
    now = timezone.now()
    ended = {
        "expired": tokens.make(owner, "x", ["read"], expires_at=now - timedelta(seconds=1))[1],
        "revoked": tokens.make(owner, "revoke me", ["read"])[1],
        "no such": "sv_" + "x" * 43,
    }
    tokens.revoke(ApiToken.objects.filter(name="revoke me"))
    for says, key in ended.items():
        response = program(key).get(reverse("api-studies"))
        assert response.status_code == 401
        assert says in response.json()["error"]["message"]
    key = tokens.make(owner, "x", ["read"], expires_at=now + timedelta(days=1))[1]
    assert ask(program(key), "get", "api-study") == 200
    assert ask(program(key, "Bearer"), "get", "api-study") == 200
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert ask(program(key), "get", "api-study") == 401


@pytest.mark.parametrize("header", ["Token", "Token a b", "Token \xe9\xff", "Basic YTpi", "Tokenx y"])
def test_an_odd_header_is_refused_and_breaks_nothing(study: Study, header: str) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=header)
    assert client.get(reverse("api-studies")).status_code == 401


def test_a_token_opens_no_page_of_the_admin_or_the_report(study: Study) -> None:
    _, key = tokens.make(User.objects.create_superuser("root"), "x", Scope.values)
    for url in ("/admin/", "/reports/mine/", "/reports/mine/responses.csv", "/recruitment/mine/"):
        assert program(key).get(url).status_code in (302, 404)


def test_the_last_use_is_kept_to_the_minute(study: Study, django_assert_num_queries: Any) -> None:
    token, key = tokens.make(person("owner", study), "x", ["read"])
    assert token.last_used_at is None
    program(key).get(reverse("api-root"))
    token.refresh_from_db()
    assert token.last_used_at is not None
    with django_assert_num_queries(1):
        program(key).get(reverse("api-root"))


def test_exports_by_the_api_are_recorded_once_for_each_question(study: Study) -> None:
    owner = person("owner", study)
    token, key = tokens.make(owner, "nightly", ["export"])
    client = program(key)
    address = reverse("api-responses", args=["mine"])
    for query in ("?task=rating", "?task=rating&page_size=5", "?task=matching"):
        client.get(address + query)
    client.get(address + "?tsak=rating")  # refused, nothing left the site
    client.get(reverse("api-participants", args=["mine"]))
    entries = study.audit.filter(verb="exported")
    assert {entry.user for entry in entries} == {owner}
    assert sorted(entries.values_list("detail", flat=True)) == [
        f"API participants by {token}",
        f"API responses task=matching by {token}",
        f"API responses task=rating by {token}",
    ]


def test_an_export_an_hour_later_is_a_new_entry(study: Study) -> None:
    _, key = tokens.make(person("owner", study), "nightly", ["export"])
    for _ in range(2):
        program(key).get(reverse("api-responses", args=["mine"]))
        AuditEntry.objects.update(at=timezone.now() - timedelta(hours=2))
    assert study.audit.filter(verb="exported").count() == 2


FORM = {"name": "nightly export", "scopes": ["read", "export"], "lasts": "30"}
ADD = "/admin/accounts/apitoken/add/"


def test_a_token_is_made_in_the_admin_and_its_key_shown_once(client: Client, study: Study) -> None:
    client.force_login(person("analyst", study))
    response = client.post(ADD, {**FORM, "studies": [study.pk]})
    (key,) = re.findall(r"sv_[\w-]{43}", response.content.decode())
    assert "no-store" in response["Cache-Control"]
    token = ApiToken.objects.get()
    assert token.digest != key
    assert key not in str(token.__dict__)
    assert (token.scopes, list(token.studies.all())) == (["export", "read"], [study])
    assert timedelta(days=29) < token.expires_at - timezone.now() < timedelta(days=31)  # type: ignore[operator]
    assert ask(program(key), "get", "api-responses") == 200
    later = client.get(reverse("admin:accounts_apitoken_change", args=[token.pk]))
    assert later.status_code == 200
    assert key not in later.content.decode()
    assert study.audit.filter(verb="API token made").count() == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"studies": []}, "Choose studies, or all"),
        ({"all_studies": "on"}, "Choose either"),
        ({"scopes": []}, "required"),
        ({"scopes": ["everything"]}, "not one of the available choices"),
        ({"lasts": "4000"}, "not one of the available choices"),
        ({"name": ""}, "required"),
    ],
)
def test_a_wrong_form_makes_no_token(client: Client, study: Study, change: dict[str, Any], says: str) -> None:
    client.force_login(person("owner", study))
    page = client.post(ADD, {**FORM, "studies": [study.pk], **change}).content.decode()
    assert says in page
    assert not ApiToken.objects.exists()


def test_nobody_chooses_a_study_that_is_not_shared_with_them(client: Client, study: Study) -> None:
    client.force_login(person("stranger", study))
    assert "Study mine" not in client.get(ADD).content.decode()
    client.post(ADD, {**FORM, "studies": [study.pk]})
    assert not ApiToken.objects.exists()


def test_everybody_sees_and_revokes_their_own_and_a_superuser_all(client: Client, study: Study) -> None:
    owner, editor = person("owner", study), person("editor", study)
    mine, theirs = (
        tokens.make(owner, "my token", ["read"])[0],
        tokens.make(editor, "their token", ["read"])[0],
    )
    address = reverse("admin:accounts_apitoken_changelist")
    client.force_login(owner)
    page = client.get(address).content.decode()
    assert "my token" in page
    assert "their token" not in page
    assert client.get(reverse("admin:accounts_apitoken_change", args=[theirs.pk])).status_code == 302
    client.post(address, {"action": "revoke", "_selected_action": [mine.pk, theirs.pk]})
    assert set(ApiToken.objects.filter(revoked_at=None)) == {theirs}
    client.force_login(User.objects.create_superuser("root"))
    client.post(address, {"action": "revoke", "_selected_action": [theirs.pk]})
    assert not ApiToken.objects.filter(revoked_at=None).exists()
    assert AuditEntry.objects.filter(verb="API token revoked", study=None).count() == 2


def test_a_participant_gets_no_token_page(client: Client, study: Study) -> None:
    client.force_login(person("participant", study))
    assert client.get(ADD).status_code == 302
