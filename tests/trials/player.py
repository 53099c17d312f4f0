"""Plays a participant through the real pages as a browser without JavaScript does."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

from django.http import HttpResponse
from django.test import Client


class Form(HTMLParser):
    """The first form of a page: hidden fields, and the values offered for each choice."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.hidden: dict[str, str] = {}
        self.offered: dict[str, list[str]] = {}
        self.images: list[str] = []
        self.forms = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.forms += 1
        if tag == "img":
            self.images.append(found["src"])
        if tag == "input" and self.forms == 1:
            if found.get("type") == "hidden":
                self.hidden[found["name"]] = found.get("value", "")
            elif found.get("type") in ("radio", "checkbox"):
                self.offered.setdefault(found["name"], []).append(found["value"])


Chooser = Callable[[str, list[str]], str]


def first_offered(name: str, offered: list[str]) -> str:
    return offered[0]


def begin(client: Client, slug: str, query: str = "") -> str:
    """Consents and returns the address of the participant's own page; who is not named comes on a device of their own."""
    if "=" not in query:
        client.cookies.pop(f"begun-{slug}", None)
    address = f"/s/{slug}/{query}"
    form = Form(client.get(address).content.decode())
    response = client.post(address, {**form.hidden, "consent": "yes"})
    assert response.status_code == 303, response.content.decode()
    return str(response["Location"])


def fill(form: Form, choose: Chooser = first_offered) -> dict[str, Any]:
    """The fields that a browser would send."""
    return form.hidden | {name: choose(name, offered) for name, offered in form.offered.items()}


def step(client: Client, address: str, choose: Chooser = first_offered) -> HttpResponse:
    """Answers or continues past the page shown now."""
    return client.post(address, fill(Form(client.get(address).content.decode()), choose))


def play(client: Client, address: str, choose: Chooser = first_offered, limit: int = 400) -> list[str]:
    """Goes on until a page has no form; returns the kinds of steps met, in order."""
    met = []
    for _ in range(limit):
        html = client.get(address).content.decode()
        form = Form(html)
        if not form.forms:
            return met
        met.append(form.hidden.get("page") or next(iter(form.offered)))
        response = client.post(address, fill(form, choose))
        assert response.status_code == 303, (
            response.status_code,
            re.sub(r"<[^>]+>", " ", response.content.decode()),
        )
    raise AssertionError(f"no end after {limit} steps: {met[-5:]}")


def until_trial(client: Client, address: str, task: str = "choice", practice: bool = False) -> Form:
    """Plays up to a trial of a task and returns its form, unanswered."""
    for _ in range(200):
        html = client.get(address).content.decode()
        form = Form(html)
        if task in form.offered and (practice or "<progress" in html):
            return form
        assert form.forms, "the study ended"
        assert client.post(address, fill(form)).status_code == 303
    raise AssertionError("no such trial")
