"""Every term that heads a number on the report's page is explained in one line there."""

import re
from pathlib import Path

import pytest

from survey_site.reports import templatetags
from survey_site.reports.terms import TERMS

PAGES = Path(templatetags.__file__).parents[1] / "templates" / "reports"
EXPLAINED = {part.strip() for term, _ in TERMS for part in re.split(r", (?![a-z ]*pairs|p$)", term)} | {
    term for term, _ in TERMS
}
# What needs no explaining: what a row or a cell is about.
PLAIN = {
    "Column", "Measure", "Pair", "People", "Machine", "Classifier", "Base", "Remark", "Unit", "Look", "look", "Family",
    "Method", "Exclusion", "Scoring", "Statistic", "maps", "images", "estimate", "model", "taken", "said",
    "planned participants", "participants looked at", "difference, points", "per position × column",
    "everybody", "Table 1", "all rules",
    "simultaneous", "degrees of freedom",
}  # fmt: skip


def headings() -> list[tuple[str, str]]:
    found = []
    for path in sorted(PAGES.glob("*.html")):
        if path.name in ("codebook.html", "data_files.html", "data_files_list.html"):
            continue
        for cell in re.findall(r'<th scope="col"[^>]*>(.*?)</th>', path.read_text(encoding="utf-8"), re.S):
            if "sr-only" in cell:
                continue
            found += [
                (path.name, text)
                for text in re.findall(r'translate "([^"]+)"', re.sub(r"title=\"[^>]*>", ">", cell))
            ]
    return found


@pytest.mark.parametrize(("page", "heading"), headings())
def test_a_heading_is_plain_or_explained(page: str, heading: str) -> None:
    assert heading in PLAIN or heading in EXPLAINED, page


def test_each_term_has_one_line() -> None:
    terms = [term for term, _ in TERMS]
    assert len(terms) == len(set(terms))
    for _, line in TERMS:
        assert "\n" not in line and line.endswith(".") and len(line) <= 120
