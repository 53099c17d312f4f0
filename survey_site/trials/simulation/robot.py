"""A participant without eyes: reads forms as HTML, sends them as a browser does, in this process or by HTTP."""

import http.cookiejar
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Protocol

from django.conf import settings


class UnexpectedPage(RuntimeError):
    """The site answered something that a participant could not go on with; the message names page and status."""


@dataclass(frozen=True, slots=True)
class Page:
    """What came back after redirects."""

    status: int
    address: str
    html: str


@dataclass(frozen=True, slots=True)
class Received:
    """A file as the browser gets it. seconds: until the last byte."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float


class Site(Protocol):
    """Where the pages come from."""

    def fetch(self, path: str) -> Received: ...

    def get(self, path: str) -> Page: ...

    def post(self, path: str, fields: dict[str, str]) -> Page: ...


class Form(HTMLParser):
    """The first form of a page: hidden fields, and the values offered by radio buttons and boxes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.hidden: dict[str, str] = {}
        self.offered: dict[str, list[str]] = {}
        self.found = False
        self._inside = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = not self.found
            self.found = True
        if tag != "input" or not self._inside:
            return
        if values.get("type") == "hidden":
            self.hidden[values["name"]] = values.get("value", "")
        elif values.get("type") in ("radio", "checkbox"):
            self.offered.setdefault(values["name"], []).append(values["value"])

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False


class InProcess:
    """The site without a server, through Django's own request handling."""

    def __init__(self) -> None:
        from django.test import Client

        hosts = [host for host in settings.ALLOWED_HOSTS if host not in ("*",) and not host.startswith(".")]
        self._client = Client(SERVER_NAME=hosts[0] if hosts else "localhost")

    def get(self, path: str) -> Page:
        return self._page(self._client.get(path, follow=True, secure=settings.BEHIND_HTTPS), path)

    def post(self, path: str, fields: dict[str, str]) -> Page:
        return self._page(self._client.post(path, fields, follow=True, secure=settings.BEHIND_HTTPS), path)

    def fetch(self, path: str) -> Received:
        began = time.perf_counter()
        response = self._client.get(path, secure=settings.BEHIND_HTTPS)
        body = response.getvalue()
        return Received(response.status_code, dict(response.items()), body, time.perf_counter() - began)

    def _page(self, response: object, path: str) -> Page:
        address = response.redirect_chain[-1][0] if response.redirect_chain else path  # type: ignore[attr-defined]
        return Page(response.status_code, address, response.content.decode())  # type: ignore[attr-defined]


class Remote:
    """A running site by its address."""

    def __init__(self, base: str, timeout_s: float = 60) -> None:
        if not base.startswith(("http://", "https://")):
            raise ValueError(f"{base!r} is no address of a site; write http://host:port")
        self._base, self._timeout = base.rstrip("/"), timeout_s
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(cookies)

    def get(self, path: str) -> Page:
        return self._send(path, None)

    def post(self, path: str, fields: dict[str, str]) -> Page:
        return self._send(path, urllib.parse.urlencode(fields).encode())

    def fetch(self, path: str) -> Received:
        began = time.perf_counter()
        try:
            with self._opener.open(self._base + path, timeout=self._timeout) as response:
                body, headers, status = response.read(), dict(response.headers.items()), response.status
        except urllib.error.HTTPError as error:
            body, headers, status = error.read(), dict(error.headers.items()), error.code
        return Received(status, headers, body, time.perf_counter() - began)

    def _send(self, path: str, body: bytes | None) -> Page:
        request = urllib.request.Request(self._base + path, body, {"Referer": self._base + path})  # noqa: S310
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                address = urllib.parse.urlsplit(response.geturl()).path
                return Page(response.status, address, response.read().decode())
        except urllib.error.HTTPError as error:
            return Page(error.code, path, error.read().decode(errors="replace"))
