"""The report page and the downloads. Signed-in staff only, and only for studies shared with them."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from survey_site.reports.exports import Tally, checksum, responses_csv
from survey_site.reports.formats import FORMATS
from survey_site.reports.population import Population, protocol_of
from survey_site.reports.report import point_report
from survey_site.studies.access import study_or_404
from survey_site.studies.models import Study

CONTENT_TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "latex": "application/x-tex; charset=utf-8",
}


def asked_version(request: HttpRequest, study: Study) -> int | None:
    """The protocol version in `?protocol=`; 404 for one the study does not have."""
    asked = request.GET.get("protocol", "")
    if not asked:
        return None
    if not asked.isdecimal() or protocol_of(study, int(asked)) is None:
        raise Http404("The study has no such protocol version.")
    return int(asked)


@require_safe
@staff_member_required
def report_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Table 1 at once, with point estimates."""
    study = study_or_404(request, slug, "results")
    population = Population.from_query(request.GET)
    report = point_report(study, population, asked_version(request, study))
    context = {
        **admin.site.each_context(request),
        "title": study.title,
        "study": study,
        "report": report,
        "population": population,
        "protocols": study.protocols.order_by("-version"),
        "has_variants": any(len(column["variants"]) > 1 for column in report["columns"]),
        "has_paper": any(column["paper"] for column in report["columns"]),
        "query": request.GET.urlencode(),
    }
    return render(request, "reports/report.html", context)


@require_safe
@staff_member_required
def table1(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """Table 1 as JSON, CSV or LaTeX."""
    study = study_or_404(request, slug, "results")
    report = point_report(study, Population.from_query(request.GET), asked_version(request, study))
    response = HttpResponse(FORMATS[kind](report), content_type=CONTENT_TYPES[kind])
    extension = {"latex": "tex"}.get(kind, kind)
    response["Content-Disposition"] = f'attachment; filename="{study.slug}-table1.{extension}"'
    return response


@require_safe
@staff_member_required
def responses(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """`responses.csv`, streamed."""
    study = study_or_404(request, slug, "export")
    body = responses_csv(study, Population.from_query(request.GET))
    response = StreamingHttpResponse(body, content_type=CONTENT_TYPES["csv"])
    response["Content-Disposition"] = f'attachment; filename="{study.slug}-responses.csv"'
    response["Cache-Control"] = "no-store"
    return response


@require_safe
@staff_member_required
def responses_checksum(request: HttpRequest, slug: str) -> HttpResponse:
    """What `sha256sum -c` reads, and the number of rows: of `responses.csv` as it is now."""
    study = study_or_404(request, slug, "export")
    tally = Tally()
    checksum(responses_csv(study, Population.from_query(request.GET), tally), tally)
    line = f"{tally.sha256.hexdigest()}  {study.slug}-responses.csv\n"
    response = HttpResponse(line, content_type="text/plain; charset=utf-8")
    response["X-Row-Count"] = str(tally.rows)
    return response
