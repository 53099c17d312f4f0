"""The page that makes a study."""

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from saliency_worker import catalog
from survey_site.design.presets import PRESETS
from survey_site.desk import uploads
from survey_site.desk.new_study import EMPTY, NewStudyForm, in_words
from survey_site.desk.steps import path_of
from survey_site.stimuli import weights
from survey_site.studies import audit


@uploads.led_on
@require_http_methods(["GET", "POST"])
def new_study(request: HttpRequest) -> HttpResponse:
    """GET asks; a POST makes the study whole, or nothing, and leads to the first step that lacks something."""
    form = NewStudyForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        made = form.make(request.user)  # type: ignore[arg-type]
        if made is not None:
            study, intake = made
            audit.record(request, study, "study made", form.cleaned_data["preset"])
            if n := len(intake.added):
                audit.record(request, study, "images added", str(n))
                told = (
                    ngettext("The study is made, with %d image.", "The study is made, with %d images.", n) % n
                )
            else:
                told = _("The study is made.")
            messages.success(request, told)
            for line in uploads.told(intake):
                messages.info(request, line)
            following = path_of(study).following
            return redirect(following.address if following else "admin:index")
    lacking = weights.missing(catalog.CLASSIFIERS)
    presets = [
        {"key": one.key, "title": one.title, "description": one.description, "words": in_words(one, lacking)}
        for one in PRESETS.values()
    ]
    presets.append(
        {
            "key": EMPTY,
            "title": _("None of these"),
            "description": _("Choose methods, networks and numbers yourself."),
            "words": "",
        }
    )
    context = admin.site.each_context(request) | {
        "title": _("New study"),
        "content_title": _("New study"),
        "form": form,
        "presets": presets,
    }
    status = 422 if form.errors else 200
    return render(request, "desk/new_study.html", context, status=status)
