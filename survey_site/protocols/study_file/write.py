"""A study as plain data and as the text of a file: the same study gives the same bytes."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from saliency_worker import catalog
from survey_site.protocols.study_file import layout, plain_yaml
from survey_site.stimuli.models import Stimulus
from survey_site.stimuli.uploaded_maps import is_uploaded
from survey_site.studies import texts
from survey_site.studies.models import Study
from survey_site.tasks import registry

Part = dict[str, Any]


def file_of(study: Study) -> str:
    """The study's description as YAML."""
    return plain_yaml.written(description_of(study), layout.HEAD)


def description_of(study: Study, *, images: bool = True) -> Part:
    """All that is decided about the study before its data, in the order of the file; parts that are empty are left out."""
    fields = {
        section: {name: _plain(getattr(study, name)) for name in names}
        for section, names in layout.FIELDS.items()
    }
    parts: Part = fields | {
        layout.MARK: layout.VERSION,
        "languages": study.languages,
        "tasks": {name: _settings(study, name) for name in sorted(study.task_settings)},
        "columns": _columns(study),
        "own_models": _own_models(study),
        "made_elsewhere": sorted({c.key for c in study.conditions.all() if is_uploaded(c.key)}),
        "exclusion_rules": _ordered(study.exclusion_rules),
        "analysis_plan": _ordered(study.analysis_plan),
        "texts": texts.own_texts(study),
        "images": _images(study) if images else {},
    }
    return {name: parts[name] for name in layout.SECTIONS if parts[name] not in ({}, [])}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _ordered(value: Any) -> Any:
    """With the keys of every mapping in the order of the alphabet: a database gives them in an order of its own."""
    if isinstance(value, Mapping):
        return {name: _ordered(value[name]) for name in sorted(value)}
    return [_ordered(one) for one in value] if isinstance(value, list | tuple) else value


def _settings(study: Study, name: str) -> Part:
    """The settings of a task as they hold, in its own order; those of a task that is not installed as they are stored."""
    stored = study.task_settings[name]
    task = registry.named(name)
    if task is None:
        return dict(_ordered(stored))
    known = [setting.name for setting in task.settings]
    held = study.settings_of(task)
    return {key: _ordered(held[key]) for key in (*known, *sorted(held.keys() - set(known)))}


def _columns(study: Study) -> list[Part]:
    rows = sorted(
        study.conditions.all(), key=lambda c: (c.column_order, c.column, c.classifier, c.base, c.method)
    )
    found: dict[str, Part] = {}
    for row in rows:
        column = found.setdefault(row.column, {"reference": False, "methods": {}})
        column["reference"] |= row.is_reference
        column["methods"].setdefault(row.classifier, set()).add(row.key)
    return [
        {"column": name}
        | ({"reference": True} if column["reference"] else {})
        | {"methods": {one: sorted(column["methods"][one]) for one in sorted(column["methods"])}}
        for name, column in found.items()
    ]


def _own_models(study: Study) -> list[str]:
    names = {c.classifier for c in study.conditions.all()}
    return sorted(name for name in names if name and name not in catalog.CLASSIFIERS)


def _images(study: Study) -> dict[str, list[Part]]:
    """By class, each with what is not usual."""
    found: dict[str, list[Part]] = {}
    rows = sorted(study.stimuli.all(), key=lambda row: (row.stimulus_class, row.key))
    for row in rows:
        told = {"role": row.role} if row.role != Stimulus.Role.MAIN else {}
        more = {name: value for name in ("sha256", "source", "licence") if (value := getattr(row, name))}
        found.setdefault(row.stimulus_class, []).append({"name": row.key} | told | more)
    return found
