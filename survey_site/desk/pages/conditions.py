"""The page on which a researcher picks a preset or ticks methods and classifiers. All or nothing."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from saliency_worker import catalog
from survey_site.design import condition_matrix
from survey_site.design.presets import PRESETS, Preset, PresetCondition
from survey_site.desk.seen_values import SEEN, digest, once_more, overwriting
from survey_site.desk.shell import page
from survey_site.stimuli import weights
from survey_site.stimuli.import_maps import labels_of
from survey_site.stimuli.own_models import usable
from survey_site.studies import audit, changes
from survey_site.studies.editing import editing
from survey_site.studies.models import Condition, Study
from survey_site.tasks.registry import settings_of
from survey_site.trials.models import Trial

DESIGN = ("target_participants", "task_settings", "practice_trials", "attention_checks")  # what a preset sets


@require_http_methods(["GET", "POST"])
def conditions(request: HttpRequest, study: Study) -> HttpResponse:
    """Shows the matrix; a POST with `preset` or with ticks replaces the draft's conditions.

    One with `list` saves nothing: it shows the combinations of one more base, with the ticks as they were sent.
    """
    present, refused = [(c.key, c.classifier, c.column) for c in study.conditions.all()], ""
    newest = str(request.POST.get("more", "")) if "list" in request.POST else ""
    asked = [base for base in (*request.POST.getlist("listed"), newest) if base in condition_matrix.COMBINED]
    if "list" in request.POST:
        present = _ticked(request.POST)
    elif request.method == "POST":
        with editing(study) as study:
            refused = overwriting_of(study, request.POST)
            if not refused:
                _save(request, study)
                return redirect("admin:study_conditions", study.pk)
        messages.error(request, refused)
        if "preset" not in request.POST:
            present = _ticked(request.POST)
    known = [*catalog.CLASSIFIERS, *usable(study)]
    uploaded = labels_of(study)
    named = {name for _key, name, _column in present} | {name for name, _key in uploaded}
    others = sorted(named - set(known))
    shown = condition_matrix.bases_shown(present, asked)
    labels = {key: label for (_name, key), label in uploaded.items()}
    response = page(
        request,
        "desk/conditions.html",
        study,
        _("Conditions"),
        groups=[
            (
                title,
                rows,
                not number
                or any(row.ticked for row in rows)
                or title == condition_matrix.COMBINED.get(newest),
            )
            for number, (title, rows) in enumerate(condition_matrix.rows(present, labels, asked))
        ],
        listed=[base for base in shown if base in asked],
        unlisted=[(base, catalog.label(base)) for base in condition_matrix.COMBINED if base not in shown],
        classifiers=[*known, *others],
        lacking=weights.missing(catalog.CLASSIFIERS),
        presets=PRESETS.values(),
        seen=digest(told(study)),
        seen_design=digest(design_told(study)),
    )
    response.status_code = 409 if refused else 200
    return response


def told(study: Study) -> list[str]:
    """The conditions as people read them, and as two editors' are compared."""
    return [f"{c.column}: {c.classifier} {c.key}" for c in study.conditions.all()]


def recorded(study: Study) -> list[str]:
    """`told` with place and reference, as the audit log compares them."""
    return [
        f"{c.column}: {c.classifier} {c.key} ({c.column_order}{', reference' if c.is_reference else ''})"
        for c in study.conditions.all()
    ]


def design_told(study: Study) -> dict[str, Any]:
    """What else a preset replaces."""
    return {name: getattr(study, name) for name in DESIGN}


def overwriting_of(study: Study, data: QueryDict) -> str:
    """Why this save would overwrite what somebody else has saved since the page was opened; empty where it would not."""
    by_preset = "preset" in data
    seen, now = data.get(SEEN), told(study)
    mine = [str(data.get("preset"))] if by_preset else _wanted(study, data)
    found = []
    if seen not in (None, digest(now)) and sorted(mine) != sorted(now):
        found.append(overwriting("; ".join(now), "; ".join(mine)))
    seen_design, design = data.get("seen_design"), design_told(study)
    if by_preset and seen_design not in (None, digest(design)):
        found.append(overwriting(design, mine[0]))
    return " ".join([*found, once_more()]) if found else ""


def _ticked(data: QueryDict) -> list[tuple[str, str, str]]:
    """(key, classifier, column) of every box that was ticked."""
    pairs = [(key, name) for key, _bar, name in (value.partition("|") for value in data.getlist("tick"))]
    return [(key, name, str(data.get(f"column:{key}", ""))) for key, name in pairs]


def _wanted(study: Study, data: QueryDict) -> list[str]:
    try:
        made = _matrix(study, data)
    except ValueError:  # said by the save itself
        return [f"{column}: {name} {key}" for key, name, column in _ticked(data)]
    return [f"{c.column}: {c.classifier} {catalog.join_key(c.base, c.method)}" for c in made]


def _save(request: HttpRequest, study: Study) -> None:
    before, design = recorded(study), changes.of_study(study)
    try:
        with transaction.atomic():
            count = change(study, request.POST)
    except (condition_matrix.BadMatrix, ValueError) as error:
        messages.error(request, str(error))
    else:
        phrases = changes.told_of_lists(before, recorded(study)) + changes.told(
            design, changes.of_study(study)
        )
        audit.record_changes(request, study, "conditions saved", phrases)
        messages.success(request, _("%d conditions saved.") % count)


def change(study: Study, data: QueryDict) -> int:
    """Replaces the conditions of a draft; returns how many there are now."""
    if not study.is_editable:
        raise condition_matrix.BadMatrix("The study is sealed; make a new version to change its conditions.")
    if "preset" in data:
        preset = PRESETS.get(str(data["preset"]))
        if preset is None:
            raise condition_matrix.BadMatrix("Choose one of the presets.")
        return apply_preset(study, preset, data.getlist("classifier"))
    return replace(study, _matrix(study, data))


def _matrix(study: Study, data: QueryDict) -> list[PresetCondition]:
    """The conditions that the ticks ask for; raises ValueError."""
    uploaded = labels_of(study)
    labels = {key: label for (_name, key), label in uploaded.items()}
    ticks = [(key, name) for key, name, _column in _ticked(data)]
    known = {*catalog.CLASSIFIERS, *usable(study), *(name for name, _key in uploaded)}
    known |= {condition.classifier for condition in study.conditions.all()}
    for key, name in ticks:
        if name not in known:
            raise condition_matrix.BadMatrix(
                f"The study has no classifier {name!r}; register it on the page “Own models” first."
            )
        if key in labels and (name, key) not in uploaded:
            raise condition_matrix.BadMatrix(
                f"No maps of {labels[key]} were uploaded for {name}; untick that box."
            )
    columns = {
        key.removeprefix("column:"): str(value) for key, value in data.items() if key.startswith("column:")
    }
    return condition_matrix.conditions(ticks, columns, uploaded=labels)


def apply_preset(study: Study, preset: Preset, classifiers: list[str]) -> int:
    """Fills design and conditions from a preset, with these classifiers where any are given."""
    own = usable(study)
    chosen = [name if name in own else catalog.classifier(name).name for name in classifiers if name]
    chosen = chosen or list(preset.classifiers)
    first = preset.classifiers[0]
    template = [c for c in preset.conditions() if c.classifier == first]
    made = [
        PresetCondition(c.column, c.column_order, name, c.base, c.method, c.is_reference)
        for c in template
        for name in chosen
    ]
    study.target_participants = preset.participants
    study.task_settings = settings_of(preset.tasks)
    study.practice_trials = preset.practice_trials
    study.attention_checks = preset.attention_checks
    study.replicates_paper = preset.replicates_paper
    return replace(study, made, save=True)


def replace(study: Study, made: list[PresetCondition], *, save: bool = False) -> int:
    """Stores these conditions instead of the present ones, in one transaction; those that stay keep their row.

    Raises BadMatrix where a condition that participants were shown would go: their answers hang on it.
    """
    with transaction.atomic():
        if save:
            study.save()
        present = {(c.column, c.classifier, c.base, c.method): c for c in study.conditions.all()}
        for c in made:
            row = present.pop((c.column, c.classifier, c.base, c.method), None) or Condition(
                study=study, column=c.column, classifier=c.classifier, base=c.base, method=c.method
            )
            row.column_order, row.is_reference = c.column_order, c.is_reference
            row.save()
        going = study.conditions.filter(pk__in=[c.pk for c in present.values()])
        # Asked of the index: to say what protects them, Django would fetch every trial and every answer.
        shown = {str(c) for c in going.filter(Exists(Trial.objects.filter(condition=OuterRef("pk"))))}
        if shown:
            raise condition_matrix.BadMatrix(
                f"Participants of an earlier version were shown {', '.join(sorted(shown)[:3])}; keep these conditions, "
                "or set up a study of its own without them."
            )
        going.delete()
    return len(made)
