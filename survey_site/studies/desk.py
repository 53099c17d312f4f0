"""The pages between a study's form and its start: images, maps, going live. Thin: rules lie elsewhere."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from survey_site.reports import power_page, rehearsal_page
from survey_site.stimuli import jobs
from survey_site.stimuli.archives import Upload
from survey_site.stimuli.intake import Refused, add_images
from survey_site.stimuli.models import Stimulus
from survey_site.studies import audit, design, freeze, versions
from survey_site.studies.access import Action, visible_studies
from survey_site.studies.feasibility import assess
from survey_site.studies.models import Study


class ManyFilesWidget(UnfoldAdminFileFieldWidget):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """One or more files; each is validated as Django validates one."""

    widget = ManyFilesWidget

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        files = (data or [None]) if isinstance(data, list | tuple) else [data]
        return [super(ManyFilesField, self).clean(file, initial) for file in files]


class UploadForm(forms.Form):
    pictures = ManyFilesField(
        label=_("Pictures or zips"), help_text=_("A folder inside a zip is the class of its pictures.")
    )
    stimulus_class = forms.CharField(
        label=_("Class"), required=False, max_length=120, widget=UnfoldAdminTextInputWidget
    )
    role = forms.ChoiceField(label=_("Role"), choices=Stimulus.Role.choices, widget=UnfoldAdminSelectWidget)


def study_for(request: HttpRequest, pk: int, action: Action = "edit") -> Study:
    """The study, if this researcher may change it; else 404, as for one that does not exist."""
    return get_object_or_404(visible_studies(request.user, action), pk=pk)


def page(request: HttpRequest, template: str, study: Study, title: Any, **context: Any) -> HttpResponse:
    """An admin page about a study."""
    shell = admin.site.each_context(request) | {"title": title, "study": study, "opts": Study._meta}
    return render(request, template, shell | context)


@require_http_methods(["GET", "POST"])
def images(request: HttpRequest, pk: int) -> HttpResponse:
    """Upload of pictures and zips; the study's pictures below."""
    study = study_for(request, pk)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        label = form.cleaned_data["stimulus_class"]
        uploads = [Upload(file.name, file.read(), label) for file in form.cleaned_data["pictures"]]
        try:
            intake = add_images(study, uploads, form.cleaned_data["role"])
        except Refused as error:
            for problem in error.problems:
                form.add_error("pictures", problem)
            form.add_error(None, _("Nothing was stored."))
        else:
            audit.record(request, study, "images added", str(len(intake.added)))
            messages.success(request, _("%d images added.") % len(intake.added))
            if intake.duplicates:
                messages.info(request, _("Already there: %s") % ", ".join(intake.duplicates))
            return redirect("admin:study_images", pk)
    stimuli = study.stimuli.order_by("role", "key")
    return page(request, "studies/images.html", study, _("Images"), form=form, stimuli=stimuli)


@require_GET
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """What the design needs and what it cannot do, in numbers and words."""
    study = study_for(request, pk)
    if not study.conditions.exists():
        messages.info(request, _("Choose conditions first; the numbers follow from them."))
        return redirect("admin:study_conditions", pk)
    main = study.stimuli.filter(role=Stimulus.Role.MAIN).values_list("stimulus_class", flat=True)
    reserve = study.stimuli.filter(role=Stimulus.Role.RESERVE).count()
    verdict = assess(design.spec_of(study), list(main), reserve)
    power = power_page.told(study, verdict)
    return page(request, "studies/check.html", study, _("Check the design"), verdict=verdict, **power)


@require_http_methods(["GET", "POST"])
def live(request: HttpRequest, pk: int) -> HttpResponse:
    """What keeps the study from going live; pilot, live, close, new version."""
    study = study_for(request, pk)
    if request.method == "POST":
        verb = request.POST.get("verb", "")
        try:
            if verb in ("live", "pilot"):
                protocol = freeze.go_live(study, request.user, pilot=verb == "pilot")  # type: ignore[arg-type]
                messages.success(request, _("Version %(v)d is sealed.") % {"v": protocol.version})
            elif verb == "close":
                freeze.close(study)
            elif verb == "version":
                freeze.new_version(study)
            audit.record(request, study, f"state: {verb}", study.get_state_display())
        except freeze.NotReady as error:
            for problem in error.problems[:10]:
                messages.error(request, problem)
        return redirect("admin:study_live", pk)
    problems = freeze.problems(study) if study.state in (Study.State.DRAFT, Study.State.PILOT) else []
    ready = study.state == Study.State.DRAFT and not problems
    return page(
        request,
        "studies/live.html",
        study,
        _("Go live"),
        problems=problems,
        protocols=versions.listed(study, with_draft=ready),
        **rehearsal_page.told(study),
    )


def steps_html(study: Study) -> SafeString:
    """The guided path: images → maps → conditions → live, each step with its state and link."""
    counts = jobs.progress(study)
    n_images, n_conditions = study.stimuli.count(), study.conditions.count()
    steps = [
        (_("Images"), "admin:study_images", n_images > 0, f"{n_images}"),
        (_("Conditions"), "admin:study_conditions", n_conditions > 0, f"{n_conditions}"),
        (
            _("Maps"),
            "admin:study_precompute",
            counts.done > 0 and counts.done == counts.total,
            f"{counts.done}/{counts.total}",
        ),
        (_("Check"), "admin:study_check", not study.is_editable, ""),
        (_("Live"), "admin:study_live", study.is_open, study.get_state_display()),
    ]
    items = format_html_join(
        "",
        '<li class="{}"><a href="{}">{}</a> <small>{}</small></li>',
        (
            ("done" if done else "open", reverse(name, args=[study.pk]), label, note)
            for label, name, done, note in steps
        ),
    )
    return format_html('<ol class="survey-steps">{}</ol>', items)
