"""Exclusion rules and analysis plan as fields with sentences: what a study declares before its data. No JSON to write.

A field that stands at its default is not stored, so that a study that declares nothing stays what it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldBooleanSwitchWidget,
)

from survey_site.statistics.plan import SIGNS, AnalysisPlan, DoorRules, QualityRules
from survey_site.tasks.contract import Task

Kind = Literal["number", "whole", "share", "yes_no", "signs"]
RULES, PLAN, MARGIN = "rules-", "plan-", "margin-"


@dataclass(frozen=True, slots=True)
class PlanField:
    """One declared value. label: its question. told: the sentence that stands where it is read, {} for the value.

    kind: a share is stored from 0 to 1 and asked for in percent. optional: empty is no such rule. lowest, highest: in
    the unit that is asked for.
    """

    name: str
    label: str | Promise
    help: str | Promise
    told: str | Promise
    kind: Kind = "number"
    optional: bool = True
    lowest: float = 0
    highest: float | None = None


RULE_FIELDS: tuple[PlanField, ...] = (
    PlanField(
        "failed_checks",
        gettext_lazy("failed attention checks"),
        gettext_lazy("Who fails so many is left out; empty: nobody is."),
        gettext_lazy("Left out is who fails {} attention checks or more."),
        "whole",
        lowest=1,
    ),
    PlanField(
        "rt_min_ms",
        gettext_lazy("fastest honest answer (ms)"),
        gettext_lazy("A faster answer is flagged; empty: none is."),
        gettext_lazy("An answer given in less than {} ms is flagged."),
    ),
    PlanField(
        "rt_max_ms",
        gettext_lazy("slowest honest answer (ms)"),
        gettext_lazy("A slower answer is flagged; empty: none is."),
        gettext_lazy("An answer given after more than {} ms is flagged."),
    ),
    PlanField(
        "flagged_share",
        gettext_lazy("flagged answers (%)"),
        gettext_lazy("Who has more of them is left out; empty: nobody is."),
        gettext_lazy("Left out is who has more than {} % of flagged answers."),
        "share",
        highest=100,
    ),
    PlanField(
        "straight_lining",
        gettext_lazy("leave out who answers the same throughout"),
        gettext_lazy("Six scores or more on a scale, of two methods or more, all the same."),
        gettext_lazy("Left out is who gives the same score throughout."),
        "yes_no",
    ),
    PlanField(
        "position_alpha",
        gettext_lazy("one place chosen improbably often"),
        gettext_lazy("Largest probability, by guessing, of what leaves somebody out; empty: nobody is."),
        gettext_lazy(
            "Left out is who chooses one place so often that guessing does so with a probability below {}."
        ),
        highest=1,
    ),
    PlanField(
        "finish_min_s",
        gettext_lazy("least time for the whole study (s)"),
        gettext_lazy(
            "Who is faster is left out at the end and gets no code of completion; empty: nobody is."
        ),
        gettext_lazy(
            "Left out at the end is who takes less than {} seconds from consent to the last answer."
        ),
    ),
    PlanField(
        "finish_fast_share",
        gettext_lazy("most answers faster than honest (%)"),
        gettext_lazy(
            "Who has more of them is left out at the end and gets no code of completion; empty: nobody is."
        ),
        gettext_lazy("Left out at the end is who gives more than {} % of the answers too fast."),
        "share",
        highest=100,
    ),
    PlanField(
        "signs",
        gettext_lazy("signs of a program, or of pictures not well seen"),
        gettext_lazy("Who shows one of those ticked in too many trials is left out; none ticked: nobody is."),
        gettext_lazy("Left out is who shows one of these signs: {}."),
        "signs",
    ),
    PlanField(
        "signs_share",
        gettext_lazy("trials with a sign (%)"),
        gettext_lazy("More of them leave somebody out."),
        gettext_lazy("A sign counts in more than {} % of the trials."),
        "share",
        optional=False,
        highest=100,
    ),
    PlanField(
        "picture_min_px",
        gettext_lazy("smallest picture well seen (px)"),
        gettext_lazy("A picture drawn smaller is a sign that it was not."),
        gettext_lazy("A picture drawn smaller than {} px is taken as not well seen."),
        optional=False,
    ),
)
SIGN_NAMES: dict[str, str | Promise] = {
    "webdriver": gettext_lazy("the browser says that a program drives it"),
    "untrusted": gettext_lazy("clicks made by a script"),
    "no_action": gettext_lazy("answers without any action"),
    "impossible_time": gettext_lazy("times that cannot be"),
    "hidden": gettext_lazy("answers from a page out of sight"),
    "pasted": gettext_lazy("pasted text"),
    "small_pictures": gettext_lazy("pictures drawn small"),
    "out_of_view": gettext_lazy("pictures outside the window"),
}
PLAN_FIELDS: tuple[PlanField, ...] = (
    PlanField(
        "level",
        gettext_lazy("confidence of intervals (%)"),
        gettext_lazy("What “significant” means follows from it: 95 is p < .05."),
        gettext_lazy("Intervals hold with {} % confidence; tests are made at the level that follows."),
        "share",
        optional=False,
        lowest=50,
        highest=99.99,
    ),
    PlanField(
        "resamples",
        gettext_lazy("resamples of the bootstrap"),
        gettext_lazy("More take longer and vary less."),
        gettext_lazy("The bootstrap draws {} samples."),
        "whole",
        optional=False,
        lowest=99,
        highest=1_000_000,
    ),
)


def defaults(part: str) -> dict[str, Any]:
    """The values where nothing is declared, by name."""
    if part == PLAN:
        plan = AnalysisPlan()
        return {field.name: getattr(plan, field.name) for field in PLAN_FIELDS}
    rules, door = QualityRules(), DoorRules()
    found = {field.name: getattr(rules, field.name) for field in fields(QualityRules)}
    return found | {field.name: getattr(door, field.name) for field in fields(DoorRules)}


def fields_of(tasks: Sequence[Task]) -> dict[str, forms.Field]:
    """The form's fields by name, in their order."""
    found: dict[str, forms.Field] = {f"{RULES}{field.name}": _form_field(field) for field in RULE_FIELDS}
    found |= {f"{PLAN}{field.name}": _form_field(field) for field in PLAN_FIELDS}
    return found | {f"{MARGIN}{task.outcome.key}": _margin(task) for task in tasks}


def initial(rules: object, plan: object) -> dict[str, Any]:
    """What the fields show of a study's stored declarations; what is stored but cannot be read shows its default."""
    rules, plan = _mapping(rules), _mapping(plan)
    shown = {f"{RULES}{f.name}": _asked(f, (defaults(RULES) | rules)[f.name]) for f in RULE_FIELDS}
    shown |= {f"{PLAN}{f.name}": _asked(f, (defaults(PLAN) | plan)[f.name]) for f in PLAN_FIELDS}
    return shown | {f"{MARGIN}{key}": value for key, value in _mapping(plan.get("margins")).items()}


def rules_from(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """The exclusion rules that a valid form declares."""
    usual = defaults(RULES)
    declared = {f.name: _stored(f, cleaned[f"{RULES}{f.name}"]) for f in RULE_FIELDS}
    return {name: value for name, value in declared.items() if not _same(value, usual[name])}


def plan_from(cleaned: Mapping[str, Any], before: object) -> dict[str, Any]:
    """The analysis plan that a valid form declares; what it does not ask for stays as it was."""
    usual, plan = defaults(PLAN), dict(_mapping(before))
    for field in PLAN_FIELDS:
        value = _stored(field, cleaned[f"{PLAN}{field.name}"])
        plan.pop(field.name, None)
        if not _same(value, usual[field.name]):
            plan[field.name] = value
    asked = {name.removeprefix(MARGIN): value for name, value in cleaned.items() if name.startswith(MARGIN)}
    kept = {key: value for key, value in _mapping(plan.pop("margins", None)).items() if key not in asked}
    if margins := kept | {key: value for key, value in asked.items() if value is not None}:
        plan["margins"] = margins
    return plan


def sentences(rules: object, plan: object) -> list[str]:
    """What a study declares, a sentence each, defaults among them."""
    declared, choices = defaults(RULES) | _mapping(rules), defaults(PLAN) | _mapping(plan)
    told = [_told(field, declared[field.name]) for field in RULE_FIELDS if _holds(field, declared)]
    told += [_told(field, choices[field.name]) for field in PLAN_FIELDS]
    for key, value in _mapping(choices.get("margins")).items():
        told.append(_("A difference of %(m)s counts as none in %(outcome)s.") % {"m": value, "outcome": key})
    return told


def _holds(field: PlanField, declared: Mapping[str, Any]) -> bool:
    """What belongs to the signs says nothing where none is a reason to leave anybody out."""
    value = declared[field.name]
    beside_signs = field.name in ("signs_share", "picture_min_px")
    return bool(declared["signs"]) if beside_signs else value not in (None, False, (), [])


def _told(field: PlanField, value: Any) -> str:
    shown = _asked(field, value)
    if field.kind == "signs":
        shown = ", ".join(str(SIGN_NAMES.get(name, name)) for name in value)
    elif isinstance(shown, float):
        shown = f"{shown:g}"
    return str(field.told).format(shown)


def _form_field(field: PlanField) -> forms.Field:
    common: dict[str, Any] = {"label": field.label, "help_text": field.help, "required": not field.optional}
    bounds: dict[str, Any] = {"min_value": field.lowest, "max_value": field.highest}
    match field.kind:
        case "yes_no":
            return forms.BooleanField(widget=UnfoldBooleanSwitchWidget(), **common)
        case "signs":
            choices = [(name, SIGN_NAMES[name]) for name in SIGNS]
            return forms.MultipleChoiceField(choices=choices, widget=forms.CheckboxSelectMultiple, **common)
        case "whole":
            return forms.IntegerField(widget=UnfoldAdminIntegerFieldWidget(), **common, **bounds)
    return forms.FloatField(widget=UnfoldAdminDecimalFieldWidget(), **common, **bounds)


def _margin(task: Task) -> forms.Field:
    unit = _("points of percent") if task.outcome.kind == "share" else _("scale points")
    return forms.FloatField(
        label=_("%(outcome)s: difference that counts as none") % {"outcome": task.outcome.title},
        help_text=_("In %(unit)s; for tests of equivalence and non-inferiority. Empty: no such test.")
        % {"unit": unit},
        required=False,
        min_value=0.0001,
        widget=UnfoldAdminDecimalFieldWidget(),
    )


def _asked(field: PlanField, value: Any) -> Any:
    """A stored value as the form asks for it."""
    if field.kind == "signs":
        return list(value) if isinstance(value, list | tuple) else []
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return round(100 * value, 6) if field.kind == "share" else value


def _stored(field: PlanField, value: Any) -> Any:
    """An answer of the form as it is stored."""
    if field.kind == "share" and value is not None:
        return round(value / 100, 8)
    return value


def _same(one: Any, other: Any) -> bool:
    return list(one) == list(other) if isinstance(other, tuple) else bool(one == other)


def _mapping(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}
