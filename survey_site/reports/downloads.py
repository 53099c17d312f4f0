"""The data as files: tables as CSV with their checksums, the Psych-DS data set, the codebook."""

from typing import IO

from django.contrib import admin, messages
from django.contrib.admin.views.decorators import staff_member_required
from django.core.files.storage import default_storage
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from survey_site.protocols import masking
from survey_site.reports import prepared_files
from survey_site.reports.exports.codebook import codebook as codebook_of
from survey_site.reports.exports.csv_stream import StreamTally, checksum
from survey_site.reports.exports.psych_ds import simulated_in, write_zip
from survey_site.reports.exports.tables import TABLES
from survey_site.reports.marks import download_name
from survey_site.reports.population import Population, protocol_of
from survey_site.reports.preregistration import preregistration as preregistration_of
from survey_site.studies import audit
from survey_site.studies.access import Action, study_or_404
from survey_site.studies.models import Study

CSV = "text/csv; charset=utf-8"


def attachment(study: Study, request: HttpRequest, rest: str, how: str = "attachment") -> str:
    """The head that gives a download its name."""
    return f'{how}; filename="{download_name(study, Population.from_query(request.GET), rest)}"'


def asked_version(request: HttpRequest, study: Study) -> int | None:
    """The protocol version in `?protocol=`; 404 for one the study does not have."""
    asked = request.GET.get("protocol", "")
    if not asked:
        return None
    if not asked.isdecimal() or len(asked) > 9 or protocol_of(study, int(asked)) is None:
        raise Http404("The study has no such protocol version.")
    return int(asked)


def results_of(request: HttpRequest, slug: str, right: Action = "results") -> Study:
    """The study, for who may see its results; that they are seen under their names is noted."""
    study = study_or_404(request, slug, right)
    masking.note_shown(study, request.user.pk)
    return study


@require_safe
@staff_member_required
def psych_ds(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The whole data set as a Psych-DS zip, with its data dictionary; of a large study once the worker has made it."""
    study, population = results_of(request, slug, "export"), Population.from_query(request.GET)
    if prepared_files.is_large(study, population):
        found = _prepared(study, population, prepared_files.PSYCH_DS)
        if found is None and study.state == Study.State.LIVE:
            found = write_zip(study, population)  # answers come in: what is made first is never of now
        if found is None:
            messages.info(request, _("The data set of so many answers is made first: ask for it here."))
            return _to_files(slug, population)
    else:
        found = write_zip(study, population)
    audit.record(request, study, "exported", "Psych-DS")
    return FileResponse(found, as_attachment=True, filename=f"{study.slug}-psych-ds.zip")


def _prepared(study: Study, population: Population, kind: str) -> IO[bytes] | None:
    """The file of the data as they are; None until the worker has made it."""
    path = prepared_files.path_of(study, population, kind, prepared_files.fingerprint(study, population))
    return default_storage.open(path, "rb") if prepared_files.is_ready(path) else None


def _to_files(slug: str, population: Population) -> HttpResponseRedirect:
    query = population.as_query()
    return redirect(reverse("data_files", args=[slug]) + (f"?{query}" if query else ""))


@require_safe
@staff_member_required
def table_csv(request: HttpRequest, slug: str, table: str) -> StreamingHttpResponse:
    """`responses.csv` and the other tables, streamed; `?bom=1`: with a byte order mark, for Excel."""
    study, found = results_of(request, slug, "export"), TABLES[table]
    audit.record(request, study, "exported", table)
    population = Population.from_query(request.GET)
    body = found.stream(study, population, bom=_bom(request))
    response = StreamingHttpResponse(body, content_type=CSV)
    response["Content-Disposition"] = attachment(study, request, f"{table}.csv")
    response["Cache-Control"] = "no-store"
    return response


@require_safe
@staff_member_required
def table_checksum(request: HttpRequest, slug: str, table: str) -> HttpResponse:
    """What `sha256sum -c` reads, and the number of rows: of the table's CSV as it is now."""
    study, found = results_of(request, slug, "export"), TABLES[table]
    tally = StreamTally()
    population = Population.from_query(request.GET)
    checksum(found.stream(study, population, tally, bom=_bom(request)), tally)
    line = f"{tally.sha256.hexdigest()}  {download_name(study, population, f'{table}.csv')}\n"
    response = HttpResponse(line, content_type="text/plain; charset=utf-8")
    response["X-Row-Count"] = str(tally.rows)
    return response


def _bom(request: HttpRequest) -> bool:
    return request.GET.get("bom") == "1"


@require_safe
@staff_member_required
def codebook(request: HttpRequest, slug: str) -> HttpResponse:
    """What every column of every table means, as one HTML file."""
    study = study_or_404(request, slug, "export")
    audit.record(request, study, "exported", "codebook.html")
    response = HttpResponse(codebook_of(study, simulated_in(study, Population.from_query(request.GET))))
    response["Content-Disposition"] = attachment(study, request, "codebook.html")
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@staff_member_required
def data_files(request: HttpRequest, slug: str) -> HttpResponse:
    """Files for Excel, SPSS and Stata, and the data set: POST asks the worker of reports for one, GET tells which are ready.

    The page fetches itself again while one is being made; without scripts it is a page that can be reloaded.
    """
    study = study_or_404(request, slug, "export")
    population = Population.from_query(request.GET)
    if request.method == "POST":
        kind = request.POST.get("format", "")
        if kind not in prepared_files.FORMATS:
            raise Http404("There is no such format.")
        if why := prepared_files.ask(study, population, kind):
            messages.error(request, _("The file could not be asked for: %s") % why)
        return _to_files(slug, population)
    states = prepared_files.states(study, population)
    context = {
        "study": study,
        "query": population.as_query(),
        "files": states,
        "running": any(state.running for _format, _ready, state in states),
    }
    if request.headers.get("HX-Request"):
        return render(request, "reports/data_files_list.html", context)
    title = _("Data for Excel, SPSS, Stata and as Psych-DS")
    return render(
        request, "reports/data_files.html", {**admin.site.each_context(request), **context, "title": title}
    )


@require_safe
@staff_member_required
def data_file(request: HttpRequest, slug: str, kind: str) -> FileResponse:
    """One prepared file of the data as they are; 404 until the worker has made it."""
    study = results_of(request, slug, "export")
    population, found = Population.from_query(request.GET), prepared_files.FORMATS[kind]
    file = _prepared(study, population, kind)
    if file is None:
        raise Http404("The file is not made yet, or the data have changed since; ask for it again.")
    audit.record(request, study, "exported", found.suffix)
    response = FileResponse(file, content_type=found.content_type)
    response["Content-Disposition"] = attachment(study, request, found.suffix)
    response["Cache-Control"] = "no-store"
    return response


@require_safe
@staff_member_required
def preregistration(request: HttpRequest, slug: str) -> HttpResponse:
    """The sealed plan under the headings of the OSF template; no results in it."""
    study = study_or_404(request, slug, "results")
    protocol = protocol_of(study, asked_version(request, study))
    if protocol is None:
        raise Http404("The study has no protocol yet; it is sealed by going live.")
    text = preregistration_of(
        protocol.content, protocol.hash, reconstruction=study.origin == Study.Origin.RECONSTRUCTION
    )
    audit.record(request, study, "exported", "preregistration.md")
    response = HttpResponse(text, content_type="text/markdown; charset=utf-8")
    response["Content-Disposition"] = attachment(study, request, "preregistration.md")
    return response
