"""The page that makes a study of a file: its description, with the pictures that it names."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminFileFieldWidget

from survey_site.desk.pages.copying import NamesForm
from survey_site.desk.steps import path_of
from survey_site.desk.uploads import MOST_PROBLEMS, ManyFilesField, ManyFilesWidget, led_on
from survey_site.protocols.study_file import plain_yaml, read
from survey_site.stimuli.archives import Upload
from survey_site.studies import audit
from survey_site.studies.access import visible_studies
from survey_site.studies.errors import SeveralProblems
from survey_site.studies.models import Study


class StudyFileForm(NamesForm):
    """A description and its pictures; title and short name are those of the file unless others are written."""

    file = forms.FileField(
        label=gettext_lazy("The study's file"),
        help_text=gettext_lazy("YAML or JSON, as “Copy” of a study gives it, or as a program writes it."),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".yaml,.yml,.json"}),
    )
    pictures = ManyFilesField(
        label=gettext_lazy("Its images"),
        required=False,
        help_text=gettext_lazy(
            "Images or zips. Those that are in a study which you see need not be sent: the file names them by SHA-256."
        ),
        widget=ManyFilesWidget(attrs={"accept": "image/*,.zip"}),
    )
    without_images = forms.BooleanField(
        label=gettext_lazy("without its images"),
        required=False,
        help_text=gettext_lazy("The design alone; images are added afterwards."),
    )

    field_order = ("file", "pictures", "without_images", "title", "slug")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["title"].required = False
        for name in ("title", "slug"):
            self.fields[name].help_text = _("Empty: as in the file.")

    def make(self, owner: User) -> Study | None:
        """The study, or None where the file or a picture is refused, said beside its field; then nothing is made."""
        wanted, at_fault = self.cleaned_data, "file"
        try:
            data = wanted["file"].read(plain_yaml.MOST_BYTES + 1)
            described = read.read_file(data, slug=wanted["slug"], title=wanted["title"])
            at_fault = "pictures"
            return read.make(
                described,
                owner,
                uploads=[Upload(picture.name, picture) for picture in wanted["pictures"]],
                visible=visible_studies(owner, "view"),
                without_images=wanted["without_images"],
                within_s=settings.UPLOAD_SECONDS,
            )
        except SeveralProblems as error:
            for problem in error.problems[:MOST_PROBLEMS]:
                self.add_error(at_fault, problem)
            self.add_error(None, _("Nothing was stored."))
        return None


@led_on
@require_http_methods(["GET", "POST"])
def from_file(request: HttpRequest) -> HttpResponse:
    """GET asks for the file; a POST makes the study whole, or nothing, and leads to the first step that lacks something."""
    form = StudyFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        study = form.make(request.user)  # type: ignore[arg-type]
        if study is not None:
            audit.record(request, study, "study made", f"of the file {form.cleaned_data['file'].name}")
            if n := study.stimuli.count():
                audit.record(request, study, "images added", str(n))
            messages.success(request, _("The study is made. Look through its pages, then go on from here."))
            following = path_of(study).following
            return redirect(following.address if following else "admin:index")
    context = admin.site.each_context(request) | {
        "title": _("Study from a file"),
        "content_title": _("Study from a file"),
        "form": form,
    }
    return render(request, "desk/study_from_file.html", context, status=422 if form.errors else 200)
