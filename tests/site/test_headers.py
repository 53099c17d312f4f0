"""What every answer says to the browser, and what HTTPS in front of the site changes."""

import re
from pathlib import Path

import pytest
from django.test import Client, override_settings

from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.mark.parametrize(
    "path", ["/", "/s/test/", "/admin/login/", "/healthz", "/nowhere", "/api/v1/", "/i/x", "/reports/test/"]
)
def test_every_answer_shuts_off_what_no_page_asks_for(client: Client, path: str) -> None:
    factories.live()
    headers = client.get(path).headers
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["/admin/", "/s/test/", "/reports/test/", "/api/docs/", "/recruitment/test/"]
)
def test_no_page_may_run_a_script_in_its_html_or_move_its_base(admin_client: Client, path: str) -> None:
    factories.live()
    response = admin_client.get(path)
    policy = response.headers["Content-Security-Policy"]
    (scripts,) = re.findall(r"script-src ([^;]*)", policy)
    assert "'unsafe-inline'" not in scripts
    assert "base-uri 'none'" in policy
    html = response.content.decode()
    assert re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", html) == []
    assert re.findall(r"<[a-z][^>]*\son[a-z]+=\"", html) == []
    assert "javascript:" not in html


@pytest.mark.parametrize(
    "path",
    [
        "/", "/s/test/", "/s/test/privacy/", "/s/none/", "/i/x", "/w/x/", "/p/x/", "/healthz", "/readyz", "/nowhere",
        "/static/x.js",
        "/reports/test/report.html", "/reports/test/table1.json", "/reports/test/responses.csv", "/reports/test/statistics/",
        "/reports/test/figures/x.svg", "/api/v1/", "/api/v1/studies/test/", "/api/v1/studies/test/report/",
        "/api/docs/", "/api/schema/",
    ],
)  # fmt: skip
def test_only_pages_in_the_theme_of_the_desk_may_evaluate_expressions(
    admin_client: Client, path: str
) -> None:
    factories.live()
    for client in (admin_client, Client()):
        assert "unsafe-eval" not in client.get(path).headers.get("Content-Security-Policy", "")
    assert "unsafe-eval" in admin_client.get("/admin/").headers["Content-Security-Policy"]


def test_behind_https_all_but_the_looks_of_balancers_is_sent_there(client: Client) -> None:
    with override_settings(SECURE_SSL_REDIRECT=True):
        moved = Client().get("/admin/login/")
        assert (moved.status_code, moved["Location"]) == (301, "https://testserver/admin/login/")
        assert Client().get("/healthz").status_code == 200
        assert Client().get("/readyz").status_code in (200, 503)


def test_the_privacy_page_of_a_draft_is_its_researchers_own(client: Client, admin_client: Client) -> None:
    factories.draft("hidden")
    assert client.get("/s/hidden/privacy/").status_code == 404
    assert admin_client.get("/s/hidden/privacy/").status_code == 200
    factories.live("open")
    assert client.get("/s/open/privacy/").status_code == 200


def test_no_template_of_the_site_has_a_script_in_its_html() -> None:
    folder = Path(__file__).resolve().parents[2] / "survey_site"
    inline = re.compile(r"<script(?![^>]*\bsrc=)|\son(click|change|submit|load|input)=|javascript:")
    assert [page.name for page in folder.rglob("*.html") if inline.search(page.read_text("utf-8"))] == []
