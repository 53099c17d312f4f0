"""Reads the project's Markdown pages: their code, sections and tables."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")))
PACKAGES = ("survey_site", "saliency_worker", "benchmarks", "fixtures", "tests")
FOLDERS = "|".join((*PACKAGES, "docs", "requirements"))
EVERY_PAGE = pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def without_fences(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def inline_code(text: str) -> list[str]:
    """What stands in backticks within a paragraph, line breaks as blanks."""
    paragraphs = re.split(r"\n\s*\n|\n(?=\|)", without_fences(text))
    return [" ".join(code.split()) for part in paragraphs for code in re.findall(r"`([^`]+)`", part)]


def fences(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def all_code(text: str) -> str:
    """Everything in backticks, fenced, or indented by four as a block."""
    blocks = re.findall(r"^```\w*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    indented = re.findall(r"^ {4}(?! )(.*)$", without_fences(text), re.MULTILINE)
    return "\n".join([*inline_code(text), *blocks, *indented])


def section(text: str, heading: str) -> str:
    """From a heading to the next one of its level or above."""
    level = heading.partition(" ")[0]
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"no heading “{heading}”"
    return re.split(rf"^#{{1,{len(level)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of every row of every table, without heads."""
    tables = re.findall(r"^\|.*\n\|[-|: ]+\n((?:\|.*\n?)+)", text, re.MULTILINE)
    lines = [line for table in tables for line in table.splitlines()]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
