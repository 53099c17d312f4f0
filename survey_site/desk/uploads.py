"""Taking images in a form: several files in one field, and what the form asks where some cannot be taken as they are."""

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
            self._refuse(error)
        except ImagesRefused as error:
            self.good = error.good
            self._refuse(error)
        return None

    def _refuse(self, error: ImagesRefused) -> None:
        for problem in error.problems[:MOST_PROBLEMS]:
            self.add_error("pictures", problem)
        if len(error.problems) > MOST_PROBLEMS:
            more = len(error.problems) - MOST_PROBLEMS
            self.add_error("pictures", _("… and %(n)d more") % {"n": more})
        self.add_error(None, _("Nothing was stored."))


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
