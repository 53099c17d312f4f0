"""The texts for a paper as one archive: methods, results, tables of contrasts, preregistration."""

import zipfile
from io import BytesIO

from survey_site.reports import contrasts, paragraphs
from survey_site.reports.markdown import latex
from survey_site.reports.plan_words import Document
from survey_site.reports.preregistration import preregistration
from survey_site.reports.report_types import StudyReport

MADE = (1980, 1, 1, 0, 0, 0)  # the same texts give the same bytes


def texts(document: Document, report: StudyReport) -> dict[str, str]:
    """Name of the file → text. Raises NoComparisons for a report of point estimates."""
    methods, results = paragraphs.methods(document, report), paragraphs.results(report)
    return {
        "methods.md": methods,
        "methods.tex": latex(methods),
        "results.md": results,
        "results.tex": latex(results),
        "contrasts.csv": contrasts.as_csv(report),
        "contrasts.tex": contrasts.as_latex(report),
        "preregistration.md": preregistration(
            document, report["protocol_hash"] or "", reconstruction=report["origin"] == "reconstruction"
        ),
    }


def archive(document: Document, report: StudyReport) -> bytes:
    """The texts as a zip."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for name, text in texts(document, report).items():
            target.writestr(zipfile.ZipInfo(name, MADE), text)
    return made.getvalue()
