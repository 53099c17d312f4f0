"""A table of a report in LaTeX, as wide as one column of text, what its numbers are in a note below it."""

from collections.abc import Sequence

from survey_site.reports.report_types import PointReport

_TEX = {"&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}  # fmt: skip


def tex(text: str) -> str:
    """Text with TeX's special characters escaped."""
    return "".join(_TEX.get(character, character) for character in text)


def latex_table(
    report: PointReport, *, caption: str, label: str, columns: str, head: str, body: Sequence[str], note: str
) -> str:
    """A booktabs table, shrunk where it is wider than a column; caption and note are plain text.

    label: of `\\label{tab:label-study}`. columns: LaTeX's own. head, body: rows in LaTeX, the body's with their ends.
    """
    return "\n".join(
        [
            r"% \usepackage{booktabs,adjustbox}",
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
