"""The page that copies a study, and gives its description as a file."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods
from unfold.widgets import UnfoldAdminTextInputWidget

from survey_site.desk.new_study import LONGEST_NAME, free_name
from survey_site.desk.shell import page
from survey_site.desk.steps import path_of
from survey_site.protocols.copying import copy_study
from survey_site.protocols.study_file.read import BadStudyFile
from survey_site.protocols.study_file.write import file_of
from survey_site.studies import audit
from survey_site.studies.models import Study


class NamesForm(forms.Form):
    """What a study that is made of another one, or of a file, is called."""

    title = forms.CharField(
        label=gettext_lazy("Title"),
        max_length=200,
        help_text=gettext_lazy("Participants see it."),
        widget=UnfoldAdminTextInputWidget,
    )
    slug = forms.SlugField(
        label=gettext_lazy("Short name"),
        required=False,
        max_length=LONGEST_NAME,
        widget=UnfoldAdminTextInputWidget,
    )

    def clean_slug(self) -> str:
        name: str = self.cleaned_data["slug"]
        if name and Study.objects.filter(slug=name).exists():
            raise forms.ValidationError(_("There is a study of this short name; choose another one."))
        return name


class CopyForm(NamesForm):
    """What the copy is called, and what it takes along."""

    images = forms.BooleanField(label=gettext_lazy("with its images"), required=False, initial=True)
    maps = forms.BooleanField(
        label=gettext_lazy("with the maps of these images"), required=False, initial=True
    )
    without_earlier = forms.BooleanField(
        label=gettext_lazy("without people who took part in this study"),
        required=False,
        help_text=gettext_lazy(
            "Whoever comes with an identifier that began here, or in a study that this one left out, is screened out. By a "
            "plain link nobody can be recognised."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["slug"].help_text = _(
            "Part of the participants' link, /s/NAME/; empty: made of the title."
        )

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        if cleaned.get("maps") and not cleaned.get("images"):
            self.add_error("maps", _("Maps are of images: take the images along, or leave the maps out."))
        return cleaned


@require_http_methods(["GET", "POST"])
def copy(request: HttpRequest, study: Study) -> HttpResponse:
    """GET asks what the copy takes along; a POST makes it whole, or nothing, and leads to what it lacks."""
    form = CopyForm(request.POST or None, initial={"title": _("%s (copy)") % study.title[:190]})
    if request.method == "POST" and form.is_valid():
        wanted = form.cleaned_data
        slug = wanted.pop("slug") or free_name(wanted["title"], Study.objects.values_list("slug", flat=True))
        try:
            made = copy_study(study, request.user, slug=slug, **wanted)  # type: ignore[arg-type]
        except BadStudyFile as error:
            for problem in error.problems[:10]:
                form.add_error(None, problem)
        else:
            told = ", ".join(name for name in ("images", "maps", "without_earlier") if wanted[name])
            audit.record(request, made, "study made", f"copy of {study.slug} ({told or 'its design alone'})")
            audit.record(request, study, "study copied", made.slug)
            messages.success(
                request,
                _(
                    "The copy is a draft. Choose its closing date, and the day on which identifiers are erased, anew."
                ),
            )
            following = path_of(made).following
            return redirect(following.address if following else "admin:index")
    response = page(
        request,
        "desk/copy.html",
        study,
        _("Copy"),
        form=form,
        images=study.stimuli.count(),
    )
    response.status_code = 422 if form.errors else 200
    return response


@require_GET
def as_file(request: HttpRequest, study: Study) -> HttpResponse:
    """The study's description as YAML."""
    audit.record(request, study, "study exported", "as a file")
    response = HttpResponse(file_of(study), content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{study.slug}.yaml"'
    return response
