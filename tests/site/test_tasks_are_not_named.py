"""Outside their packages no room names a task: Python, templates and scripts are parsed for the names of the first two.

A name counts as a string, as an identifier or as a part of one (`rating_trials`, `MATCHING`, `ratingOf`), in the
singular and the plural. Comments and docstrings may speak of tasks.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

SITE = Path(__file__).resolve().parents[2] / "survey_site"
NAMES = {"matching", "matchings", "rating", "ratings"}
# Parts of an identifier or of a text: words between signs, and the humps of camelCase.
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

EXCEPTED = {
    "design/presets.py": "presets choose tasks",
    "statistics/published.py": "the paper's published figures",
    "protocols/format_1.py": "the reader of old study folders",
    "reports/exports/columns.py": "the fixed columns of responses.csv",
    "reports/exports/scripts/table1.py": "handed to readers, knows the fixed columns and nothing else",
}
"""Files of the core that may name tasks, and why."""

HTML_COMMENT = re.compile(r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}|<!--.*?-->", re.S)
SCRIPT_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)


def named(text: str) -> set[str]:
    """The tasks' names among the words of a text."""
    return {word for word in WORD.findall(text) if word.lower() in NAMES}


def docstrings(source: str) -> set[int]:
    """First lines of the docstrings, those below assignments too."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        for statement in getattr(node, "body", []) if not isinstance(node, ast.Lambda | ast.IfExp) else []:
            if isinstance(statement, ast.Expr) and isinstance(getattr(statement.value, "value", None), str):
                found.add(statement.value.lineno)
    return found


def in_python(source: str) -> Iterator[tuple[int, str]]:
    """Line and word of every identifier and string that names a task."""
    spoken = docstrings(source)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in (tokenize.NAME, tokenize.STRING) or token.start[0] in spoken:
            continue
        for word in named(token.string):
            yield token.start[0], word


def in_text(source: str, comment: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """The same for templates, scripts and styles, their comments left out."""
    plain = comment.sub(lambda found: "\n" * found[0].count("\n"), source)
    for number, line in enumerate(plain.splitlines(), start=1):
        for word in named(line):
            yield number, word


def findings(path: Path) -> list[str]:
    source = path.read_text("utf-8")
    if path.suffix == ".py":
        found = in_python(source)
    else:
        found = in_text(source, HTML_COMMENT if path.suffix == ".html" else SCRIPT_COMMENT)
    return [f"{path.relative_to(SITE)}:{line}: {word}" for line, word in found]


def files() -> list[Path]:
    """All files of the rooms outside `tasks`, but for vendored scripts and catalogues of translations."""
    own = (path for suffix in ("py", "html", "js", "css", "txt") for path in SITE.rglob(f"*.{suffix}"))
    return [
        path
        for path in own
        if path.relative_to(SITE).parts[0] != "tasks"
        and "vendor" not in path.parts
        and path.name != "settings.py"
    ]


def test_no_room_outside_tasks_names_a_task() -> None:
    kept = [path for path in files() if str(path.relative_to(SITE)) not in EXCEPTED]
    assert len(kept) > 250
    assert [finding for path in sorted(kept) for finding in findings(path)] == []


def test_the_settings_name_the_packages_of_the_tasks_alone() -> None:
    lines = (SITE / "settings.py").read_text("utf-8").splitlines()
    assert [line.strip() for line in lines if named(line)] == [
        '"survey_site.tasks.matching",',
        '"survey_site.tasks.rating",',
    ]


@pytest.mark.parametrize("name", EXCEPTED)
def test_every_exception_is_needed(name: str) -> None:
    assert findings(SITE / name)


@pytest.mark.parametrize(
    "source",
    [
        "rating_trials = 1",
        "x = 'a matching trial'",
        "MATCHING = 2",
        "def of(ratingOf): ...",
        "x = {'rating': 1}",
        "a.ratings",
    ],
)
def test_a_planted_name_is_found(source: str) -> None:
    assert list(in_python(source))


def test_comments_docstrings_and_other_words_are_not_names() -> None:
    source = '"""Of matching."""\nx = 1  # a rating\ny = "operating"\n"""Rating."""\n\n\ndef f():\n    """Matching."""\n'
    assert not list(in_python(source))
    assert not list(in_text("<p>{# rating #}generating</p>", HTML_COMMENT))
    assert list(in_text('<p class="trial--rating">', HTML_COMMENT))
