"""Names with anything in them, in Markdown, LaTeX and figures; and the level of the intervals, wherever it is printed."""

import io
import zipfile
from dataclasses import replace
from typing import Any

import pytest

from survey_site.protocols.models import Protocol
from survey_site.reports import contrasts, paper_texts, supplement, table1_formats
from survey_site.reports.analysis import analyse
from survey_site.reports.latex_table import compiled_by, tex
from survey_site.reports.markdown import latex, plain
from survey_site.reports.plan_words import exclusion, listed
from survey_site.statistics.plan import QualityRules
from tests.reports.factory import Survey, survey

NAMES = ["Ours *1*", "a_b_c", "50 % of $x^2$", "<b>|`~^\\", "α ≥ −1", 'tab\t"quote"', "*"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_comes_through_markdown_as_it_is(name: str) -> None:
    made = latex(f"**{plain(name)}** and *{plain(name)}* and {plain(name)}")
    own = tex(" ".join(name.split()))
    assert made.splitlines()[-1] == f"\\textbf{{{own}}} and \\emph{{{own}}} and {own}"


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("p < .001", r"p \textless{} .001"),
        ("a|b>c", r"a\textbar{}b\textgreater{}c"),
        ("α − β", r"$\alpha$ $-$ $\beta$"),
        ("Grad-CAM--x", "Grad-CAM-{}-x"),
        ("é – “x”", "é – “x”"),
        ("d′", "d$'$"),
    ],
)
def test_what_tex_prints_as_something_else_is_escaped(text: str, made: str) -> None:
    assert tex(text) == made


def test_a_hash_may_be_broken_between_lines() -> None:
    made = latex(f"SHA-256 {'0a' * 32}.")
    assert (
        made.count(r"\allowbreak{}") == 7 and made.replace(r"\allowbreak{}", "") == f"SHA-256 {'0a' * 32}.\n"
    )


def test_a_table_says_which_tex_can_compile_it() -> None:
    assert compiled_by("Grad-CAMs", "é – α ≥ ½") == []
    assert "LuaLaTeX" in compiled_by("Grad-CAMs", "中")[0]


def test_exclusion_is_in_words() -> None:
    rules = QualityRules()
    assert exclusion(rules).startswith(
        "2 or more failed attention checks; more than 25 % of the answers faster than 0.5 s or slower than 120 s; "
    )
    assert exclusion(QualityRules.off()) == "none"
    assert "out of view" in exclusion(replace(rules, signs=("hidden", "out_of_view")))
    assert listed(["a"]) == "a" and listed(["a", "b", "c"]) == "a, b and c" and listed([]) == "none"


@pytest.fixture
def odd(db: None) -> Survey:
    """Names that are marks elsewhere, and a plan of 90 %."""
    columns = [
        (name, "gradcam", "add-edges" if k else "")
        for k, name in enumerate(["$\\foo$ & 5 % *x*", "=1+1 <b> $a$"])
    ]
    made = survey(columns=columns)
    conditions = [
        {"column": c.column, "column_order": c.column_order, "classifier": "", "base": c.base, "method": c.method,
         "is_reference": c.is_reference}
        for c in made.conditions
    ]  # fmt: skip
    design = {"seed": 3, "image_px": 224, "colour_map": "jet", "practice_trials": 0, "attention_checks": 1}
    stimuli = [{"key": s.key, "class": s.stimulus_class, "role": "main"} for s in made.stimuli]
    document = made.protocol.document | {
        "conditions": conditions, "stimuli": stimuli,
        "design": made.protocol.document["design"] | design | {"target_participants": 1},
        "analysis_plan": {"resamples": 99, "level": 0.9, "margins": {"index": 0.5}},
    }  # fmt: skip
    Protocol.objects.filter(pk=made.protocol.pk).update(document=document)
    made.protocol.refresh_from_db()
    for number in range(6):
        who = made.participant()
        for image in range(3):
            for column in (0, 1):
                made.rating(who, column, (number + image + 2 * column) % 5, stimulus=made.stimuli[image])
                made.matching(who, column, (number + image) % 3)
    return made


def test_every_text_says_the_level_that_was_sealed(odd: Survey) -> None:
    found = analyse(odd.study)
    report = found.report
    texts = paper_texts.texts(odd.protocol.content, report)
    printed = [*texts.values(), table1_formats.as_text(report), table1_formats.as_latex(report)]
    printed += supplement.comparison_lines(report)
    printed += [heading for section in report["sections"] for heading in section["headings"]]
    for text in printed:
        assert "95 %" not in text and "95\\,\\%" not in text
    assert "90 % CI [" in texts["results.md"] and "80 % CI [" in texts["results.md"]
    assert r"90\,\% interval" in contrasts.as_latex(report)


def test_the_paper_s_texts_hold_no_raw_name_and_no_none(odd: Survey) -> None:
    texts = paper_texts.texts(odd.protocol.content, analyse(odd.study).report)
    for name in ("methods", "results"):
        assert r"\$\textbackslash{}foo\$ \& 5 \% *x*" in texts[f"{name}.tex"]
        assert r"\*x\*" in texts[f"{name}.md"]
    for name in ("methods.md", "results.md", "contrasts.tex"):
        assert "None" not in texts[name]
    for text in texts.values():
        assert "p = 0.000" not in text and "signs ()" not in text
    assert (
        "1 participant" in texts["methods.md"]
        and "Among the trials was 1 attention check." in texts["methods.md"]
    )
    assert "Against the margin of 0.50 scale points" in texts["results.md"]


def test_figures_and_the_pdf_take_any_name(odd: Survey) -> None:
    found = analyse(odd.study)
    assert supplement.supplement(found.report, found.trials, found.figures).startswith(b"%PDF")


def test_the_archive_is_a_zip_of_these_texts(odd: Survey) -> None:
    report: Any = analyse(odd.study).report
    made = paper_texts.archive(odd.protocol.content, report)
    assert "methods.tex" in zipfile.ZipFile(io.BytesIO(made)).namelist()
