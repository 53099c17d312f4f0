"""Requests that nobody can read get 4xx, also where Django itself would fail before its error handlers."""

import pytest
from django.test import Client

from survey_site.malformed import problem
from tests import factories
from tests.site.wsgi_call import call, signed_in

FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (f"{FORM}; charset=no-such-charset", 415),
        (f"{FORM}; charset=zlib", 415),
        (f"{FORM}; charset*=no-such''x", 400),
        ("multipart/form-data", 400),
        ("multipart/form-data; boundary=", 400),
        ("multipart/form-data; boundary=é", 400),
        ("multipart/form-data; boundary=" + "x" * 300, 400),
        ("application/json; charset=utf-16", 415),
        ("multipart/form-data; boundary=x", 200),
        (FORM, 200),
        (f"{FORM}; charset=UTF-8", 200),
        ("text/", 200),
        ("", 200),
    ],
)
def test_a_content_type_is_one_that_can_be_read(content_type: str, status: int) -> None:
    found = problem({"PATH_INFO": "/", "CONTENT_TYPE": content_type})
    assert (found.status if found else 200) == status


@pytest.mark.parametrize(
    "environ",
    [
        {"PATH_INFO": "/s/\0/"},
        {"QUERY_STRING": "q=%00"},
        {"PATH_INFO": "/\u4e00"},
        {"HTTP_ACCEPT_LANGUAGE": "\ud800"},
        {"CONTENT_LENGTH": "-1"},
        {"CONTENT_LENGTH": "many"},
        {"CONTENT_LENGTH": "9" * 5000},
        {"CONTENT_LENGTH": "²"},
    ],
)
def test_addresses_and_headers_are_bytes_without_nul(environ: dict[str, str]) -> None:
    found = problem({"PATH_INFO": "/", **environ})
    assert found is not None
    assert found.status == 400


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
@pytest.mark.parametrize("path", ["/s/test/", "/admin/login/", "/api/v1/", "/recruitment/test/", "/nowhere"])
@pytest.mark.parametrize(
    "content_type",
    [
        f"{FORM}; charset=no-such-charset",
        f"{FORM}; charset=zlib",
        f"{FORM}; charset=base64",
        "multipart/form-data",
        "multipart/form-data; boundary=é",
        "multipart/form-data; boundary=x; charset=punycode",
    ],
)
def test_no_page_fails_on_a_body_that_cannot_be_read(
    path: str, content_type: str, admin_client: Client
) -> None:
    factories.live()
    answer = call("POST", path, b"a=%ff&b=1", content_type=content_type, **signed_in(admin_client))
    assert 400 <= answer.status < 500


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["PATH_INFO", "HTTP_COOKIE", "QUERY_STRING"])
def test_what_django_cannot_make_a_request_of_is_refused_before_it(name: str) -> None:
    assert call("GET", "/", **{name: "/\u4e00"}).status == 400


@pytest.mark.django_db
def test_an_address_that_is_no_utf8_is_not_found() -> None:
    assert call("GET", "/s/\xff\xfe/").status == 404
