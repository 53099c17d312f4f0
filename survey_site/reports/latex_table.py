"""A table of a report in LaTeX, as wide as one column of text, what its numbers are in a note below it."""

import re
import unicodedata
from collections.abc import Sequence

from survey_site.reports.report_types import PointReport
from survey_site.statistics.printing import interval_name

# What TeX reads as commands, or prints as something else: `<` in its default font is an upside-down exclamation mark.
_TEX = {"&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}",
        "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "`": r"\textasciigrave{}",
        '"': r"\textquotedblright{}", "\t": " ", "\n": " ", "\r": " ", "\u00a0": "~"}  # fmt: skip
_MATHS = {"−": "-", "×": r"\times", "·": r"\cdot", "±": r"\pm", "≤": r"\le", "≥": r"\ge", "≠": r"\ne", "≈": r"\approx",
          "→": r"\to", "′": "'", "½": r"\frac12", "∞": r"\infty", "√": r"\surd", "²": "^2", "³": "^3"}  # fmt: skip
_NOT_PDFLATEX = "% Some letters are none of pdfLaTeX's: use LuaLaTeX or XeLaTeX with a font that has them."
_LATIN = 0x180  # LaTeX knows the letters before by itself
_DASHES = "–—‘’“”…•†‡"


def tex(text: str) -> str:
    """Text with TeX's special characters escaped, signs and Greek letters in its mathematics."""
    return re.sub("-(?=-)", "-{}", "".join(map(_in_tex, text)))


def _in_tex(character: str) -> str:
    if character in _TEX:
        return _TEX[character]
    if character in _MATHS:
        return f"${_MATHS[character]}$"
    _, greek, name = unicodedata.name(character, "").partition("GREEK SMALL LETTER ")
    if greek and name.isalpha() and name not in ("OMICRON", "FINAL"):
        return rf"$\{'lambda' if name == 'LAMDA' else name.lower()}$"
    return character


def compiled_by(*texts: str) -> list[str]:
    """A comment for the head of a file where pdfLaTeX would stop at a letter of these texts."""
    others = any(
        ord(character) >= _LATIN and character not in _DASHES and _in_tex(character) == character
        for text in texts
        for character in text
    )
    return [_NOT_PDFLATEX] if others else []


def tex_interval(level: float) -> str:
    """What heads intervals of this level, in LaTeX."""
    return interval_name(level).replace(" %", r"\,\%")


def latex_table(
    report: PointReport, *, caption: str, label: str, columns: str, head: str, body: Sequence[str], note: str
) -> str:
    """A booktabs table, shrunk where it is wider than a column; caption and note are plain text.

    label: of `\\label{tab:label-study}`. columns: LaTeX's own. head, body: rows in LaTeX, the body's with their ends.
    """
    return "\n".join(
        [
            r"% \usepackage{booktabs,adjustbox}",
            *compiled_by(caption, note, head, *body),
            f"% study {report['study']}, protocol {report['protocol_hash'] or 'none'}",
            r"\begin{table}",
            r"  \centering",
            rf"  \caption{{{tex(caption)}}}",
            rf"  \label{{tab:{label}-{report['study']}}}",
            r"  \begin{adjustbox}{max width=\columnwidth}",
            rf"  \begin{{tabular}}{{{columns}}}",
            r"    \toprule",
            rf"    {head} \\",
            r"    \midrule",
            *(f"    {line}" for line in body),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"  \end{adjustbox}",
            r"  \par\smallskip",
            rf"  \parbox{{\columnwidth}}{{\footnotesize {tex(note)}}}",
            r"\end{table}",
            "",
        ]
    )
