"""The page that takes maps made elsewhere."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldBooleanWidget

from survey_site.desk.shell import page
from survey_site.stimuli import map_progress
from survey_site.stimuli.import_maps import import_maps, uploads_of
from survey_site.stimuli.uploaded_maps import BadMaps
from survey_site.studies import audit
from survey_site.studies.models import Study


class MapsForm(forms.Form):
    archive = forms.FileField(
        label=_("Zip"),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".zip"}),
        help_text=_(
            "Maps as .npy (numbers from 0 to 1) or PNG, and a manifest.csv: file,stimulus,method,classifier. "
            "Or what `explain` wrote, zipped as it is."
        ),
    )
    add_conditions = forms.BooleanField(
        label=_("Add a column of Table 1 for each new method"),
        required=False,
        initial=True,
        widget=UnfoldBooleanWidget,
    )


@require_http_methods(["GET", "POST"])
def upload_maps(request: HttpRequest, study: Study) -> HttpResponse:
    """Takes a zip of maps with its manifest; lists what was uploaded before."""
    form = MapsForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        archive = form.cleaned_data["archive"]
        add = form.cleaned_data["add_conditions"]
        try:
            stored = import_maps(
                study,
                archive.name,
                archive,
                request.user,  # type: ignore[arg-type]
                add_conditions=add,
                within_s=settings.UPLOAD_SECONDS,
            )
        except BadMaps as error:
            for problem in error.problems[:100]:
                form.add_error("archive", problem)
            form.add_error(None, _("Nothing was stored."))
        else:
            map_progress.forget(study)
            audit.record(request, study, "maps uploaded", f"{stored.maps} from {archive.name}")
            messages.success(
                request, ngettext("%d map stored.", "%d maps stored.", stored.maps) % stored.maps
            )
            if stored.notice:
                messages.info(request, stored.notice)
            if stored.conditions:
                messages.info(
                    request, _("New conditions: %d. Their columns are on this page.") % stored.conditions
                )
                return redirect("admin:study_conditions", study.pk)
            return redirect("admin:study_upload-maps", study.pk)
    uploaded = uploads_of(study)
    return page(
        request, "desk/upload_maps.html", study, _("Maps made elsewhere"), form=form, uploaded=uploaded
    )
