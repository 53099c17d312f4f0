"""Long lists in pages: what a page of them shows, and the links to the others, which keep the rest of the address."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Leaves:
    """One page of a list, whose number is `here`. first, last: places of its rows in the list, counted from one.

    links: (number, address) of pages, without an address for this one and for a gap; none where there is one page.
    """

    rows: list[Any]
    here: str
    total: int
    first: int
    last: int
    links: list[tuple[str, str]]


def leaves(
    request: HttpRequest, rows: Sequence[Any] | QuerySet[Any], per_page: int, name: str = "page"
) -> Leaves:
    """The page that the address asks for by this name; the nearest one where there is none such."""
    shown: Page[Any] = Paginator(rows, per_page).get_page(request.GET.get(name))
    pages = shown.paginator

    def address(number: int | str) -> str:
        if number in (shown.number, pages.ELLIPSIS):
            return ""
        query = request.GET.copy()
        query[name] = str(number)
        return f"?{query.urlencode()}"

    numbers = list(pages.get_elided_page_range(shown.number)) if pages.num_pages > 1 else []
    return Leaves(
        rows=list(shown.object_list),
        here=str(shown.number),
        total=pages.count,
        first=shown.start_index(),
        last=shown.end_index(),
        links=[(str(number), address(number)) for number in numbers],
    )
