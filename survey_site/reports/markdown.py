"""Text in Markdown: names as they are, and the headings, bold and italics of the paper's texts as LaTeX."""

import re
from collections.abc import Iterable

from survey_site.reports.latex_table import compiled_by, tex

_MARKS = re.compile(r"([\\`*_<$])")
_ESCAPED = re.compile(r"\\([\\`*_<$])")
_HASH = re.compile(r"\b[0-9a-f]{40,}\b")
_SPANS = re.compile(r"(\*\*(?:\\.|[^*\\])+\*\*|\*(?:\\.|[^*\\])+\*)")


def plain(text: str) -> str:
    """A name whose characters Markdown shall not read as marks, on one line."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def latex(markdown: str) -> str:
    """The Markdown of these texts (headings, bold, italics) as LaTeX."""
    lines = [*compiled_by(markdown), *map(_line, markdown.splitlines())]
    return "\n".join(lines) + "\n"


def _line(line: str) -> str:
    for mark, command in (("### ", "subsection"), ("## ", "section")):
        if line.startswith(mark):
            return f"\\{command}*{{{_tex(line.removeprefix(mark))}}}"
    return "".join(_spans(line))


def _tex(markdown: str) -> str:
    return _HASH.sub(_broken, tex(_ESCAPED.sub(r"\1", markdown)))


def _broken(found: re.Match[str]) -> str:
    """A hash that lines may break after every eight characters: as one word it is wider than a column."""
    return r"\allowbreak{}".join(re.findall(".{1,8}", found[0]))


def _spans(line: str) -> Iterable[str]:
    for span in _SPANS.split(line):
        if span.startswith("**") and len(span) > 4:
            yield f"\\textbf{{{_tex(span[2:-2])}}}"
        elif span.startswith("*") and len(span) > 2:
            yield f"\\emph{{{_tex(span[1:-1])}}}"
        else:
            yield _tex(span)
