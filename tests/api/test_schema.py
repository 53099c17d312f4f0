"""The OpenAPI schema: made without a warning, served to researchers, and true of what the API answers."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from survey_site.reports.exports.columns import responses_columns
from tests.api.keys import token_of
from tests.reports.factory import survey


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


@pytest.mark.django_db
@pytest.mark.usefixtures("open_connection")
def test_whatever_is_asked_the_answer_fits_the_schema(admin_user: Any, media: Any) -> None:
    """Schemathesis makes requests from the schema, odd ones too: no 5xx, and every body as described."""
    from hypothesis import HealthCheck, Phase, given, settings

    mine = survey("mine")
    who = mine.participant()
    mine.matching(who, 0, 2)
    mine.rating(who, 1, 0)
    schema = schemathesis.openapi.from_dict(json.loads(json.dumps(SchemaGenerator().get_schema(public=True))))
    headers = {"Authorization": f"Token {token_of(admin_user)}"}
    application = get_wsgi_application()
    checks = [
        schemathesis.checks.not_a_server_error,
        schemathesis.specs.openapi.checks.status_code_conformance,
        schemathesis.specs.openapi.checks.response_schema_conformance,
    ]
    asked = 0
    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(
            max_examples=12, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def conforms(case: Any) -> None:
            nonlocal asked
            if "slug" in (case.path_parameters or {}):
                case.path_parameters["slug"] = "mine"
            response = case.call(headers=headers, app=application, base_url="http://localhost")
            case.validate_response(response, checks=checks)
            asked += 1

        conforms()
    assert asked > 60
