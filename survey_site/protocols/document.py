"""From a study's rows to the protocol's document, and from a document to the plain design of an assignment."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

from saliency_worker import catalog
from survey_site.design.assessment import Assessment, DesignFinding
from survey_site.design.assignment import Design
from survey_site.design.feasibility import assess
from survey_site.design.layout import Layout, deal_reserve, main_stimuli
from survey_site.design.pools import Candidate, Pool
from survey_site.design.spec import ColumnSpec, Rules, Spec
from survey_site.protocols import predictions
from survey_site.protocols.models import Protocol
from survey_site.protocols.searched_pools import after_search
from survey_site.protocols.shown_maps import ShownMap
from survey_site.protocols.shown_together import explains_class
from survey_site.recruitment.models import Recruitment
from survey_site.statistics.plan import FEW_ITEMS, TWO_WAY_T, DoorRules, QualityRules
from survey_site.stimuli import own_models
from survey_site.stimuli.models import Stimulus, StimulusFeatures
from survey_site.studies.facts import facts_of
from survey_site.studies.models import Condition, Study
from survey_site.tasks import registry
from survey_site.tasks.contract import Task

FORMAT = 2
RULES = Rules(few_items=FEW_ITEMS)
SETTINGS = (
    "practice_trials",
    "attention_checks",
    "trial_timeout_s",
    "count_unknown_seen",
    "target_participants",
    "lease_minutes",
    "resume_days",
    "image_px",
    "colour_map",
    "edges",
    "seed",
)
# Younger than the format: named where they are set, so that older documents keep their hash.
LATER_SETTINGS = ("window_width_px", "window_height_px", "explain_own_class", "overlay")


def columns(conditions: Sequence[Condition]) -> list[tuple[str, list[Condition]]]:
    """Table-1 columns in order, each with its conditions in order."""
    grouped: dict[str, list[Condition]] = {}
    for condition in conditions:
        grouped.setdefault(condition.column, []).append(condition)
    return list(grouped.items())


def spec_of(study: Study) -> Spec:
    """The study's choices as plain data; conditions are named by their keys."""
    return Spec(
        columns=tuple(
            ColumnSpec(
                name,
                tuple(f"{c.classifier} {c.key}" for c in members),
                of_class=all(explains_class(c.key) for c in members),
            )
            for name, members in columns(list(study.conditions.all()))
        ),
        participants=study.target_participants,
        seed=str(study.seed),
        rules=RULES,
        tasks=tuple(task.spec(study.settings_of(task)) for task in tasks_of(study)),
        practice_trials=study.practice_trials,
        attention_checks=study.attention_checks,
    )


def tasks_of(study: Study) -> tuple[Task, ...]:
    """The installed tasks that the study has trials of; `assessment_of` says which others stand in its way."""
    return registry.known(study.task_settings)


def assessment_of(study: Study) -> Assessment:
    """What the study needs and what stands in its way, before anything is computed."""
    roles = list(study.stimuli.values_list("role", "stimulus_class"))
    labels = [stimulus_class for role, stimulus_class in roles if role == Stimulus.Role.MAIN]
    told = [
        DesignFinding("task", f"The task “{unknown.name}” is not installed.", unknown.change, blocking=True)
        for unknown in registry.missing(study.task_settings)
    ]
    if study.overlay and any(task.spec(study.settings_of(task)).pooled for task in tasks_of(study)):
        told.append(
            DesignFinding(
                "overlay",
                "Maps lie over their photo, so that whoever sees one knows which photo it is of.",
                "Leave the overlay out, or the tasks in which participants choose among photos.",
            )
        )
    told += [finding for task in tasks_of(study) for finding in task.findings(study.settings_of(task))]
    scored_by = predictions.asked_for(study, tasks_of(study))
    told += predictions.findings(study, scored_by)
    try:
        QualityRules.from_mapping(study.exclusion_rules)
    except (TypeError, ValueError) as error:
        told.append(
            DesignFinding("rules", f"Of the exclusion rules: {error}.", "Correct them.", blocking=True)
        )
    spare = [stimulus_class for role, stimulus_class in roles if role != Stimulus.Role.MAIN]
    counted = predictions.counted(study) if scored_by else None
    found = assess(spec_of(study), labels, reserve=len(spare), more=told, reserve_labels=spare, found=counted)
    return replace(found, findings=(*found.findings, *_about_haste(study, found)))


def _about_haste(study: Study, found: Assessment) -> Iterator[DesignFinding]:
    """A provider pays for a code: without a declared least time a script has it in seconds."""
    recruitment: Recruitment | None = getattr(study, "recruitment", None)
    rules = study.exclusion_rules if isinstance(study.exclusion_rules, dict) else {}
    declared = any(rules.get(rule.name) is not None for rule in fields(DoorRules))
    if recruitment and recruitment.provider != Recruitment.Provider.LINK and not declared and found.minutes:
        yield DesignFinding(
            "haste",
            "No least time is declared: whoever finishes within seconds, as a script does, is given the completion code.",
            f"Declare finish_min_s among the exclusion rules, such as {math.ceil(found.minutes * 15)} (a quarter of the "
            "time that the design takes).",
        )


def candidates_of(study: Study, stimuli: Sequence[Stimulus]) -> list[Candidate]:
    """The stimuli as candidates for pools, with the feature vectors that the worker stored.

    Where a task is scored by what the network predicts they say whether it is right.
    """
    features = dict(
        StimulusFeatures.objects.filter(stimulus__study=study)
        .order_by("-classifier")
        .values_list("stimulus__key", "vector")
    )
    rights: dict[str, bool | None] = {}
    if predictions.asked_for(study, tasks_of(study)):
        classes = {s.key: s.stimulus_class for s in stimuli}
        rights = predictions.rights_of(predictions.labels_of(study), classes)
    return [
        Candidate(
            s.key,
            s.stimulus_class,
            tuple(features[s.key]) if s.key in features else None,
            rights.get(s.key),
        )
        for s in stimuli
    ]


def document_of(
    study: Study, maps: Iterable[ShownMap], *, image_px: int, texts: dict[str, dict[str, str]]
) -> dict[str, Any]:
    """The protocol of a study and its shown maps as JSON-able data; the same study gives the same document."""
    return outline(study, image_px=image_px, texts=texts) | {"maps": [shown.entry() for shown in maps]}


def outline(study: Study, *, image_px: int, texts: dict[str, dict[str, str]]) -> dict[str, Any]:
    """The document without its maps: enough to plan a participant's trials, whatever is computed yet.

    Raises UnknownTask where a task of the study is not installed.
    """
    tasks = registry.of(study.task_settings)
    stimuli = list(study.stimuli.order_by("key"))
    main = [s for s in stimuli if s.role == Stimulus.Role.MAIN]
    spec = spec_of(study)
    items = after_search(study, spec, main_stimuli(spec, candidates_of(study, main)))
    settings = {name: getattr(study, name) for name in SETTINGS} | {"image_px": image_px}
    settings |= {
        name: value for name in LATER_SETTINGS if (value := getattr(study, name)) not in (None, False)
    }
    return {
        "format": FORMAT,
        "study": study_part(study),
        "design": settings,
        "tasks": {task.name: task.sealed(study.settings_of(task)) for task in tasks},
        "conditions": [
            {
                "column": c.column,
                "column_order": c.column_order,
                "classifier": c.classifier,
                "base": c.base,
                "method": c.method,
                "is_reference": c.is_reference,
            }
            for c in study.conditions.all()
        ],
        "stimuli": [
            {
                "key": s.key,
                "class": s.stimulus_class,
                "role": s.role,
                "sha256": s.sha256,
                "width": s.width,
                "height": s.height,
            }
            for s in stimuli
        ],
        "items": {
            task: [{"stimuli": list(group.stimuli), "similarity": group.similarity} for group in groups]
            for task, groups in items.items()
        },
        "reserve": [s.key for s in stimuli if s.role == Stimulus.Role.RESERVE],
        "texts": texts,
        "facts": facts_of(study),
        "exclusion_rules": study.exclusion_rules,
        # What “significant” will mean is decided here, not when the data are seen.
        "analysis_plan": {"confirmatory_test": TWO_WAY_T} | study.analysis_plan,
        **_regions(stimuli),
        **_own_models(study),
        **_predictions(study, tasks),
    }


def _regions(stimuli: Iterable[Stimulus]) -> dict[str, Any]:
    """What the images' regions are, where any has one: a document without them stays what it was."""
    found = {s.key: s.region_sha256 for s in stimuli if s.region_sha256}
    return {"regions": found} if found else {}


def _own_models(study: Study) -> dict[str, Any]:
    """The networks that researchers brought, where conditions use any: a document without them stays what it was."""
    found = own_models.definitions(study, [c.classifier for c in study.conditions.all()])
    return {"models": found} if found else {}


def _predictions(study: Study, tasks: Iterable[Task]) -> dict[str, Any]:
    """What the networks predict, where a task is scored by it: a document without them stays what it was."""
    return {"predictions": predictions.labels_of(study)} if predictions.asked_for(study, tasks) else {}


def study_part(study: Study) -> dict[str, Any]:
    """What the study is called, and until when it takes participants where that is said."""
    named = {"slug": study.slug, "title": study.title}
    return named | ({"closes_on": study.closes_on.isoformat()} if study.closes_on else {})


def design_of_document(
    doc: dict[str, Any], condition_ids: dict[tuple[str, str, str, str], int] | None = None
) -> Design:
    """The plain design of a document. Conditions are row ids where given, else their positions.

    Raises UnknownTask for a task that is not installed.
    """
    settings = doc["design"]
    grouped: dict[str, list[int]] = {}
    of_no_class = {
        c["column"] for c in doc["conditions"] if not explains_class(catalog.join_key(c["base"], c["method"]))
    }
    for position, entry in enumerate(doc["conditions"]):
        identity = (entry["column"], entry["classifier"], entry["base"], entry["method"])
        grouped.setdefault(entry["column"], []).append(_condition(condition_ids, identity, position))
    spec = Spec(
        columns=tuple(
            ColumnSpec(name, tuple(ids), of_class=name not in of_no_class) for name, ids in grouped.items()
        ),
        participants=settings["target_participants"],
        seed=str(settings["seed"]),
        rules=RULES,
        tasks=tuple(task.spec(chosen) for task, chosen in registry.chosen(doc["tasks"])),
        practice_trials=settings["practice_trials"],
        attention_checks=settings["attention_checks"],
    )
    items = {
        name: tuple(Pool(tuple(group["stimuli"]), group["similarity"]) for group in groups)
        for name, groups in doc["items"].items()
    }
    classes = {entry["key"]: entry["class"] for entry in doc.get("stimuli", ())}
    return Layout(items, deal_reserve(spec, doc["reserve"], classes)).design(spec)


def _condition(
    ids: dict[tuple[str, str, str, str], int] | None, identity: tuple[str, str, str, str], position: int
) -> int:
    """Row id; −1, −2 … for a condition that a later version dropped: nobody was or will be shown it."""
    return position if ids is None else ids.get(identity, -1 - position)


def design_of(protocol: Protocol) -> Design:
    """The design that a sealed protocol's tickets are planned from; conditions are row ids, stimuli keys."""
    ids = {
        (c.column, c.classifier, c.base, c.method): c.pk
        for c in Condition.objects.filter(study_id=protocol.study_id)
    }
    return design_of_document(protocol.content, ids)
