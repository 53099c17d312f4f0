"""The page of the models that a study's owner brings: register, see what a worker found, accept."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from saliency_worker import catalog
from survey_site.desk.seen_values import digest, once_more, overwriting
from survey_site.desk.shell import page
from survey_site.protocols import stored_files
from survey_site.stimuli import own_models, storage
from survey_site.stimuli.models import OwnModel
from survey_site.studies import audit
from survey_site.studies.access import is_owner
from survey_site.studies.editing import editing
from survey_site.studies.models import Study

MOST_NAMES = 256 * 1024  # bytes of a file of class names


class ChoicesForm(forms.Form):
    """How a model is to be explained."""

    layer = forms.CharField(
        label=gettext_lazy("Layer"),
        required=False,
        max_length=120,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Its name in the model; empty: the last feature map."),
    )
    preprocessing = forms.ChoiceField(
        label=gettext_lazy("Values of a picture"),
        choices=[(name, f"{name}: {what}") for name, what in catalog.PREPROCESSING.items()],
        widget=UnfoldAdminSelectWidget,
        help_text=gettext_lazy(
            "As the model was trained. A wrong choice gives wrong maps: look at the classes."
        ),
    )
    fit = forms.ChoiceField(
        label=gettext_lazy("Part of a picture"),
        choices=[(name, f"{name}: {what}") for name, what in catalog.FITS.items()],
        widget=UnfoldAdminSelectWidget,
    )
    class_names = forms.CharField(
        label=gettext_lazy("Names of the classes"),
        required=False,
        max_length=MOST_NAMES,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=gettext_lazy(
            "One a line in the order of the scores, or JSON: a list, name to index, or index to name."
        ),
    )


class RegisterForm(ChoicesForm):
    """A model by upload or by its place in the operator's folder."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=60,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("As it shall be called among the classifiers, in tables and exports."),
    )
    file = forms.FileField(
        label=gettext_lazy("Model"),
        required=False,
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".keras"}),
        help_text=gettext_lazy("A .keras file of Keras's own layers, as model.save('net.keras') writes it."),
    )
    path = forms.CharField(
        label=gettext_lazy("Or its path in the operator's folder"),
        required=False,
        max_length=300,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy(
            "Below SALIENCY_MODELS_DIR; H5, SavedModel and layers of your own are taken there."
        ),
    )
    field_order = ("name", "file", "path", "layer", "preprocessing", "fit", "class_names")


@require_http_methods(["GET", "POST"])
def models(request: HttpRequest, study: Study) -> HttpResponse:
    """Editors see the models; the owner registers, changes, accepts and removes them."""
    form = RegisterForm()
    if request.method == "POST":
        if not is_owner(request, study):
            messages.error(request, _("Only the study's owner brings models."))
            return redirect("admin:study_models", study.pk)
        if "verb" in request.POST:
            with editing(study) as locked:
                _change(request, locked, request.POST)
            return redirect("admin:study_models", study.pk)
        form = RegisterForm(request.POST, request.FILES)
        if form.is_valid() and _registered(request, study, form):
            return redirect("admin:study_models", study.pk)
    return page(
        request,
        "desk/models.html",
        study,
        _("Own models"),
        form=form,
        owns=is_owner(request, study),
        folder=own_models.operators_folder() is not None,
        **status_of(study),
    )


@require_GET
def models_status(request: HttpRequest, study: Study) -> HttpResponse:
    """The live part of the page, fetched every two seconds while a model is tried."""
    context = {"study": study, "owns": is_owner(request, study), **status_of(study)}
    return render(request, "desk/models_status.html", context)


@require_GET
def preview_picture(request: HttpRequest, study: Study, own_model: int, place: int) -> HttpResponse:
    """One preview: the picture as the model sees it, its map, and the map over the picture."""
    row = study.own_models.filter(pk=own_model).first()
    previews = row.found.get("previews", []) if row else []
    if place >= len(previews):
        raise Http404("No such preview.")
    data = storage.get(previews[place]["picture"])
    return HttpResponse(data, content_type="image/png", headers={"Cache-Control": "private, max-age=3600"})


def status_of(study: Study) -> dict[str, Any]:
    """The study's models, each with the form that changes it, and whether one of them is still tried."""
    rows = list(study.own_models.all())
    under_way = (OwnModel.State.QUEUED, OwnModel.State.RUNNING)
    return {
        "models": [
            (row, ChoicesForm(initial=_initial(row), prefix=f"model-{row.pk}"), digest(seen_of(row)))
            for row in rows
        ],
        "busy": any(row.state in under_way for row in rows),
    }


def _initial(row: OwnModel) -> dict[str, Any]:
    return {
        "layer": row.layer,
        "preprocessing": row.preprocessing,
        "fit": row.fit,
        "class_names": "\n".join(row.class_names),
    }


def _registered(request: HttpRequest, study: Study, form: RegisterForm) -> bool:
    try:
        row = own_models.register(study, request.user, **form.cleaned_data)  # type: ignore[arg-type]
    except own_models.Refused as error:
        for field, problem in error.problems.items():
            form.add_error(field, problem)
        return False
    audit.record(request, study, "model registered", f"{row.name} {row.sha256[:12] or row.path}")
    messages.success(request, _("%s is registered. A worker tries it now.") % row.name)
    return True


def seen_of(row: OwnModel) -> dict[str, Any]:
    """What whoever accepts, changes or removes a model has looked at."""
    return {**_initial(row), "tried": row.found.get("layer", ""), "weights": row.sha256}


def _change(request: HttpRequest, study: Study, data: QueryDict) -> None:
    verb, number = str(data["verb"]), str(data.get("model", ""))
    row = study.own_models.filter(pk=number).first() if number.isdecimal() else None
    if row is None:
        messages.error(request, _("The study has no such model any more."))
        return
    if data.get("seen") not in (None, digest(seen_of(row))):
        sent = {name: data.get(f"model-{row.pk}-{name}", "") for name in _initial(row)}
        mine = sent if verb == "change" else verb
        messages.error(request, f"{row.name}: {overwriting(seen_of(row), mine)} {once_more()}")
        return
    try:
        if verb == "accept":
            if not own_models.accept(row, request.user):  # type: ignore[arg-type]
                messages.error(request, _("It cannot be accepted now; look at what is said of it."))
                return
        elif verb == "remove":
            files = stored_files.of_models([row])
            own_models.remove(row)
            stored_files.remove_after_commit(files)
        elif verb == "change":
            form = ChoicesForm(data, prefix=f"model-{row.pk}")
            if not form.is_valid():
                raise own_models.Refused({name: str(found[0]) for name, found in form.errors.items()})
            own_models.change(row, **form.cleaned_data)
        else:
            messages.error(request, _("Choose one of the buttons."))
            return
    except own_models.Refused as error:
        messages.error(request, str(error))
        return
    audit.record(request, study, f"model: {verb}", row.name)
    told = {
        "accept": _("%s is among the study's classifiers now."),
        "remove": _("%s is removed."),
        "change": _("%s is tried anew."),
    }
    messages.success(request, told[verb] % row.name)
