"""The form of a study: its own fields, and one field for each setting of each installed task."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from django import forms
from django.utils.text import capfirst
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldBooleanSwitchWidget,
)

from survey_site.desk.seen_values import SeenForm
from survey_site.studies.consent import languages_problems
from survey_site.studies.models import Study
from survey_site.tasks.contract import Task
from survey_site.tasks.settings import Setting


def field_name(task: Task, setting: Setting) -> str:
    """The name of a setting's field in the form."""
    return f"{task.name}-{setting.name}"


def field_names(tasks: Sequence[Task]) -> list[str]:
    """The fields of all these tasks in their order."""
    return [field_name(task, setting) for task in tasks for setting in task.settings]


class TaskSettingsForm(SeenForm):
    """Reads and writes `Study.task_settings` by the fields of the tasks; what a task not installed left stays."""

    tasks: tuple[Task, ...] = ()

    class Meta:
        model = Study
        fields = ("slug", "title")  # the page that shows the form names the others

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for task, setting, name in self._fields():
            value = self.instance.settings_of(task)[setting.name]
            self.initial.setdefault(name, value)

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        stored = dict(self.instance.task_settings)
        for task in self.tasks:
            own = [(setting, name) for one, setting, name in self._fields() if one is task]
            if all(name in self.cleaned_data for _setting, name in own):
                stored[task.name] = {setting.name: self.cleaned_data[name] for setting, name in own}
        self.instance.task_settings = stored
        return cleaned

    def clean_languages(self) -> list[str]:
        codes = self.cleaned_data["languages"] or []
        if found := languages_problems(codes):
            raise forms.ValidationError(found)
        chosen: list[str] = codes
        return chosen

    def _fields(self) -> Iterator[tuple[Task, Setting, str]]:
        """The settings that this form has fields for: none where the study is shown for reading only."""
        for task in self.tasks:
            for setting in task.settings:
                if (name := field_name(task, setting)) in self.fields:
                    yield task, setting, name


@lru_cache(maxsize=4)
def study_form(tasks: tuple[Task, ...]) -> type[TaskSettingsForm]:
    """The form's class for these tasks."""
    fields = {field_name(task, setting): form_field(setting) for task in tasks for setting in task.settings}
    return type("StudyForm", (TaskSettingsForm,), {**fields, "tasks": tasks, "__module__": __name__})


def form_field(setting: Setting) -> forms.Field:
    """The form field of a setting, which refuses what the setting's limits refuse."""
    common: dict[str, Any] = {
        "label": capfirst(setting.label),
        "help_text": setting.help,
        "initial": setting.default,
    }
    match setting.kind:
        case "whole":
            common |= {"min_value": setting.minimum, "max_value": setting.maximum}
            return forms.IntegerField(widget=UnfoldAdminIntegerFieldWidget(), **common)
        case "yes_no":
            return forms.BooleanField(required=False, widget=UnfoldBooleanSwitchWidget(), **common)
        case "choice":
            return forms.ChoiceField(choices=setting.choices, widget=UnfoldAdminSelectWidget(), **common)
    return forms.JSONField(required=False, widget=UnfoldAdminTextareaWidget(), empty_value=[], **common)
