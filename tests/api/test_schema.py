"""The OpenAPI schema: made without a warning, served to researchers, and true of what the API answers."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as settings_of_hypothesis
from rest_framework.test import APIClient
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup

from survey_site.reports.exports.columns import responses_columns
from tests import factories
from tests.api.keys import token_of
from tests.reports.factory import survey
from tests.stimuli.pictures import encoded


def test_the_schema_is_made_without_a_warning(tmp_path: Any) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yaml"))


@pytest.mark.django_db
def test_the_schema_and_its_page_are_for_researchers(django_user_model: Any) -> None:
    assert APIClient().get("/api/schema/").status_code == 401
    client = APIClient()
    client.force_authenticate(django_user_model.objects.create_user("researcher", is_staff=True))
    assert client.get("/api/schema/").status_code == 200
    assert client.get("/api/docs/").status_code == 200


@pytest.mark.django_db
def test_every_column_is_described_in_the_schema(admin_user: Any) -> None:
    client = APIClient()
    client.force_authenticate(admin_user)
    schema = client.get("/api/schema/?format=json").json()["components"]["schemas"]["Response"]
    assert {name: field["description"] for name, field in schema["properties"].items()} == {
        column.name: column.description for column in responses_columns()
    }


@pytest.fixture
def open_connection() -> Iterator[None]:
    """Requests leave the test's transaction open, as Django's own test client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


CHECKS = [
    check
    for check in schemathesis.checks.CHECKS.get_all()
    # Asks again without the key and takes ours, which every call here is given, for a wrong one: see the test below.
    if check.__name__ != "ignored_auth"
]


@pytest.mark.django_db
@pytest.mark.usefixtures("open_connection", "media")
@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
def test_whatever_is_asked_the_answer_fits_the_schema(
    admin_user: Any, settings: Any, mode: GenerationMode
) -> None:
    """Requests that the schema allows are taken, others refused; no 5xx; every status, type, header and body as said."""
    settings.API_REQUESTS_PER_MINUTE = 10**9
    mine = survey("mine")
    who = mine.participant()
    mine.matching(who, 0, 2)
    mine.rating(who, 1, 0)
    factories.draft("draft")
    schema = schemathesis.openapi.from_dict(json.loads(json.dumps(SchemaGenerator().get_schema(public=True))))
    headers = {"Authorization": f"Token {token_of(admin_user)}"}
    application = get_wsgi_application()
    asked: Counter[str] = Counter()
    wrong: dict[str, str] = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        if mode is GenerationMode.NEGATIVE and operation.label in NOTHING_TO_GET_WRONG:
            continue

        @settings_of_hypothesis(
            max_examples=15, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            label = case.operation.label
            if mode is GenerationMode.POSITIVE and "slug" in (case.path_parameters or {}):
                case.path_parameters["slug"] = "draft" if case.method == "POST" else "mine"
            if mode is GenerationMode.POSITIVE and "/stimuli/" in case.path and case.method == "POST":
                case.body["files"] = [encoded(asked[label])]  # that bytes are an image no schema can say
            asked[label] += 1
            response = case.call(headers=headers, app=application, base_url="http://localhost")
            try:
                # Nor can it say that a region's file names an image of the study.
                free = {"positive_data_acceptance"} if "/regions/" in case.path else set()
                case.validate_response(response, checks=[c for c in CHECKS if c.__name__ not in free])
            except FailureGroup as failures:
                for failure in failures.exceptions:
                    key = f"{label}: {type(failure).__name__} ({response.status_code})"
                    wrong.setdefault(key, f"{failure} {case.as_curl_command()}"[:600])

        ask()
    assert not wrong, "\n\n".join(f"{key}: {example}" for key, example in wrong.items())
    assert len(asked) == (12 if mode is GenerationMode.POSITIVE else 12 - len(NOTHING_TO_GET_WRONG))
    assert min(asked.values()) > 0


# Of these neither parameter nor body can be wrong: any text may stand where the study's name stands.
NOTHING_TO_GET_WRONG = (
    "GET /api/v1/", "GET /api/v1/studies/{slug}/", "GET /api/v1/studies/{slug}/recruitment/",
)  # fmt: skip


@pytest.mark.django_db
def test_nothing_of_the_schema_is_answered_without_a_key() -> None:
    schema = SchemaGenerator().get_schema(public=True)
    for path, operations in schema["paths"].items():
        for method in operations:
            for headers in ({}, {"Authorization": "Token sv_wrong"}, {"Authorization": "Bearer x"}):
                address = path.replace("{slug}", "mine")
                status = APIClient().generic(method.upper(), address, headers=headers).status_code
                assert status == 401, (method, path)


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["", "?format=none", "?format=json"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "TRACE"])
@pytest.mark.parametrize(
    "headers", [{}, {"X-CSRFToken": "x"}, {"Authorization": "Token sv_wrong"}, {"Accept": "image/png"}]
)
def test_the_page_of_the_schema_never_fails(
    admin_user: Any, query: str, method: str, headers: dict[str, str]
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user, backend="django.contrib.auth.backends.ModelBackend")
    status = client.generic(method, f"/api/docs/{query}", headers=headers).status_code
    assert status < 500
    assert (status == 200) == (method in ("GET", "HEAD") and "Authorization" not in headers)


@pytest.mark.django_db
@pytest.mark.parametrize("size", ["0", "-1", "true", "0.5", "1001", "9" * 30, "\u0661", ""])
def test_a_page_size_that_is_none_is_refused(admin_client: Any, size: str) -> None:
    told = admin_client.get(f"/api/v1/studies/?page_size={size}")
    assert told.status_code == 400
    assert "from 1 to 1000" in told.json()["error"]["fields"]["page_size"][0]


@pytest.mark.django_db
def test_an_address_that_is_none_is_answered_in_the_api_s_shape(admin_client: Any) -> None:
    for path in ("/api/v2/", "/api/v1/studies/%C3%A9/", "/api/v1/studies/a/b/c/"):
        told = admin_client.get(path)
        assert told.status_code == 404
        assert told.json()["error"]["code"] == "not_found"
