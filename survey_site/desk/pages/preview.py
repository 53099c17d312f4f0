"""The preview: a researcher sees any page in any language and under any condition; nothing is written."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from survey_site.desk.shell import page as study_page
from survey_site.studies import demographics, states
from survey_site.studies.consent import wished
from survey_site.studies.models import Condition, Study
from survey_site.tasks import registry
from survey_site.tasks.contract import Answered, Task
from survey_site.trials import preview
from survey_site.trials.enrolment import current_protocol
from survey_site.trials.flow import Step
from survey_site.trials.presentation import PICTURE_LIFETIME_S
from survey_site.trials.scoring import AnswerRefused, read_answer
from survey_site.trials.session import TrialRow
from survey_site.trials.signed_tokens import BadAddress, picture_path, picture_token
from survey_site.trials.step_content import (
    Posted,
    no_consent_text,
    refusal_text,
    start_content,
    step_content,
)
from survey_site.trials.views.guards import participants_page, speaking, wants_json
from survey_site.trials.window import Window


@require_safe
def choose(request: HttpRequest, study: Study) -> HttpResponse:
    """The form: which part, in which language, under which condition. With `part` it leads there."""
    offered = _languages(study)
    language = request.GET.get("language") or offered[0][0]
    if language not in dict(settings.LANGUAGES):
        raise Http404
    condition = request.GET.get("condition", "")
    prefetch_related_objects([study], "conditions")
    walk = preview.Walk(study, language)
    places = {place.part: place.number for place in walk.places()}
    if request.GET.get("part") in places:
        known = condition if condition.isdecimal() and len(condition) < 18 else "0"
        return redirect(
            "admin:study_preview-page", study.pk, language, int(known), places[str(request.GET["part"])]
        )
    protocol = current_protocol(study)
    return study_page(
        request,
        "desk/preview.html",
        study,
        _("Preview"),
        walk=walk,
        parts=[(part, label) for part, label in _labels().items() if part in places],
        languages=offered,
        conditions=study.conditions.all(),
        protocol=protocol if study.state not in states.OVER else None,
        missing=walk.missing,
    )


def _languages(study: Study) -> list[tuple[str, str]]:
    """Those that the study wants, whatever their consent lacks yet; all where it lists none of the site's."""
    wanted = wished(study)
    return [pair for pair in settings.LANGUAGES if pair[0] in wanted] or list(settings.LANGUAGES)


def _labels() -> dict[str, str]:
    return {
        "start": _("Start and consent"),
        "demographics": _("Questions about the participant"),
        **{part: label for task in registry.installed() for part, label in _labels_of(task).items()},
        "break": _("Break"),
        "debrief": _("Debrief with the way out"),
        "done": _("End with the receipt"),
    }


def _labels_of(task: Task) -> dict[str, str]:
    return {
        f"instructions_{task.name}": _("Instructions: %s") % task.title,
        f"practice_{task.name}": _("Practice: %s") % task.title,
        task.name: _("%s block") % task.title,
        f"check_{task.name}": _("Attention check: %s") % task.title,
    }


@csrf_exempt  # the participants' forms carry no cookie's token, and a post here writes nothing
@participants_page
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, study: Study, language: str, condition: int, place: int) -> HttpResponse:
    """One page of the walk as participants get it, under a bar that says so. A post leads on and stores nothing."""
    if language not in dict(settings.LANGUAGES):
        raise Http404
    wish = request.GET.get("lang")
    if wish in dict(settings.LANGUAGES):
        return redirect("admin:study_preview-page", study.pk, wish, condition, place)
    with speaking(language):
        chosen = get_object_or_404(study.conditions.all(), pk=condition) if condition else None
        shown = _Shown(request, preview.Walk(study, language, chosen), chosen, place)
        return shown.answer() if request.method == "POST" else shown.page()


@require_safe
def upcoming(request: HttpRequest, study: Study) -> HttpResponse:
    """Nothing is fetched ahead: every page of a preview has an address of its own."""
    return JsonResponse(NOTHING_AHEAD)


# Without the addresses that only a participant has.
OWN_TEMPLATES = {"trials/trial.html": "desk/preview_trial.html", "trials/done.html": "desk/preview_done.html"}
NOTHING_AHEAD = {"ok": True, "current": -1, "trials": []}


@require_safe
def picture(request: HttpRequest, study: Study, token: str) -> HttpResponse:
    """A picture of the walk, for the study's researchers only; its address works in no other study."""
    try:
        owner, _slash, path = picture_path(token).partition("/")
    except BadAddress as error:
        raise Http404 from error
    if owner != str(study.pk):
        raise Http404
    data = preview.render(path, preview.side_of(study), preview.photo_below(study, path))
    return HttpResponse(data, content_type="image/png", headers={"Cache-Control": "private, no-store"})


class _Shown:
    """One page of a walk, with the addresses around it."""

    KNOWN = frozenset({"trial", "idempotency_key", "rt_ms", "seen", "client", "missing", "page"})

    def __init__(
        self, request: HttpRequest, walk: preview.Walk, condition: Condition | None, place: int
    ) -> None:
        if place >= len(walk.steps):
            raise Http404
        self.request, self.walk, self.condition, self.place = request, walk, condition, place
        self.step: Step = walk.steps[place]

    def at(self, place: int) -> str:
        language = self.walk.participant.language
        condition = self.condition.pk if self.condition else 0
        return reverse("admin:study_preview-page", args=[self.walk.study.pk, language, condition, place])

    def picture(self, path: str) -> str:
        token = picture_token(f"{self.walk.study.pk}/{path}", PICTURE_LIFETIME_S)
        return reverse("admin:study_preview-picture", args=[self.walk.study.pk, token])

    def answer(self) -> HttpResponse:
        if wants_json(self.request):
            return JsonResponse(NOTHING_AHEAD)
        fields = self.request.POST.dict()
        if errors := self._refused(fields):
            return self.page(errors, 422)
        following = min(self.place + 1, len(self.walk.steps) - 1)
        # What was answered goes along in the address, for the feedback; nothing is stored.
        kept = {name: value for name, value in fields.items() if name not in self.KNOWN and len(value) < 64}
        query = f"?{urlencode(kept)}" if kept and self.step.kind == "trial" else ""
        response = HttpResponseRedirect(self.at(following) + query)
        response.status_code = 303
        return response

    def _refused(self, fields: dict[str, str]) -> dict[str, str]:
        """The same refusals as in the study, so that their words can be read."""
        walk, step = self.walk, self.step
        if step == preview.START and not fields.get("consent"):
            return {"start": no_consent_text()}
        if step.kind == "trial":
            row = walk.rows[step.position]
            try:
                read_answer(fields, walk.task(row), walk.reading(row))
            except AnswerRefused as error:
                return {"answer": refusal_text(str(error))}
        if step.name == "demographics":
            try:
                demographics.read(walk.fields, fields)
            except demographics.Invalid as error:
                return error.errors
        return {}

    def page(self, errors: dict[str, str] | None = None, status: int = 200) -> HttpResponse:
        walk, step = self.walk, self.step
        context = {
            "study": {"title": walk.study.title, "slug": walk.study.slug},
            "participant": walk.participant,
            "step": step,
            "preview": True,
            "receipt": True,  # as the browser sees it that finished
            "bar": self._bar(),
        }
        context["preview_bar"] = render_to_string("desk/preview_bar.html", context)
        template, more = self._content(errors or {})
        return render(self.request, template, context | more, status=status)

    def _bar(self) -> dict[str, Any]:
        walk, place = self.walk, self.place
        last = len(walk.steps) - 1
        return {
            "number": place + 1,
            "total": last + 1,
            "condition": str(self.condition) if self.condition else "",
            "back": self.at(place - 1) if place else "",
            "on": self.at(place + 1) if place < last else "",
            "resume": self.at(min(place + 1, last)),
            "upcoming": reverse("admin:study_preview-upcoming", args=[walk.study.pk]),
            "form": reverse("admin:study_preview", args=[walk.study.pk]),
            "missing": walk.missing,
        }

    def _content(self, errors: dict[str, str]) -> tuple[str, dict[str, Any]]:
        walk, step = self.walk, self.step
        if step == preview.START:
            offered, language = _languages(walk.study), walk.participant.language
            window = Window(walk.study.window_width_px or 0, walk.study.window_height_px or 0)
            return start_content(walk.texts, offered, language, {}, errors.get("start", ""), window)
        posted = Posted(self.request.POST.dict(), errors)
        template, content = step_content(walk, step, posted, self._answered, self.picture)
        return OWN_TEMPLATES.get(template, template), content

    def _answered(self, row: TrialRow) -> Answered:
        """The answer that was given on the page before; where there is none, one that somebody attentive gives."""
        walk, task = self.walk, self.walk.task(row)
        truth = walk.truth(row)
        try:
            given = task.read(self.request.GET.dict(), walk.reading(row))
        except AnswerRefused:
            given = task.read(walk.attentive(row), walk.reading(row))
        scored = task.score(given, truth)
        return Answered(truth, scored.values, given.declined, scored.score)
