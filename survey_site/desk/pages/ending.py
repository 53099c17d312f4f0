"""The page of a study's owner: handing it over, deleting it, and the day on which identifiers are erased."""

from dataclasses import asdict

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from survey_site.accounts import confirmation
from survey_site.desk.shell import page
from survey_site.studies import states
from survey_site.studies.cached_counts import kept
from survey_site.studies.models import Study
from survey_site.studies.ownership import CannotHandOver, hand_over, researcher_named
from survey_site.trials import deletion, retention


@require_http_methods(["GET", "POST"])
def ending(request: HttpRequest, study: Study) -> HttpResponse:
    """For the owner alone. What cannot be taken back asks for the password again, and deleting for the short name too."""
    if request.method == "POST":
        if question := confirmation.asked_first(request):
            return question
        match request.POST.get("verb", ""):
            case "hand-over":
                return _hand_over(request, study)
            case "delete":
                return _delete(request, study)
        messages.error(request, _("Choose one of the buttons."))
        return redirect("admin:study_ending", study.pk)
    return page(
        request,
        "desk/ending.html",
        study,
        _("Owner and end"),
        deletable=study.state in states.DELETABLE,
        no_deletion="" if study.state in states.DELETABLE else states.no_deletion(study.state),
        holdings=_holdings(study),
        retention=retention.of_study(study),
        members=study.memberships.select_related("user").order_by("user__username"),
    )


def _holdings(study: Study) -> deletion.Holdings:
    """What would go, for the page that many look at; who deletes is shown it as it is."""
    return deletion.Holdings(**kept(f"holdings:{study.pk}", lambda: asdict(deletion.holdings(study))))


def _hand_over(request: HttpRequest, study: Study) -> HttpResponse:
    seen = request.POST.get("owner_seen", "")
    from_whom = int(seen) if seen.isdecimal() and len(seen) < 18 else None
    try:
        to = researcher_named(request.POST.get("user", "").strip())
        hand_over(
            study,
            to,
            request.user.pk,
            from_whom=from_whom if "owner_seen" in request.POST else study.owner_id,
        )
    except CannotHandOver as error:
        messages.error(request, str(error))
        return redirect("admin:study_ending", study.pk)
    messages.success(request, _("The study belongs to %s now; you stay as an editor.") % to.username)
    return redirect("admin:studies_study_change", study.pk)


def _delete(request: HttpRequest, study: Study) -> HttpResponse:
    """The first post asks, the second, with the short name typed, deletes."""
    typed = request.POST.get("confirm")
    try:
        deletion.refuse_deletion(study)
        if typed is None or typed.strip() != study.slug:
            wrong = _("That is not the short name; nothing was deleted.") if typed is not None else ""
            return _asked(request, study, str(wrong))
        gone = deletion.delete_study(study, request.user.pk)
    except states.StateForbids as error:
        for problem in error.problems:
            messages.error(request, problem)
        return redirect("admin:study_ending", study.pk)
    messages.success(
        request, _("“%(title)s” is deleted: %(gone)s.") % {"title": study.title, "gone": str(gone)}
    )
    return redirect("admin:studies_study_changelist")


def _asked(request: HttpRequest, study: Study, wrong: str) -> HttpResponse:
    response = page(
        request,
        "desk/delete_study.html",
        study,
        _("Delete the study?"),
        holdings=deletion.holdings(study),
        wrong=wrong,
    )
    response.status_code = 422 if wrong else 200
    return response
