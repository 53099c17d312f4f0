"""The documentation on the site: every page, its links and anchors lead somewhere, and nothing else of the disk is shown."""

import re

import pytest
from django.test import Client

from survey_site.desk import documentation

pytestmark = pytest.mark.django_db


def html(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    return response.content.decode()


def test_the_front_page_leads_to_every_page(client: Client) -> None:
    assert 'href="/docs/"' in html(client, "/")
    contents = html(client, "/docs/")
    files = sorted(documentation.files())
    assert {"desk", "operations", "security"} < set(files)
    assert re.findall(r'href="/docs/([a-z-]+)/"', contents)[:2] == ["desk", "study-design"]
    assert sorted(re.findall(r'href="/docs/([a-z-]+)/"', contents)) == files


def test_links_between_pages_and_to_headings_lead_somewhere(client: Client) -> None:
    pages = {name: html(client, f"/docs/{name}/") for name in documentation.files()}
    anchors = {name: set(re.findall(r'<h\d id="([^"]+)"', text)) for name, text in pages.items()}
    lost = []
    for name, text in pages.items():
        for link in re.findall(r'<a href="([^"]+)"', text):
            if link.startswith(("http", "/")):
                continue
            target, _, anchor = link.partition("#")
            other = target.removeprefix("../").rstrip("/") or name
            if other not in pages or (anchor and anchor not in anchors[other]):
                lost.append(f"{name}: {link}")
    assert not lost


@pytest.mark.parametrize("name", ["nothing", "..", "README", "images", "%2e%2e%2fREADME", "desk.md"])
def test_nothing_but_pages_is_shown(client: Client, name: str) -> None:
    assert client.get(f"/docs/{name}/").status_code == 404


def test_pictures_are_shown_and_nothing_beside_them(client: Client) -> None:
    assert client.get("/docs/images/matching.jpg").headers["Content-Type"] == "image/jpeg"
    for name in ("nothing.jpg", "..", ".hidden", "desk.md"):
        assert client.get(f"/docs/images/{name}").status_code == 404
