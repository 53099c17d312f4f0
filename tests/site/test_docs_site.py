"""`make docs`: the pages as a site, built strictly, with everything that it shows in it."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.site.markdown import DOCS, ROOT

SHOWN = ("li", "table", "tr", "pre", "img")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site. Strict: a page that no menu has, a link or an anchor that leads nowhere end the build."""
    folder = tmp_path_factory.mktemp("docs")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


class Elements(HTMLParser):
    """Counts elements, and gathers what is loaded: the addresses of scripts, styles, pictures and frames."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.counted = dict.fromkeys(SHOWN, 0)
        self.loaded: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag in self.counted:
            self.counted[tag] += 1
        if tag in ("script", "img", "iframe"):
            self.loaded.append(given.get("src", ""))
        if tag == "link" and given.get("rel") in ("stylesheet", "preload", "icon", "preconnect"):
            self.loaded.append(given["href"])


def page_of(site: Path, source: Path) -> str:
    """The article of a page, without the menus around it."""
    name = "index.html" if source.name == "README.md" else f"{source.stem}.html"
    html = (site / name).read_text("utf-8")
    found = re.search(r"<article[^>]*>(.*)</article>", html, re.DOTALL)
    assert found
    return found[1]


@pytest.mark.parametrize("source", DOCS, ids=lambda page: page.name)
def test_a_page_of_the_site_shows_every_list_table_block_and_picture(site: Path, source: Path) -> None:
    """Compared with CommonMark and its tables, as the repository's own pages are read."""
    expected = Elements(MarkdownIt("commonmark").enable("table").render(source.read_text("utf-8"))).counted
    assert Elements(page_of(site, source)).counted == expected


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        elsewhere = [at for at in Elements(page.read_text("utf-8")).loaded if "//" in at]
        assert elsewhere == [], page.name
    for style in site.rglob("*.css"):
        assert not re.search(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", style.read_text("utf-8")), (
            style.name
        )


def test_every_picture_of_the_docs_is_there_and_small(site: Path) -> None:
    pictures = list((ROOT / "docs/images").iterdir())
    named = "".join(page.read_text("utf-8") for page in DOCS)
    assert [file.name for file in pictures if file.name not in named] == []
    assert all(file.stat().st_size < 400_000 for file in pictures)
