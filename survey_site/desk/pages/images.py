"""The page of a study's images, and their upload."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from survey_site.desk.shell import page
from survey_site.stimuli.archives import Upload
from survey_site.stimuli.intake import ImagesRefused, add_images
from survey_site.stimuli.models import Stimulus
from survey_site.studies import audit
from survey_site.studies.models import Study

MOST_NOTICES = 20


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
        label=_("Images or zips"), help_text=_("A folder inside a zip is the class of its images.")
    )
    stimulus_class = forms.CharField(
        label=_("Class"), required=False, max_length=120, widget=UnfoldAdminTextInputWidget
    )
    role = forms.ChoiceField(label=_("Role"), choices=Stimulus.Role.choices, widget=UnfoldAdminSelectWidget)


@require_http_methods(["GET", "POST"])
def images(request: HttpRequest, study: Study) -> HttpResponse:
    """Upload of pictures and zips; the study's pictures below."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        label = form.cleaned_data["stimulus_class"]
        uploads = [Upload(file.name, file, label) for file in form.cleaned_data["pictures"]]
        try:
            role, within_s = form.cleaned_data["role"], settings.UPLOAD_SECONDS
            intake = add_images(study, uploads, role, within_s=within_s)
        except ImagesRefused as error:
            for problem in error.problems:
                form.add_error("pictures", problem)
            form.add_error(None, _("Nothing was stored."))
        else:
            audit.record(request, study, "images added", str(len(intake.added)))
            messages.success(request, _("%d images added.") % len(intake.added))
            for notice in intake.notices[:MOST_NOTICES]:
                messages.info(request, notice)
            if intake.duplicates:
                messages.info(request, _("Already there: %s") % ", ".join(intake.duplicates))
            return redirect("admin:study_images", study.pk)
    stimuli = study.stimuli.order_by("role", "key")
    return page(request, "desk/images.html", study, _("Images"), form=form, stimuli=stimuli)
