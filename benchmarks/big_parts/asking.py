"""Asks for addresses one by one, each in a process of its own, as somebody signed in or with a token; a row for each."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver

from benchmarks.big_parts.addresses import Found
from benchmarks.big_parts.bounded import Bounds, Table

AGAIN_WITHIN_S = 10.0  # what took longer is not asked for again
Ask = Callable[[str], "Asked"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What one address gave. first: seconds to the first byte, with nothing kept. again: the faster of two more."""

    status: int
    first: float
    seconds: float
    size: int
    queries: int = 0
    again: float | None = None


def signed_in(username: str) -> Client:
    """A browser of theirs."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get(username=username))
    return client


def page(username: str, address: str) -> Asked:
    """A page as it is the first time, when no count is kept, and then."""
    client = signed_in(username)
    _fetch(client, address)  # templates are read, forms are made
    cache.clear()
    return _again(client, address)


def _again(client: Client, address: str) -> Asked:
    with CaptureQueriesContext(connection) as captured:
        found = _fetch(client, address)
    queries = len(captured.captured_queries)
    more = [_fetch(client, address).seconds for _ in range(2)] if found.seconds < AGAIN_WITHIN_S else []
    return replace(found, queries=queries, again=min(more, default=None))


def download(username: str, address: str) -> Asked:
    """A file as the web streams it, read to its end and thrown away."""
    return _fetch(signed_in(username), address)


def by_token(key: str, address: str) -> Asked:
    """As `page`, of the API."""
    client = Client(SERVER_NAME="localhost", headers={"Authorization": f"Token {key}"})
    _fetch(client, address)
    return _again(client, address)


def _fetch(client: Client, address: str) -> Asked:
    began = time.perf_counter()
    response = client.get(address)
    first, size = time.perf_counter() - began, 0
    if response.streaming:
        first = 0.0
        for chunk in response.streaming_content:
            first = first or time.perf_counter() - began
            size += len(chunk)
    else:
        size = len(response.content)
    return Asked(response.status_code, first, time.perf_counter() - began, size)


def address_table(
    title: str, find: Callable[[], Sequence[Found]], ask: Ask, bounds: Bounds, budget_ms: float
) -> int:
    """A row for each address; those over the budget are marked. Always 0: what is slow is for the reader to judge."""
    get_resolver().url_patterns  # noqa: B018 — imported here, not by each process anew
    listed = bounds.run(find)
    table = Table(title, "what", "status", "first ms", "again ms", "queries", "MB", "peak MB", "")
    if listed.error:
        table.row("the addresses themselves", listed.error)
        return 0
    over = 0
    for name, address in listed.told:
        if not address:
            table.row(name, "left out: it needs more than its study")
            continue
        found = bounds.run(partial(ask, address))
        if found.error:
            table.row(name, found.error)
            over += 1
            continue
        asked: Asked = found.told
        slow = 1000 * (asked.seconds if asked.again is None else asked.again) > budget_ms
        over += slow
        again = "" if asked.again is None else 1000 * asked.again
        mark = "OVER" if slow else ""
        table.row(
            name,
            asked.status,
            1000 * asked.seconds,
            again,
            asked.queries,
            asked.size / 1e6,
            found.peak_mb,
            mark,
        )
    print(f"\n{len(listed.told)} asked for, {over} over {budget_ms:.0f} ms or given up", flush=True)
    return 0


def export_table(title: str, find: Callable[[], Sequence[Found]], ask: Ask, bounds: Bounds) -> int:
    """A row for each download, with the time to its first byte."""
    get_resolver().url_patterns  # noqa: B018
    listed = bounds.run(find)
    table = Table(title, "what", "status", "s to the first byte", "s in all", "MB", "peak MB")
    if listed.error:
        table.row("the addresses themselves", listed.error)
        return 0
    for name, address in listed.told:
        found = bounds.run(partial(ask, address))
        if found.error:
            table.row(name, found.error)
            continue
        asked: Asked = found.told
        table.row(name, asked.status, asked.first, asked.seconds, asked.size / 1e6, found.peak_mb)
    return 0
