"""Every template is laid out to be read: short lines, one block on a line, two spaces for each level of nesting."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

SITE = Path(__file__).resolve().parents[2] / "survey_site"
TEMPLATES = sorted(SITE.glob("**/templates/**/*.html"))
LONGEST = 160

# Elements that stand on lines of their own; inline ones, links and options may share a line.
BLOCK = re.compile(
    r"""<(article|aside|body|dd|details|div|dl|dt|fieldset|figcaption|figure|footer|form|h[1-6]|head|header|html
    |legend|li|main|nav|ol|p|pre|section|summary|table|tbody|td|tfoot|th|thead|tr|ul)\b(?!-)""",
    re.VERBOSE,
)
VOID = {"br", "hr", "img", "input", "link", "meta", "polyline", "rect"}
TOKEN = re.compile(
    r"""(?P<verbatim><(pre|script|style)\b.*?</\2> | \{\#.*?\#\} | \{%[ ]comment[ ]%\}.*?\{%[ ]endcomment[ ]%\})
    | \{%[ ](?P<tag>\w+).*?%\} | \{\{.*?\}\}
    | <(?P<element>/?[a-z][\w-]*) (?: \{%.*?%\} | \{\{.*?\}\} | [^<>{] | \{(?![%{]) )* >""",
    re.DOTALL | re.VERBOSE,
)


def name_of(path: Path) -> str:
    return str(path.relative_to(SITE))


every_template = pytest.mark.parametrize("path", TEMPLATES, ids=name_of)


def test_the_templates_are_found() -> None:
    assert {path.parts[len(SITE.parts)] for path in TEMPLATES} == {
        "accounts",
        "desk",
        "reports",
        "tasks",
        "trials",
    }


@every_template
def test_lines_are_short_and_end_where_their_text_ends(path: Path) -> None:
    text = path.read_text("utf-8")
    assert [n for n, line in numbered(text) if len(line) > LONGEST] == []
    assert [n for n, line in numbered(text) if line != line.rstrip() or "\t" in line] == []
    assert text.endswith("\n")


@every_template
def test_a_line_opens_one_block_at_most(path: Path) -> None:
    opened = {n: BLOCK.findall(line) for n, line in numbered(path.read_text("utf-8"))}
    assert [n for n, names in opened.items() if len(names) > 1] == []


@every_template
def test_what_is_nested_stands_deeper_and_what_closes_as_deep_as_what_opened(path: Path) -> None:
    assert list(misplaced(path.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("{% if a %}\n  <p>\n    b\n  </p>\n{% else %}\n  c\n{% endif %}\n", []),
        ('<p\n  class="a"\n  {% if b %}id="c"{% endif %}>\n  <b>d</b>\n</p>\n', []),
        ("<pre>a\nb</pre>\n<p>{{ c }}</p>\n", []),
        ("{% if a %}\n<p>b</p>\n{% endif %}\n", [2]),
        ("<ul>\n  <li>a\n    b</li></ul>\n<p>\n  c</p>\n", []),
        ("<div>\n   <p>a</p>\n</div>\n", [2]),
        ("<div>\n  <p>a</p>\n  </div>\n", [3]),
        ('<p\nclass="a">b</p>\n', [2]),
    ],
)
def test_the_rule_of_nesting_finds_what_it_should(text: str, wrong: list[int]) -> None:
    assert list(misplaced(text)) == wrong


def numbered(text: str) -> Iterator[tuple[int, str]]:
    yield from enumerate(text.splitlines(), start=1)


def misplaced(text: str) -> Iterator[int]:
    """Numbers of the lines whose indent is odd or does not fit the elements and tags that are open there."""
    lines = text.splitlines()
    indents = [len(line) - len(line.lstrip(" ")) for line in lines]
    least = [0] * len(lines)  # how deep each line must stand
    exact: dict[int, int] = {}  # lines that close or continue something
    verbatim: set[int] = set()
    opened: list[tuple[str, int]] = []  # names, and the lines they stand on

    def inside(first: int, last: int) -> None:
        for number in range(first + 1, last):
            least[number] = max(least[number], indents[first] + 2)

    for token in TOKEN.finditer(text):
        line = text.count("\n", 0, token.start())
        last = text.count("\n", 0, token.end() - 1)
        leads = not text[text.rfind("\n", 0, token.start()) + 1 : token.start()].strip()
        if token["verbatim"]:
            verbatim.update(range(line + 1, last + 1))
            continue
        inside(line, last + 1)  # a tag's own attributes
        name = token["tag"] or token["element"] or ""
        if name in ("elif", "else", "empty", "plural"):
            start = opened[-1][1]
        elif name.startswith(("end", "/")):
            assert name.removeprefix("end").removeprefix("/") == opened[-1][0], (name, line + 1, opened[-1])
            start = opened.pop()[1]
            inside(start, line if leads else line + 1)
        elif (token["element"] and name not in VOID) or f"{{% end{name} %}}" in text:
            opened.append((name, line))
            continue
        else:
            continue
        if leads and start != line:
            exact[line] = indents[start]
    assert opened == []
    for number, text_of_line in enumerate(lines):
        if not text_of_line or number in verbatim:
            continue
        if number in exact:
            fits = indents[number] == exact[number]
        else:
            fits = indents[number] >= least[number] and indents[number] % 2 == 0
        if not fits:
            yield number + 1


def floors() -> list[set[str]]:
    """Rooms of the site from the top floor down, as the import contract says."""
    contracts = tomllib.loads((SITE.parent / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    layers = next(c["layers"] for c in contracts["contracts"] if c.get("containers") == ["survey_site"])
    return [set(layer.split(" | ")) for layer in layers]


def test_templates_use_those_of_their_own_room_or_of_a_floor_below() -> None:
    height = {room: -number for number, layer in enumerate(floors()) for room in layer}
    used = re.compile(r"""{% (?:extends|include) ["'](\w+)/""")
    wrong = [
        f"{path.relative_to(SITE)} uses {other}"
        for path in TEMPLATES
        for other in used.findall(path.read_text("utf-8"))
        if other in height
        and other != (room := path.relative_to(SITE).parts[0])
        and height[other] >= height[room]
    ]
    assert not wrong
    assert len(height) > 10
