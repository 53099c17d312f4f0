"""The page of an amendment: what can change in a sealed study while all answers stay together, shown before it is done."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from survey_site.design import canonical
from survey_site.desk.seen_values import SeenForm
from survey_site.desk.shell import page
from survey_site.protocols import amendments, masking, measurement
from survey_site.protocols.amendments import TextKey, Wanted
from survey_site.protocols.models import Protocol
from survey_site.studies import facts, states
from survey_site.studies.errors import SeveralProblems
from survey_site.studies.languages import LANGUAGES
from survey_site.studies.models import Study
from survey_site.studies.texts import keys

DAY = {"type": "date", "class": "survey-input"}


class AmendForm(SeenForm):
    """The fields of a study outside the measurement, one field for each text outside it, and the reason."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=1000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=_("Stands beside the difference, in report and exports."),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Study
        fields = ("title", "target_participants", "closes_on", *facts.LABELS)
        widgets = {
            "title": UnfoldAdminTextInputWidget,
            "target_participants": UnfoldAdminIntegerFieldWidget,
            "closes_on": forms.DateInput(DAY, format="%Y-%m-%d"),
            facts.DATE: forms.DateInput(DAY, format="%Y-%m-%d"),
            **dict.fromkeys(set(facts.LABELS) - {facts.DATE}, UnfoldAdminTextInputWidget),
        }

    def __init__(self, study: Study, before: Protocol, data: Any = None) -> None:
        initial = {"target_participants": measurement.target_of(before.content), "version": before.version}
        super().__init__(data, instance=study, initial=initial)
        self.sealed: dict[TextKey, str] = amendments.texts_to_amend(study, before)
        for (language, key), text in self.sealed.items():
            named = LANGUAGES[language].name if language in LANGUAGES else language
            self.fields[field_name(language, key)] = forms.CharField(
                label=f"{key.replace('_', ' ')} ({named})",
                required=False,
                strip=False,
                initial=text,
                widget=UnfoldAdminTextareaWidget(attrs={"rows": 6, "lang": language, "dir": "auto"}),
            )
        if masking.names_known(study) or measurement.has_looks(before.content):
            self.fields["target_participants"].disabled = True
            self.fields["target_participants"].help_text = amendments.TARGET_IS_FIXED

    def wanted(self) -> Wanted:
        """What the valid form asks for."""
        return Wanted(
            title=self.cleaned_data["title"],
            target=self.cleaned_data["target_participants"],
            closes_on=self.cleaned_data["closes_on"],
            facts=facts.facts_of(self.instance),
            texts={
                (language, key): written
                for (language, key), sealed in self.sealed.items()
                if (written := _lines(self.cleaned_data[field_name(language, key)])) != _lines(sealed)
            },
        )

    def groups(self) -> Iterator[tuple[Any, list[Any]]]:
        """The study's own fields, then the texts of each language."""
        yield _("Study"), [self[name] for name in self._meta.fields or ()]
        for language in dict.fromkeys(language for language, _key in self.sealed):
            named = LANGUAGES[language].name if language in LANGUAGES else language
            own = [self[field_name(language, key)] for of, key in self.sealed if of == language]
            yield named, own


def field_name(language: str, key: str) -> str:
    return f"text-{language}-{key}"


def _lines(text: str) -> str:
    """As it was written: a browser sends lines with a carriage return."""
    return text.replace("\r\n", "\n")


@require_http_methods(["GET", "POST"])
def amend(request: HttpRequest, study: Study) -> HttpResponse:
    """GET is the form; POST shows what would change, or amends."""
    before = amendments.newest_of(study)
    if before is None or study.state not in states.BY_VERB["amend"].sources:
        return page(request, "desk/amend.html", study, _("Amend"), refusal=_refusal(study))
    form = AmendForm(study, before, request.POST or None)
    changes: list[canonical.Difference] = []
    problems: list[str] = []
    if request.method == "POST" and form.is_valid():
        wanted = form.wanted()
        study.refresh_from_db()  # the form has written into it
        problems = amendments.problems(study, before, wanted)
        if not problems and request.POST.get("verb") == "amend":
            try:
                made = amendments.amend(
                    study,
                    wanted,
                    form.cleaned_data["reason"],
                    request.user,  # type: ignore[arg-type]
                    seen=form.cleaned_data["version"],
                )
            except SeveralProblems as error:
                problems = error.problems
            else:
                told = _("Amended: version %(v)d is sealed, and all answers stay together.")
                messages.success(request, told % {"v": made.version})
                return redirect("admin:study_live", study.pk)
        if not problems:
            document = amendments.document_with(study, before.content, wanted)
            changes = canonical.differences(before.content, document)
    response = page(
        request,
        "desk/amend.html",
        study,
        _("Amend"),
        form=form,
        before=before,
        changes=changes,
        problems=problems,
        measured=[key for key in keys() if measurement.touches(key)],
    )
    response.status_code = 422 if problems or form.errors else 200
    return response


def _refusal(study: Study) -> str:
    return states.refusal(states.BY_VERB["amend"], study.state)
