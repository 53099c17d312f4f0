"""The report page and the downloads. Signed-in staff only, and only for studies shared with them."""

import base64
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Literal, cast

from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from saliency_worker.measures import FURTHER
from survey_site.protocols import masking
from survey_site.protocols.models import Protocol
from survey_site.reports import cached_report, observer_accuracy, paper_texts
from survey_site.reports.contrasts import FORMATS as CONTRASTS
from survey_site.reports.downloads import asked_version, attachment, results_of
from survey_site.reports.machine_metrics import MachineMeasure, has_numbers, paper_layout
from survey_site.reports.page_context import PageChoice, ReportContext
from survey_site.reports.plan_words import plan_lines
from survey_site.reports.point_report import tasks_of
from survey_site.reports.population import Population, protocol_of
from survey_site.reports.table1_formats import FORMATS
from survey_site.studies import audit
from survey_site.studies.access import study_or_404
from survey_site.studies.models import Study
from survey_site.tasks.registry import UnknownTask

CONTENT_TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "latex": "application/x-tex; charset=utf-8",
}

POPULATION_LABELS = (
    ("bots", _("with simulated participants")),
    ("unfinished", _("with unfinished participants")),
    ("excluded", _("with excluded participants")),
)
MACHINE_TABLES: tuple[tuple[str, MachineMeasure], ...] = (
    ("Table 2: right classification of explanation maps, %", "right_percent"),
    ("Table 3: average confidence of explanation maps", "confidence"),
    ("Increase in confidence, % (softmax of the explained class)", "increase_percent"),
    ("Average drop (softmax of the explained class; lower is better)", "drop"),
    ("Share of pixels kept in explanation maps", "kept_share"),
    ("Maps that are the same everywhere, in no other table, %", "empty_percent"),
    *((each.title, cast(MachineMeasure, each.name)) for each in FURTHER),
)


def in_one_line(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A view that answers 409 with one line where a task of the study is not installed."""

    @wraps(view)
    def told(*args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(*args, **kwargs)
        except UnknownTask as error:
            return HttpResponse(f"{error}\n", status=409, content_type="text/plain; charset=utf-8")

    return told


@require_POST
@staff_member_required
def open_names(request: HttpRequest, slug: str) -> HttpResponse:
    """Opens the columns' names of a masked study, for everybody and in the log."""
    study = study_or_404(request, slug, "results")
    if masking.is_masked(study):
        masking.open_names(study, request.user.pk, "report")
    return redirect("report", slug)


@require_safe
@staff_member_required
def report_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Table 1 at once, with point estimates; where a task is not installed one line, and the downloads of the data."""
    study = results_of(request, slug)
    audit.record_look(request, study, "report opened", request.GET.urlencode())
    context = {
        **admin.site.each_context(request),
        "title": study.title,
        "choices": _choices(request, study),
        "study": study,
        "query": request.GET.urlencode(),
    }
    try:
        context |= _told(request, study)
    except UnknownTask as error:
        context["problem"] = str(error)
    return render(request, "reports/report.html", context)


def _choices(request: HttpRequest, study: Study) -> list[PageChoice]:
    """Links that switch who counts and which protocol the page is about, each with its query string."""
    chosen = asked_version(request, study)
    current = protocol_of(study, chosen)
    found: list[PageChoice] = []
    for name, label in POPULATION_LABELS:
        query = request.GET.copy()
        active = query.get(name) == "1"
        query.pop(name, None)
        if not active:
            query[name] = "1"
        found.append({"label": str(label), "query": query.urlencode(), "active": active})
    for protocol in study.protocols.order_by("-version") if study.protocols.count() > 1 else ():
        query = request.GET.copy()
        query["protocol"] = str(protocol.version)
        name = f"{_('version')} {protocol.version}" + (f" ({_('pilot')})" if protocol.pilot else "")
        found.append({"label": name, "query": query.urlencode(), "active": protocol == current})
    return found


@require_safe
@staff_member_required
@in_one_line
def statistics(request: HttpRequest, slug: str) -> HttpResponse:
    """The part that the task computes: progress while it runs, then the statistics and the table's intervals."""
    study = results_of(request, slug)
    context = _told(request, study)
    if context["wanted"] and context["protocol"] is not None:
        asked = (context["protocol"], context["population"], context["version"])
        context["unreachable"] = cached_report.ask(study, *asked)
        context["progress"] = cached_report.progress(*asked)
    return render(request, "reports/statistics_loaded.html", {**context, "loaded": True})


def _told(request: HttpRequest, study: Study) -> ReportContext:
    """What the templates print: the whole report where it is stored, else point estimates, `wanted` set.

    Raises UnknownTask, also of a report that was stored while the task was installed.
    """
    population, protocol = (
        Population.from_query(request.GET),
        protocol_of(study, asked_version(request, study)),
    )
    tasks_of(study, protocol)
    version = cached_report.data_version(protocol, population) if protocol else ""
    found = cached_report.report_of(version) if protocol else None
    report = found or cached_report.points(study, protocol, population, version)
    machine = found.get("machine", []) if found else []
    return {
        "study": study,
        "protocol": protocol,
        "population": population,
        "version": version,
        "report": report,
        "computed": found is not None,
        "wanted": protocol is not None and found is None and report["population"]["participants"] > 0,
        "has_variants": any(len(column["variants"]) > 1 for column in report["columns"]),
        "planned_observers": observer_accuracy.newest(study),
        "machine_tables": [
            (title, paper_layout(machine, name))
            for title, name in MACHINE_TABLES
            if has_numbers(machine, name)
        ],
        "query": request.GET.urlencode(),
    }


@require_safe
@staff_member_required
def figure(request: HttpRequest, slug: str, name: str, kind: Literal["svg", "pdf"]) -> HttpResponse:
    """One figure as SVG or PDF, of the data as they are; 404 until the task has drawn it."""
    study = results_of(request, slug)
    protocol = protocol_of(study, asked_version(request, study))
    if protocol is None:
        raise Http404("The study has no protocol yet.")
    version = cached_report.data_version(protocol, Population.from_query(request.GET))
    data = cached_report.figure_of(version, name, kind)
    if data is None:
        raise Http404("The figure is not drawn yet; open the report, which asks for it.")
    audit.record_look(request, study, "exported", f"figure {name}.{kind}")
    response = HttpResponse(data, content_type=cached_report.FIGURE_FORMATS[kind])
    response["Content-Disposition"] = attachment(study, request, f"{name}.{kind}", "inline")
    # An SVG opened by itself is a document: it may run nothing.
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    return response


@require_safe
@staff_member_required
@in_one_line
def standalone(request: HttpRequest, slug: str) -> HttpResponse:
    """The whole report as one HTML file that needs nothing beside it."""
    study = results_of(request, slug)
    context = _computed(request, study)
    figures = [
        (name, cached_report.figure_of(context["version"], name, "svg"))
        for name in context["report"]["figures"]
    ]
    whole = {
        **context,
        "css": mark_safe(_stylesheet()),  # noqa: S308  (a file of this package)
        "plan": "\n".join(plan_lines(context["report"]["plan"])),
        "inline_figures": [
            (name, "data:image/svg+xml;base64," + base64.b64encode(data).decode())
            for name, data in figures
            if data
        ],
    }
    response = render(request, "reports/standalone.html", whole)
    response["Content-Disposition"] = attachment(study, request, "report.html")
    audit.record(request, study, "exported", "report.html")
    return response


def _computed(request: HttpRequest, study: Study) -> ReportContext:
    """What the templates print of a report whose statistics are stored; 404 until they are."""
    context = _told(request, study)
    if not context["computed"]:
        raise Http404("The statistics are not computed yet; open the report, which asks for them.")
    return context


def _stylesheet() -> str:
    path = finders.find("reports/report.css") or staticfiles_storage.path("reports/report.css")
    return Path(str(path)).read_text(encoding="utf-8")


@require_safe
@staff_member_required
@in_one_line
def table1(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """Table 1 as JSON, CSV or LaTeX."""
    study = results_of(request, slug)
    report = _told(request, study)["report"]
    response = HttpResponse(FORMATS[kind](report), content_type=CONTENT_TYPES[kind])
    extension = {"latex": "tex"}.get(kind, kind)
    audit.record(request, study, "exported", f"table1.{extension}")
    response["Content-Disposition"] = attachment(study, request, f"table1.{extension}")
    return response


@require_safe
@staff_member_required
@in_one_line
def contrasts(request: HttpRequest, slug: str, kind: Literal["csv", "latex"]) -> HttpResponse:
    """The comparisons with the reference column as CSV or LaTeX; 404 until the task has computed them."""
    study = results_of(request, slug)
    context = _computed(request, study)
    name = f"contrasts.{'tex' if kind == 'latex' else kind}"
    audit.record(request, study, "exported", name)
    response = HttpResponse(CONTRASTS[kind](context["report"]), content_type=CONTENT_TYPES[kind])
    response["Content-Disposition"] = attachment(study, request, name)
    return response


@require_safe
@staff_member_required
@in_one_line
def paper(request: HttpRequest, slug: str) -> HttpResponse:
    """Methods, results and tables of contrasts for a paper, as a zip; 404 until the statistics are computed.

    Masked columns have no place in a paper: 409 until the names are open.
    """
    study = results_of(request, slug)
    if masking.is_masked(study):
        told = _(
            "The study collects, and its columns are masked: close it, or open the names on the report page."
        )
        return HttpResponse(f"{told}\n", status=409, content_type="text/plain; charset=utf-8")
    context = _computed(request, study)
    protocol = cast(Protocol, context["protocol"])  # without one nothing is computed
    made = paper_texts.archive(protocol.content, context["report"])
    audit.record(request, study, "exported", "paper.zip")
    response = HttpResponse(made, content_type="application/zip")
    response["Content-Disposition"] = attachment(study, request, "paper.zip")
    return response
