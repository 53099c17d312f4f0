"""The documentation as pages of the site: the Markdown files of `docs/`, as they lie beside the program."""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from saliency_worker import fixture_files
from survey_site.trials.views.guards import participants_page

FOLDER = fixture_files.PAGES / "docs"
BESIDE = ("SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md")  # of the program's own folder
PICTURE = re.compile(r"[a-z0-9-]+\.(jpg|png|svg)")
ORDER = (
    "desk",
    "study-design",
    "participants",
    "reports",
    "statistics",
    "methods",
)  # what researchers read comes first
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


@participants_page
@require_safe
def contents(request: HttpRequest) -> HttpResponse:
    """Every page by its title."""
    pages = [(name, heading(file)) for name, file in files().items()]
    return render(request, "desk/documentation.html", {"pages": pages})


@participants_page
@require_safe
def page(request: HttpRequest, name: str) -> HttpResponse:
    """One page; 404 for a name that is none."""
    file = files().get(name)
    if file is None:
        raise Http404("There is no such page of the documentation.")
    shown = html(file, file.stat().st_mtime_ns)
    return render(request, "desk/documentation.html", {"title": heading(file), "shown": shown})


@require_safe
def picture(request: HttpRequest, name: str) -> FileResponse:
    """A picture that a page shows."""
    file = FOLDER / "images" / name
    if not PICTURE.fullmatch(name) or not file.is_file():
        raise Http404("There is no such picture.")
    return FileResponse(file.open("rb"))


def files() -> dict[str, Path]:
    """The pages there are by name: those of researchers first, others by their names; none where they are not installed."""
    found = {
        file.stem.lower(): file for file in (*FOLDER.glob("*.md"), *(FOLDER.parent / name for name in BESIDE))
    }
    order = [*ORDER, *sorted(found.keys() - set(ORDER))]
    return {name: found[name] for name in order if name in found and found[name].is_file()}


def heading(file: Path) -> str:
    """The first line of a page without its mark."""
    with file.open(encoding="utf-8") as lines:
        return next(lines, "").lstrip("# ").strip() or file.stem


@lru_cache(maxsize=32)
def html(file: Path, changed: int) -> SafeString:
    """The page as HTML with anchors at its headings; links between files lead between pages. changed: when it was."""
    tokens = _MARKDOWN.parse(file.read_text("utf-8"))
    taken: dict[str, int] = {}
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", _anchor(tokens[place + 1].content, taken))
        for child in _inside(token):
            if child.type == "link_open":
                child.attrSet("href", _address(str(child.attrGet("href") or "")))
            elif child.type == "image":
                child.attrSet("src", f"../{child.attrGet('src')}")
    return mark_safe(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))  # noqa: S308 — of our own files, without HTML


def _inside(token: Token) -> Iterator[Token]:
    for child in token.children or ():
        yield child
        yield from _inside(child)


def _anchor(title: str, taken: dict[str, int]) -> str:
    """As GitHub names it, so that one link serves there and here."""
    name = re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")
    taken[name] = taken.get(name, -1) + 1
    return f"{name}-{taken[name]}" if taken[name] else name


def _address(link: str) -> str:
    """`desk.md#maps` as `../desk/#maps`; what is no page stays."""
    target, mark, anchor = link.partition("#")
    name = PurePosixPath(target).stem.lower()
    if not target.endswith(".md") or name not in files():
        return link
    return f"../{name}/{mark}{anchor}"
