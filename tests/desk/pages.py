"""Every page of the researcher's desk, found in the site's own addresses, so that a new one cannot be forgotten."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from survey_site.studies.models import Study

# Participants' pages and the API's data are no part of the desk; everything else is.
DESK = ("admin/", "reports/", "recruitment/", "api/docs/", "docs/")
FIXED = {"app_label": "studies", "name": "matching", "language": "en", "place": 0}
DOCUMENTS = {"docs/<slug:name>/": "desk", "docs/images/<str:name>": "matching.jpg"}
SEALED = {"token"}  # encrypted for one reader: no address of a page


@dataclass(frozen=True)
class Address:
    """A named address with its arguments filled in from the sample, or None where the sample has no such row."""

    name: str
    path: str | None


def patterns(
    resolver: URLResolver | None = None, prefix: str = "", space: str = ""
) -> Iterator[tuple[str, URLPattern, str]]:
    """(route, pattern, namespace) of every address of the desk."""
    resolver = resolver or get_resolver()
    space = f"{resolver.namespace}:" if resolver.namespace else space
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns(entry, route, space)
        elif (
            route.startswith(DESK)
            and entry.name not in (None, "view_on_site")
            and not arguments(route) & SEALED
        ):
            yield route, entry, space


def arguments(route: str) -> set[str]:
    """Names of the arguments in a route, be it of angle brackets or a regular expression."""
    return set(re.findall(r"<(?:\w+:)?(\w+)>", route))


def addresses(study: Study) -> list[Address]:
    """All of them, with the sample study and the newest row of each model in the places of their arguments."""
    return [
        Address(f"{space}{entry.name}", _fill(f"{space}{entry.name}", route, study))
        for route, entry, space in patterns()
    ]


def _fill(name: str, route: str, study: Study) -> str | None:
    try:
        given = {argument: _value(argument, route, study) for argument in arguments(route)}
    except LookupError:
        return None
    return reverse(name, kwargs=given)


def _value(argument: str, route: str, study: Study) -> Any:
    if route in DOCUMENTS:
        return DOCUMENTS[route]
    if argument in FIXED:
        return FIXED[argument]
    if argument == "slug":
        return study.slug
    if argument == "own_model":
        return study.own_models.values_list("pk", flat=True)[0]
    if argument == "condition":
        return study.conditions.values_list("pk", flat=True)[0]
    for model in admin.site._registry:
        if route.startswith(f"admin/{model._meta.app_label}/{model._meta.model_name}/"):
            return study.pk if model is Study else _row(model, route)
    raise LookupError(route)


def _row(model: type[Model], route: str) -> Any:
    if "picture/" in route:  # of a map: its own row below the map's
        model = model._meta.get_field("pictures").related_model  # type: ignore[union-attr, assignment]
    found = model._default_manager.order_by("-pk").first()
    if found is None:
        raise LookupError(model)
    return found.pk  # a token's is not the column's value


def pages(study: Study, client: Client) -> dict[str, str]:
    """Name → path of whatever answers with a whole page of HTML; fragments, downloads and redirects are none."""
    return dict(each_page(study, client))


def each_page(study: Study, client: Client, names: tuple[str, ...] = ("",)) -> Iterator[tuple[str, str]]:
    """One by one, each just fetched. names: how those that are wanted begin."""
    for address in addresses(study):
        name = address.name.removeprefix("admin:")
        if address.path and name.startswith(names) and _is_page(client, address.path):
            yield name, address.path


def _is_page(client: Client, path: str) -> bool:
    response = client.get(path)
    if response.status_code != 200 or not response.headers["Content-Type"].startswith("text/html"):
        return False
    return b"<html" in response.getvalue() and "attachment" not in response.headers.get(
        "Content-Disposition", ""
    )
