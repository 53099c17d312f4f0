"""What the pages about a study share: the study itself, if the researcher may, and the admin around it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from survey_site.desk import steps
from survey_site.studies import states
from survey_site.studies.access import Action, may_now, visible_studies
from survey_site.studies.models import Study

View = Callable[..., HttpResponse]


def study_for(request: HttpRequest, pk: int, action: Action = "edit") -> Study:
    """The study, if this researcher may do this with it; else 404, as for one that does not exist."""
    return get_object_or_404(visible_studies(request.user, action), pk=pk)


def of_study(right: Action, view: View, *, refused_at: str = "") -> View:
    """The view of a study as one of its row: who lacks the right gets 404.

    refused_at: the page that says that nothing is changed in an archived study; empty: posts are taken there too.
    """

    @wraps(view)
    def of_row(request: HttpRequest, pk: int, **rest: Any) -> HttpResponse:
        study = study_for(request, pk, right)
        if request.method == "POST" and study.state == states.State.ARCHIVED and refused_at:
            messages.error(request, states.archived())
            return redirect(refused_at, study.pk)
        return view(request, study, **rest)

    return of_row


def page(request: HttpRequest, template: str, study: Study, title: Any, **context: Any) -> HttpResponse:
    """An admin page about a study; one of the path's steps shows the path. Unfold's heading names `object` and title."""
    shell = admin.site.each_context(request) | {"title": title, "study": study, "object": study}
    path = steps.context_of(request, study, may_now(request, "edit", study.pk))
    return render(request, template, shell | path | context)


def asked_number(request: HttpRequest, name: str, usual: int) -> int:
    """The whole number of a field; `usual` where it was not sent, 0 for what is no number of at most five digits."""
    wish = request.POST.get(name, str(usual))
    return int(wish) if wish.isascii() and wish.isdigit() and len(wish) < 6 else 0
