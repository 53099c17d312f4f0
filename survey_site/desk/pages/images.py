"""The page of a study's images: their upload, a gallery by class, and what is done to those ticked."""

from itertools import groupby
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from saliency_worker import catalog
from survey_site.desk import image_actions, paging, uploads
from survey_site.desk.shell import page
from survey_site.protocols.document import assessment_of
from survey_site.stimuli.models import Stimulus
from survey_site.stimuli.own_models import usable
from survey_site.studies import audit
from survey_site.studies.models import Study

PER_PAGE = 120
MOST_LABELS = 500  # classes that the field proposes


class UploadForm(uploads.ImagesForm):
    stimulus_class = forms.CharField(
        label=gettext_lazy("Class"),
        required=False,
        max_length=120,
        help_text=gettext_lazy("Of images that no folder of a zip gives one."),
        widget=UnfoldAdminTextInputWidget,
    )
    role = forms.ChoiceField(
        label=gettext_lazy("Role"), choices=Stimulus.Role.choices, widget=UnfoldAdminSelectWidget
    )


@uploads.led_on
@require_http_methods(["GET", "POST"])
def images(request: HttpRequest, study: Study) -> HttpResponse:
    """Upload of pictures, zips and regions; the study's pictures below. A `verb` does something to those ticked."""
    form, regions = UploadForm(), uploads.RegionsForm()
    if request.method == "POST" and "verb" in request.POST:
        try:
            messages.success(request, image_actions.act(request, study, request.POST["verb"], request.POST))
        except image_actions.NotDone as error:
            messages.error(request, str(error))
        return redirect(request.get_full_path())  # the page of the gallery on which they were ticked
    if request.method == "POST" and "regions" in request.FILES:
        regions = uploads.RegionsForm(request.POST, request.FILES)
        if regions.is_valid() and _take_regions(request, study, regions):
            return redirect("admin:study_images", study.pk)
    elif request.method == "POST":
        form = UploadForm(request.POST, request.FILES)
        if form.is_valid() and _take(request, study, form):
            return redirect("admin:study_images", study.pk)
    shown = {"form": form, "regions": regions}
    response = page(request, "desk/images.html", study, _("Images"), **shown, **_gallery(request, study))
    response.status_code = 422 if form.errors or regions.errors else 200
    return response


def _take(request: HttpRequest, study: Study, form: UploadForm) -> bool:
    intake = form.take(study, form.cleaned_data["role"], form.cleaned_data["stimulus_class"])
    if intake is None:
        return False
    audit.record(request, study, "images added", str(len(intake.added)))
    messages.success(request, _("%d images added.") % len(intake.added))
    for line in uploads.told(intake):
        messages.info(request, line)
    return True


def _take_regions(request: HttpRequest, study: Study, form: uploads.RegionsForm) -> bool:
    taken = form.take(study)
    if taken is None:
        return False
    n = len(taken)
    audit.record_changes(request, study, "regions given", [image.key for image in taken], of=str(n))
    messages.success(
        request, ngettext("The region of %d image stored.", "The regions of %d images stored.", n) % n
    )
    return True


def _gallery(request: HttpRequest, study: Study) -> dict[str, Any]:
    """A page of the images by class, and of all: the counts, those too small for a classifier, what the reserve lacks."""
    shown = paging.leaves(request, study.stimuli.order_by("stimulus_class", "role", "key"), PER_PAGE)
    main, reserve = (Count("pk", filter=Q(role=role)) for role in (Stimulus.Role.MAIN, Stimulus.Role.RESERVE))
    classes = study.stimuli.order_by("stimulus_class").values("stimulus_class")
    of_class = {
        row["stimulus_class"]: row
        for row in classes.filter(stimulus_class__in={image.stimulus_class for image in shown.rows}).annotate(
            main=main, reserve=reserve
        )
    }
    verdict = assessment_of(study) if study.conditions.exists() else None
    lacking = verdict.reserve_needed - verdict.reserve_available if verdict else 0
    return {
        "shown": shown,
        "classes": [
            {
                "label": label,
                "images": list(members),
                "main": of_class[label]["main"],
                "reserve": of_class[label]["reserve"],
            }
            for label, members in groupby(shown.rows, key=lambda image: str(image.stimulus_class))
        ],
        "labels": list(
            classes.exclude(stimulus_class="")
            .distinct()
            .values_list("stimulus_class", flat=True)[:MOST_LABELS]
        ),
        "total": shown.total,
        "known": study.stimuli.exclude(region_sha256="").count(),
        "small": image_actions.small(study.stimuli.all(), _sides(study)),
        "lacking": max(lacking, 0) if study.is_editable else 0,
        "verdict": verdict,
    }


def _sides(study: Study) -> dict[str, int]:
    """The side of the input of each classifier of the conditions, in pixels, where it is known."""
    names = set(study.conditions.values_list("classifier", flat=True))
    found = {name: catalog.CLASSIFIERS[name].input_size for name in names if name in catalog.CLASSIFIERS}
    for name, model in usable(study).items():
        if name in names and (shape := model.found.get("input")):
            found[name] = min(side for side in shape[:2] if side)
    return found
