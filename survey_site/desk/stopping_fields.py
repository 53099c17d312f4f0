"""The fields of a study's form for the families of tests and for what may stop the study early.

They are kept in `Study.analysis_plan` beside what `plan_fields` asks for.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from survey_site.reports.plan_words import title_of
from survey_site.statistics.plan import BY_MEASURE, TOGETHER
from survey_site.statistics.stopping import (
    OBRIEN_FLEMING,
    POCOCK,
    SPENDING_TITLES,
    StoppingRule,
    looks_problem,
)
from survey_site.tasks.contract import Task, outcomes

FAMILIES = "stop-families"
OUTCOME, COLUMN, LOOKS, SPENDING = "stop-outcome", "stop-column", "stop-looks", "stop-spending"
NAMES = (FAMILIES, OUTCOME, COLUMN, LOOKS, SPENDING)
KEYS = ("families", "stopping")  # of the plan, which these fields hold


def fields_of(tasks: Sequence[Task]) -> dict[str, forms.Field]:
    """The fields by name, with the measures of these tasks."""
    measures = [(one.key, one.title) for one in outcomes(tasks)]
    select = UnfoldAdminSelectWidget
    return {
        FAMILIES: forms.ChoiceField(
            label=_("Families of tests"),
            required=False,
            widget=select,
            choices=[
                (BY_MEASURE, _("The columns of each measure")),
                (TOGETHER, _("The columns of all measures together")),
            ],
            help_text=_("What Holm's correction takes together."),
        ),
        OUTCOME: forms.ChoiceField(
            label=_("Early stopping by"),
            required=False,
            widget=select,
            choices=[("", _("Nothing: the study runs to its target")), *measures],
            help_text=_("The measure whose comparisons may stop the study at one of the looks below."),
        ),
        COLUMN: forms.CharField(
            label=_("Primary column"),
            required=False,
            max_length=60,
            widget=UnfoldAdminTextInputWidget(),
            help_text=_(
                "Its comparison with the reference stops the study; empty: it stops when all columns are decided."
            ),
        ),
        LOOKS: forms.CharField(
            label=_("Looks, in participants"),
            required=False,
            max_length=120,
            widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "12, 18, 24"}),
            help_text=_(
                "Rising numbers with commas between; the last one is the number of participants wanted."
            ),
        ),
        SPENDING: forms.ChoiceField(
            label=_("Spending of α over the looks"),
            required=False,
            widget=select,
            choices=[(name, SPENDING_TITLES[name]) for name in (OBRIEN_FLEMING, POCOCK)],
            help_text=_("O'Brien–Fleming stops late and costs little at the end; Pocock stops earlier."),
        ),
    }


def initial(plan: object) -> dict[str, Any]:
    """Values of the fields for a stored plan; of one that is damaged what can be shown."""
    plan = plan if isinstance(plan, Mapping) else {}
    stored = plan.get("stopping")
    rule: Mapping[str, Any] = stored if isinstance(stored, Mapping) else {}
    looks = rule.get("looks")
    return {
        FAMILIES: plan.get("families") or BY_MEASURE,
        OUTCOME: rule.get("outcome") or "",
        COLUMN: rule.get("column") or "",
        LOOKS: ", ".join(map(str, looks)) if isinstance(looks, list | tuple) else "",
        SPENDING: rule.get("spending") or OBRIEN_FLEMING,
    }


def plan_from(cleaned: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, Any]:
    """The plan with what these valid fields say; what is usual is left out, as in a plan that never said it."""
    found = {name: value for name, value in plan.items() if name not in KEYS}
    if cleaned.get(FAMILIES) == TOGETHER:
        found["families"] = TOGETHER
    if cleaned.get(OUTCOME):
        found["stopping"] = StoppingRule(
            cleaned[OUTCOME],
            tuple(looks_of(cleaned.get(LOOKS) or "")),
            cleaned.get(COLUMN) or None,
            cleaned.get(SPENDING) or OBRIEN_FLEMING,
        ).to_mapping()
    return found


def sentences(plan: object) -> list[str]:
    """What a stored plan says of families and stopping, a sentence each."""
    plan = plan if isinstance(plan, Mapping) else {}
    together = plan.get("families") == TOGETHER
    told = [
        str(_("Holm's correction takes the columns of all measures together."))
        if together
        else str(_("Holm's correction takes the columns of each measure together."))
    ]
    try:
        rule = StoppingRule.from_mapping(plan["stopping"]) if plan.get("stopping") else None
    except ValueError as error:
        return [*told, str(error)]
    return [
        *told,
        rule.told(title_of(rule.outcome)) if rule else str(_("Nothing stops the study before its target.")),
    ]


def looks_of(text: str) -> list[int]:
    """Numbers of participants as they are written. Raises ValueError for what is no number."""
    parts = [part for part in re.split(r"[\s,;]+", text.strip()) if part]
    if not all(re.fullmatch(r"[0-9]{1,6}", part) for part in parts):
        raise ValueError(looks_problem(None))
    return [int(part) for part in parts]


def problems(values: Mapping[str, Any], target: int | None) -> list[tuple[str, str]]:
    """What is wrong with these values: (name of the field, a sentence)."""
    if not values.get(OUTCOME):
        if values.get(LOOKS) or values.get(COLUMN):
            return [
                (OUTCOME, str(_("Choose the measure that these looks are about, or empty their fields.")))
            ]
        return []
    found = []
    try:
        looks = looks_of(values.get(LOOKS) or "")
        wrong = looks_problem(looks)
    except ValueError as error:
        looks, wrong = [], str(error)
    if wrong:
        found.append((LOOKS, f"{wrong[:1].upper()}{wrong[1:]}."))
    elif target is not None and looks[-1] != target:
        told = _("The last look is after %(last)d participants, but %(target)d are wanted.")
        found.append((LOOKS, str(told) % {"last": looks[-1], "target": target}))
    if values.get(FAMILIES) == TOGETHER:
        found.append((FAMILIES, str(_("Early stopping is about one measure: its columns are a family."))))
    return found
