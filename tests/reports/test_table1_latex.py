"""Table 1 as LaTeX: a label, notes that say what the numbers are, no wider than a column of text."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from survey_site.reports.point_report import point_report
from survey_site.reports.table1_formats import as_latex
from tests.reports.factory import survey

pytestmark = pytest.mark.django_db
TEX = shutil.which("pdflatex")
NEEDED = ("booktabs.sty", "adjustbox.sty")
LOG_OF_A_WIDE_BOX = "Overfull \\hbox"


@pytest.fixture
def table(researcher: Any) -> str:
    mine = survey("mine", owner=researcher)
    type(mine.conditions[1]).objects.filter(pk=mine.conditions[1].pk).update(
        column="Ours_1 & 2, a name much wider than a column of text is"
    )
    who = mine.participant()
    mine.matching(who)
    mine.rating(who, 0, 4)
    mine.rating(who, 1, 5)
    return as_latex(point_report(mine.study))


def test_it_has_a_label_and_fits_a_column(table: str) -> None:
    assert r"\label{tab:table1-mine}" in table
    lines = [line.strip() for line in table.splitlines()]
    assert lines[0] == r"% \usepackage{booktabs,adjustbox}"
    inside = lines[
        lines.index(r"\begin{adjustbox}{max width=\columnwidth}") : lines.index(r"\end{adjustbox}")
    ]
    assert any(line.startswith(r"\begin{tabular}{lrr}") for line in inside)
    assert table.count(r"\begin{") == table.count(r"\end{") == 3
    assert r"Ours\_1 \& 2" in table


def test_the_notes_below_say_what_the_numbers_are(table: str) -> None:
    note = next(line for line in table.splitlines() if r"\parbox{\columnwidth}" in line)
    assert "1 participant, pool size 4" in note
    assert r"Human Faith \%: share of matching answers that picked the source image" in note
    assert "Interpretability Index: mean rating, 0–6." in note
    assert "n: answers; n/a: not estimable." in note
    caption = next(line for line in table.splitlines() if r"\caption" in line)
    assert "participants" not in caption


def packages_are_there() -> bool:
    """Debian has TeX without them."""
    if TEX is None:
        return False
    found = subprocess.run(["kpsewhich", *NEEDED], capture_output=True, text=True, check=False).stdout
    return len(found.splitlines()) == len(NEEDED)


@pytest.mark.skipif(
    not packages_are_there(), reason="pdflatex with booktabs and adjustbox is not on this machine"
)
def test_it_compiles_in_a_narrow_column_without_running_over(table: str, tmp_path: Path) -> None:
    head = r"\documentclass[twocolumn]{article}\usepackage[T1]{fontenc}\usepackage{booktabs,adjustbox}"

    def log(body: str) -> str:
        (tmp_path / "t.tex").write_text(head + r"\begin{document}" + body + r"\end{document}")
        command = [str(TEX), "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout
        return done.stdout.decode(errors="replace")

    assert LOG_OF_A_WIDE_BOX not in log(table)
    unshrunk = table.replace(r"\begin{adjustbox}{max width=\columnwidth}", "").replace(r"\end{adjustbox}", "")
    assert LOG_OF_A_WIDE_BOX in log(unshrunk)
