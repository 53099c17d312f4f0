"""Taking images and their regions in forms: several files in one field, and what is asked where some are refused."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminFileFieldWidget

from survey_site.stimuli.archives import Upload
from survey_site.stimuli.intake import ImagesRefused, Intake, TwoClasses, add_images
from survey_site.stimuli.models import Stimulus
from survey_site.stimuli.regions import RegionsRefused, add_regions
from survey_site.studies.errors import SeveralProblems
from survey_site.studies.models import Study

View = Callable[..., HttpResponse]
MOST_NOTICES = 20
MOST_PROBLEMS = 40


def led_on(view: View) -> View:
    """The view, whose redirects upload.js goes to itself: a browser that follows them unseen spends their messages."""

    @wraps(view)
    def told(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if "X-Upload" in request.headers and response.status_code == HTTPStatus.FOUND:
            return HttpResponse(status=HTTPStatus.NO_CONTENT, headers={"X-Next": response["Location"]})
        return response

    return told


class ManyFilesWidget(UnfoldAdminFileFieldWidget):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """One or more files; each is validated as Django validates one."""

    widget = ManyFilesWidget

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        files = (data or [None]) if isinstance(data, list | tuple) else [data]
        cleaned = [super(ManyFilesField, self).clean(file, initial) for file in files]
        return [file for file in cleaned if file]


class ImagesForm(forms.Form):
    """A form with images. `good`, `twins`: what a refusal lets its sender choose, by the buttons beside the problems."""

    pictures = ManyFilesField(
        label=gettext_lazy("Images or zips"),
        help_text=gettext_lazy("A folder inside a zip is the class of its images."),
        widget=ManyFilesWidget(attrs={"accept": "image/*,.zip"}),
    )
    skip_bad = forms.BooleanField(required=False, widget=forms.HiddenInput)
    twins = forms.ChoiceField(
        required=False, choices=[("", ""), ("keep", "keep"), ("take", "take")], widget=forms.HiddenInput
    )
    good = 0
    asks_class = False

    def take(self, study: Study, role: str, stimulus_class: str = "") -> Intake | None:
        """Stores the images of the valid form, all or none; None where something is refused, said beside the field."""
        uploads = [Upload(file.name, file, stimulus_class) for file in self.cleaned_data["pictures"]]
        try:
            return add_images(
                study,
                uploads,
                role,
                within_s=settings.UPLOAD_SECONDS,
                skip_bad=self.cleaned_data["skip_bad"],
                twins=self.cleaned_data["twins"] or "ask",
            )
        except TwoClasses as error:
            self.asks_class = True
            _say(self, "pictures", error)
        except ImagesRefused as error:
            self.good = error.good
            _say(self, "pictures", error)
        return None


class RegionsForm(forms.Form):
    """A form with boxes and masks of the study's images."""

    regions = ManyFilesField(
        label=gettext_lazy("Boxes or masks"),
        help_text=gettext_lazy(
            "A CSV with the columns file,left,top,right,bottom in the image's own pixels, or PNG masks that are not black "
            "where the object is, named like the image; or zips of them."
        ),
        widget=ManyFilesWidget(attrs={"accept": ".csv,.png,.zip"}),
    )

    def take(self, study: Study) -> list[Stimulus] | None:
        """Stores the regions of the valid form, all or none; None where something is refused, said beside the field."""
        uploads = [Upload(file.name, file) for file in self.cleaned_data["regions"]]
        try:
            return add_regions(study, uploads, within_s=settings.UPLOAD_SECONDS)
        except RegionsRefused as error:
            _say(self, "regions", error)
        return None


def _say(form: forms.Form, field: str, error: SeveralProblems) -> None:
    for problem in error.problems[:MOST_PROBLEMS]:
        form.add_error(field, problem)
    if len(error.problems) > MOST_PROBLEMS:
        more = len(error.problems) - MOST_PROBLEMS
        form.add_error(field, _("… and %(n)d more") % {"n": more})
    form.add_error(None, _("Nothing was stored."))


def told(intake: Intake) -> list[str]:
    """What the page says of an upload, beside the number of images."""
    lines = intake.notices[:MOST_NOTICES]
    if intake.duplicates:
        lines.append(_("Already there: %s") % ", ".join(intake.duplicates[:MOST_NOTICES]))
    if intake.relabelled:
        lines.append(_("Of another class now: %s") % ", ".join(intake.relabelled[:MOST_NOTICES]))
    if intake.left_out:
        lines.append(_("Left out: %s") % "; ".join(intake.left_out[:MOST_NOTICES]))
    return lines
