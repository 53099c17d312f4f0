"""The forms of the page of texts: who is responsible, which languages, and one field for each text of a language."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from survey_site.desk.seen_values import SeenForm
from survey_site.studies import consent, demographics, facts, texts
from survey_site.studies.languages import LANGUAGES
from survey_site.studies.models import Study
from survey_site.studies.texts import keys
from survey_site.tasks import registry

FACTS = "facts"  # prefix of the names of its fields: one form on the page holds them and the texts
DAY = {"type": "date", "class": "survey-input"}
WHERE: dict[str, tuple[str | Promise, str | Promise]] = {
    "welcome": (gettext_lazy("Welcome"), gettext_lazy("At the top of the first page.")),
    "consent": (gettext_lazy("Consent"), gettext_lazy("On the first page, above the box that is ticked.")),
    "demographics": (
        gettext_lazy("Questions about the participant"),
        gettext_lazy(
            "One question a line: “name: Question? [choice / choice]”, “age: How old are you? [18-99]”, or “name: "
            "Question?” for a short text. A * after the name makes it required. Empty: no questions."
        ),
    ),
    "break": (gettext_lazy("Break"), gettext_lazy("Between the tasks.")),
    "debrief": (gettext_lazy("Debrief"), gettext_lazy("After the last answer.")),
    "done": (gettext_lazy("End"), gettext_lazy("On the last page, above the code.")),
    "screened_out": (gettext_lazy("Screened out"), gettext_lazy("To whom the device lets not take part.")),
    "full": (gettext_lazy("All places taken"), gettext_lazy("To whom comes when no place is free.")),
    "closed": (gettext_lazy("Closed"), gettext_lazy("To whom comes after the end.")),
    "privacy": (gettext_lazy("Privacy"), gettext_lazy("On the page that the first one links to.")),
}
"""By key of the texts that every study has: what it is called, and where participants read it."""


class LanguageTicks(forms.CheckboxSelectMultiple):
    """Ticks for a list of codes that is stored as JSON; none ticked is all of them, as stored."""

    def format_value(self, value: Any) -> list[str]:
        return [str(code) for code in value] if isinstance(value, list | tuple) else []


class FactsForm(SeenForm):
    """What a consent must say, and in which languages the study shall be offered."""

    languages = forms.MultipleChoiceField(
        label=gettext_lazy("Languages"),
        required=False,
        choices=[(code, language.name) for code, language in LANGUAGES.items()],
        widget=LanguageTicks,
        help_text=gettext_lazy("In which the study shall be offered; none ticked: all of them."),
    )

    class Meta:
        model = Study
        fields = (*facts.LABELS, "languages")
        widgets = {
            facts.DATE: forms.DateInput(DAY, format="%Y-%m-%d"),
            **dict.fromkeys(set(facts.LABELS) - {facts.DATE}, UnfoldAdminTextInputWidget),
        }

    def __init__(self, study: Study, data: Any = None) -> None:
        super().__init__(data, instance=study, prefix=FACTS)
        if not study.is_editable:
            for field in self.fields.values():
                field.disabled = True

    def clean_ids_erased_on(self) -> Any:
        day = self.cleaned_data[facts.DATE]
        if day and day <= timezone.localdate():
            raise forms.ValidationError(_("This day has come; choose a later one."))
        return day

    def clean_languages(self) -> list[str]:
        codes: list[str] = self.cleaned_data["languages"]
        if found := consent.languages_problems(codes):
            raise forms.ValidationError(found)
        return codes

    def save_changes(self) -> list[str]:
        """Stores the valid form; names of the fields that changed."""
        changed = [name for name in self.changed_data if name in (self._meta.fields or ())]
        self.save()
        return changed


class TextsForm(SeenForm):
    """Every text of one language, at its default where the study has none of its own."""

    class Meta:
        model = Study
        fields = ()

    def __init__(self, study: Study, language: str, data: Any = None) -> None:
        super().__init__(data, instance=study)
        self.language = language
        self.defaults = texts.merged({}, language)
        self.stored = texts.own_texts(study).get(language, {})
        for key in keys():
            title, where = told(key)
            rows = min(max(len(self.defaults[key]) // 80, 1) + 2, 16)
            self.fields[key] = forms.CharField(
                label=title,
                help_text=where,
                required=False,
                strip=False,
                initial=self.stored.get(key, self.defaults[key]),
                disabled=not study.is_editable,
                widget=UnfoldAdminTextareaWidget(
                    attrs={"rows": rows, "lang": language, "dir": "auto", "form": "texts"}
                ),
            )

    def editors(self) -> Iterator[forms.BoundField]:
        """The fields of the texts, in the order in which participants meet them."""
        return (self[key] for key in keys())

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        for key in keys():
            written = _lines(cleaned.get(key) or "")
            cleaned[key] = written
            if "\0" in written:  # PostgreSQL cannot hold it
                self.add_error(key, _("This text holds a sign that cannot be stored; write it anew."))
            if key == "demographics":
                for problem in demographics.problems(written):
                    self.add_error(key, problem)
            if key == "consent" and not written.strip():
                self.add_error(
                    key, _("Participants must agree to something; write a consent, or take the default.")
                )
            if (
                key != "demographics"
                and not written.strip()
                and self.defaults[key].strip()
                and key != "consent"
            ):
                self.add_error(key, _("Write a text, or take the default: an empty page says nothing."))
        return cleaned

    def save_changes(self) -> list[str]:
        """Stores what differs from the defaults, drops what does not; names of the texts that changed."""
        changed = []
        for key in keys():
            written = self.cleaned_data[key]
            if written == _lines(self.stored.get(key, self.defaults[key])):
                continue
            changed.append(f"{key} ({self.language})")
            rows = self.instance.texts.filter(key=key, language=self.language)
            if written == _lines(self.defaults[key]):
                rows.delete()
            else:
                self.instance.texts.update_or_create(
                    key=key, language=self.language, defaults={"markdown": written}
                )
        return changed


def told(key: str) -> tuple[str, str]:
    """What a text is called, and where it is read: of a task's own texts, the key in words and the task."""
    if key in WHERE:
        title, where = WHERE[key]
        return str(title), str(where)
    task = next((one for one in registry.installed() if key in one.texts.get("en", {})), None)
    if task and key == f"instructions_{task.name}":
        return _("Instructions: %s") % task.title, _("Before the practice of this task.")
    if task and key == f"begin_{task.name}":
        return _("After the practice: %s") % task.title, _("Before the trials that count.")
    return key.replace("_", " ").capitalize(), _("In the trials: %s") % task.title if task else ""


def _lines(text: str) -> str:
    """As it was written: a browser sends lines with a carriage return."""
    return text.replace("\r\n", "\n")
