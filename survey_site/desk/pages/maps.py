"""The page of a study's maps: what to compute, how long it takes, how far it is, what went wrong. Thin."""

from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from saliency_worker import catalog
from saliency_worker.measures import ASKED
from survey_site.design import condition_matrix
from survey_site.desk.shell import page
from survey_site.stimuli import jobs, map_progress, slow_methods, weights
from survey_site.stimuli.own_models import usable
from survey_site.studies import audit
from survey_site.studies.cached_counts import kept
from survey_site.studies.models import Study

VERBS = {
    "pause": jobs.pause,
    "resume": jobs.resume,
    "cancel": jobs.cancel,
    "retry": jobs.retry_failed,
}


class BadChoice(ValueError):
    """Nothing can be computed from these ticks; the message says what to change."""


@require_http_methods(["GET", "POST"])
def maps(request: HttpRequest, study: Study) -> HttpResponse:
    """What is there and what is missing; a POST asks for maps, or pauses, resumes, cancels, retries."""
    if request.method == "POST":
        _change(request, study)
        return redirect("admin:study_precompute", study.pk)
    prefetch_related_objects([study], "conditions")
    lines = map_progress.lines(study)
    needed = {line.classifier for line in lines}
    context = {
        "lines": [(line, _time(line)) for line in lines],
        "images": study.stimuli.count(),
        "others": [name for name in (*catalog.CLASSIFIERS, *usable(study)) if name not in needed],
        "groups": [
            (title, [(key, catalog.full_label(key)) for key in keys])
            for title, keys in condition_matrix.GROUPS
        ],
        "measures": ASKED,
        "lacking": weights.missing(catalog.CLASSIFIERS),
        "full_set": len(catalog.FULL_SET),
        "everything": len(catalog.EVERYTHING),
        "families": len(catalog.FAMILY_SET),
    }
    return page(request, "desk/maps.html", study, _("Maps"), **context, **status_of(study))


@require_GET
def maps_status(request: HttpRequest, study: Study) -> HttpResponse:
    """The live part of the page, fetched every two seconds while something is under way; at its end all is loaded anew."""
    context = status_of(study)
    response = render(request, "desk/maps_status.html", {"study": study, **context})
    if context["counts"].settled:
        map_progress.forget(study)
        response["HX-Refresh"] = "true"
    return response


def _change(request: HttpRequest, study: Study) -> None:
    verb = str(request.POST.get("verb", ""))
    try:
        if verb == "request":
            count = ask(study, request.POST)
            told = _("%(n)d images queued. You can leave this page; the work goes on.") if count else ""
            told = told or _("Nothing to do: every map asked for is there or under way.")
        elif verb in VERBS:
            count = VERBS[verb](study)
            told = _("%(n)d jobs changed.")
        else:
            raise BadChoice(_("Choose one of the buttons."))
    except (BadChoice, catalog.UnknownName) as error:
        messages.error(request, str(error))
        return
    map_progress.forget(study)
    audit.record(request, study, f"jobs: {verb}", str(count))
    messages.success(request, told % {"n": count})


def ask(study: Study, data: QueryDict) -> int:
    """Queues what the form asks for, all or nothing; returns how many images. Without ticks: what conditions need."""
    scope = str(data.get("scope", "needed"))
    measures = [str(name) for name in data.getlist("measure")]
    if "scope" not in data:
        return jobs.request(study, measures=measures)
    names = [str(name) for name in data.getlist("classifier")]
    if not names:
        raise BadChoice(_("Tick at least one classifier."))
    if not study.stimuli.exists():
        raise BadChoice(_("The study has no images yet; upload some first."))
    with transaction.atomic():
        return sum(
            jobs.request(study, [name], keys_for(name, scope, data.getlist("method")), measures=measures)
            for name in names
        )


def keys_for(classifier: str, scope: str, ticked: list[str]) -> tuple[str, ...] | None:
    """The methods asked of a classifier; None for what the conditions need. Raises BadChoice or UnknownName.

    CAM is defined for networks with global average pooling and one dense layer only.
    """
    if scope == "needed":
        return None
    # What a saved model has as its head, the worker finds out.
    head = catalog.CLASSIFIERS[classifier].head if classifier in catalog.CLASSIFIERS else "gap"
    if scope in catalog.SETS:
        return tuple(
            key
            for key in catalog.SETS[scope]
            if catalog.suits(key, head) and classifier not in catalog.method(key).not_for
        )
    if not ticked:
        raise BadChoice(_("Tick at least one method, or choose one of the sets."))
    if unsuited := [key for key in ticked if not catalog.suits(key, head)]:
        raise BadChoice(
            _("%(c)s has no CAM: its head is not global average pooling. Untick %(m)s, or the classifier.")
            % {"c": classifier, "m": ", ".join(catalog.full_label(key) for key in unsuited)}
        )
    if refused := [key for key in ticked if classifier in catalog.method(key).not_for]:
        raise BadChoice(
            _("%(m)s: no rule for an operation of %(c)s. Untick the method, or the classifier.")
            % {"c": classifier, "m": ", ".join(catalog.full_label(key) for key in refused)}
        )
    return tuple(ticked)


def status_of(study: Study) -> dict[str, Any]:
    """Counts, percentage, time left and failures of a study's jobs, and how far slow methods are."""
    found = kept(f"status:{study.pk}", lambda: _counted(study))
    counts, seconds = jobs.Progress(**found["counts"]), found["seconds"]
    finished = counts.done + counts.failed
    return {
        **found,
        "counts": counts,
        "percent": round(100 * finished / counts.total) if counts.total else 0,
        "time_left": map_progress.in_words(seconds) if seconds else "",
    }


def _counted(study: Study) -> dict[str, Any]:
    """What `status_of` says, as plain data in no language."""
    counts = jobs.progress(study)
    seconds, unknown = (0.0, "") if counts.settled else map_progress.open_seconds(study)
    return {
        "counts": asdict(counts),
        "failures": [asdict(one) for one in map_progress.failures(study)] if counts.failed else [],
        "seconds": seconds,
        "time_unknown": unknown,
        "slow": [asdict(one) for one in slow_methods.under_way(study)] if counts.running else [],
        "unheard": map_progress.unheard(study, counts),
    }


def _time(line: map_progress.ClassifierProgress) -> str:
    """What the page says of a classifier's time."""
    if not line.images_left:
        return _("complete")
    if line.pace is None:
        return _("unknown: this classifier has not explained any image here yet")
    words = map_progress.in_words(line.images_left * line.pace.seconds)
    return _("%(time)s with one worker (%(s)s s per image, measured on %(n)d)") % {
        "time": words,
        "s": f"{line.pace.seconds:.1f}",
        "n": line.pace.images,
    }
