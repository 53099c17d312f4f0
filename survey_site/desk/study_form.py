"""The form of a study: its own fields, those of the installed tasks' settings, and what it declares before its data."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldBooleanSwitchWidget,
)

from survey_site.desk import plan_fields, stopping_fields
from survey_site.desk.seen_values import SeenForm
from survey_site.studies.models import Study
from survey_site.tasks import registry
from survey_site.tasks.contract import Task
from survey_site.tasks.settings import Setting


def field_name(task: Task, setting: Setting) -> str:
    """The name of a setting's field in the form."""
    return f"{task.name}-{setting.name}"


def field_names(tasks: Sequence[Task]) -> list[str]:
    """The fields of all these tasks in their order."""
    return [field_name(task, setting) for task in tasks for setting in asked_settings(task)]


def asked_settings(task: Task) -> list[Setting]:
    """The settings that are fields; groups of images are arranged on a page of their own."""
    return [setting for setting in task.settings if setting.kind != "groups"]


def declared_fields(tasks: Sequence[Task]) -> dict[str, forms.Field]:
    """What a study declares before its data: rules of exclusion, analysis plan, early stopping."""
    return plan_fields.fields_of(tasks) | stopping_fields.fields_of(tasks)


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
        declared = plan_fields.initial(self.instance.exclusion_rules, self.instance.analysis_plan)
        declared |= stopping_fields.initial(self.instance.analysis_plan)
        for name, value in declared.items():
            if name in self.fields:
                self.initial.setdefault(name, value)

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        stored = dict(self.instance.task_settings)
        for task in self.tasks:
            own = [(setting, name) for one, setting, name in self._fields() if one is task]
            if all(name in self.cleaned_data for _setting, name in own):
                chosen = {setting.name: self.cleaned_data[name] for setting, name in own}
                stored[task.name] = self.instance.settings_of(task) | chosen
        self.instance.task_settings = stored
        self._declare()
        return cleaned

    def _declare(self) -> None:
        """Rules and plan, where all their fields are valid: what is wrong with one is said beside it."""
        wanted = plan_fields.fields_of(self.tasks)
        if wanted.keys() <= self.cleaned_data.keys():
            study = self.instance
            study.exclusion_rules = plan_fields.rules_from(self.cleaned_data)
            study.analysis_plan = plan_fields.plan_from(self.cleaned_data, study.analysis_plan)
            self._declare_stopping(study)

    def _declare_stopping(self, study: Study) -> None:
        if not set(stopping_fields.NAMES) <= self.cleaned_data.keys():
            return
        found = stopping_fields.problems(self.cleaned_data, self.cleaned_data.get("target_participants"))
        for name, told in found:
            self.add_error(name, told)
        if not found:
            study.analysis_plan = stopping_fields.plan_from(self.cleaned_data, study.analysis_plan)

    def _fields(self) -> Iterator[tuple[Task, Setting, str]]:
        """The settings that this form has fields for: none where the study is shown for reading only."""
        for task in self.tasks:
            for setting in asked_settings(task):
                if (name := field_name(task, setting)) in self.fields:
                    yield task, setting, name


@lru_cache(maxsize=4)
def study_form(tasks: tuple[Task, ...]) -> type[TaskSettingsForm]:
    """The form's class for these tasks."""
    fields = {
        field_name(task, setting): form_field(setting) for task in tasks for setting in asked_settings(task)
    } | declared_fields(tasks)
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


def told_settings(study: Study) -> list[tuple[str, str]]:
    """The tasks' settings in words, for a study whose design is read and not changed."""
    told = []
    for name, stored in study.task_settings.items():
        task = registry.named(name)
        values = task.effective(stored) if task else stored
        known = {setting.name: setting for setting in task.settings} if task else {}
        told += [_told_setting(known.get(key), key, value) for key, value in values.items()]
    return told


def _told_setting(setting: Setting | None, name: str, value: Any) -> tuple[str, str]:
    if setting is None:
        return name, str(value)
    match setting.kind:
        case "choice":
            shown = dict(setting.choices).get(value, value)
        case "yes_no":
            shown = _("yes") if value else _("no")
        case "groups":
            shown = "; ".join(", ".join(group) for group in value) or _("none")
        case _:
            shown = value
    return setting.label, str(shown)
