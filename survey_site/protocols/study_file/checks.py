"""What is wrong with a study's description, section by section: one line for each key. Reads no study."""

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from saliency_worker import catalog
from survey_site.design.condition_matrix import split
from survey_site.design.presets import PresetCondition
from survey_site.protocols.study_file import layout
from survey_site.protocols.study_file.kinds import Found, listed, mapping
from survey_site.protocols.study_file.layout import at, kind_of, unknown_keys
from survey_site.statistics.plan import AnalysisPlan, DoorRules, QualityRules
from survey_site.studies import demographics, texts
from survey_site.studies.languages import LANGUAGES
from survey_site.tasks import registry

METHOD = re.compile(r"[-a-zA-Z0-9_.]{1,30}")
MOST_COLUMNS, MOST_CONDITIONS = 100, 2000


def fields_of(data: Mapping[str, Any]) -> Found:
    """The columns of the study that the file names, of the right kinds."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    for section, names in layout.FIELDS.items():
        given, wrong = mapping(section, data.get(section))
        problems += wrong + unknown_keys(section, given, names)
        for name in names:
            if name not in given:
                continue
            if why := layout.refuse_value(name, given[name]):
                problems.append(f"{section}.{name}: {why}")
            else:
                values[name] = layout.day_of(given[name]) or given[name]
    return values, problems


def tasks(data: Any) -> Found:
    """The settings by task."""
    given, problems = mapping("tasks", data)
    found: dict[str, Any] = {}
    known = [task.name for task in registry.installed()]
    for name, stored in given.items():
        task, path = registry.named(name), at("tasks", name)
        if task is None:
            problems.append(f"{path}: no such task is installed; the tasks are {', '.join(known)}")
            continue
        settings, wrong = mapping(path, stored)
        problems += wrong + unknown_keys(path, settings, task.default_settings)
        known_settings = {key: value for key, value in settings.items() if key in task.default_settings}
        problems += [f"{path}.{key}: {why}" for key, why in task.problems(known_settings).items()]
        found[name] = task.effective(known_settings)
    return found, problems


def languages(data: Any) -> Found:
    """Codes of languages of the site."""
    codes, problems = listed("languages", data)
    if unknown := [code for code in codes if code not in LANGUAGES]:
        problems.append(
            f"languages: this site does not speak {', '.join(unknown)[:60]}; choose among {', '.join(LANGUAGES)}"
        )
    return codes, problems


def written_texts(data: Any) -> Found:
    """Texts by language and key."""
    given, problems = mapping("texts", data)
    known = texts.keys()
    found: dict[tuple[str, str], str] = {}
    for language, own in given.items():
        path = at("texts", language)
        if language not in LANGUAGES:
            problems.append(f"{path}: this site does not speak it; the languages are {', '.join(LANGUAGES)}")
            continue
        by_key, wrong = mapping(path, own)
        problems += wrong + unknown_keys(path, by_key, known)
        for key, text in by_key.items():
            if not isinstance(text, str):
                problems.append(f"{at(path, key)}: it is {kind_of(text)} and must be text; put it in quotes")
            elif key in known:
                found[language, key] = text
                if key == "demographics":
                    problems += [f"{at(path, key)}: {why}" for why in demographics.problems(text)]
    return found, problems


def conditions(columns: Any, own_models: Any, made_elsewhere: Any) -> Found:
    """The conditions, column by column in the order of the file."""
    models, problems = listed("own_models", own_models)
    uploaded, wrong = listed("made_elsewhere", made_elsewhere)
    problems += wrong
    problems += [
        f"made_elsewhere: {key[:40]!r} is {'a method of this program' if key in catalog.ALL_KEYS else 'no key'}; "
        "name methods whose maps are uploaded, by letters, digits, dots and hyphens, at most 30"
        for key in uploaded
        if key in catalog.ALL_KEYS or not METHOD.fullmatch(key)
    ]
    if columns is not None and not isinstance(columns, list):
        return [], [*problems, f"columns: it is {kind_of(columns)} and must be a list of columns"]
    found: list[PresetCondition] = []
    names: list[str] = []
    for place, given in enumerate((columns or [])[:MOST_COLUMNS]):
        column, wrong = _column(f"columns[{place + 1}]", given, place, set(models), set(uploaded))
        if not wrong and column[0].column in names:
            wrong = [
                f"columns[{place + 1}].column: {column[0].column!r} stands twice; give each a name of its own"
            ]
        problems += wrong
        if column and not wrong:
            names.append(column[0].column)
            found += column
    if len(columns or []) > MOST_COLUMNS or len(found) > MOST_CONDITIONS:
        problems.append(
            f"columns: there are more than {MOST_COLUMNS} columns or {MOST_CONDITIONS} conditions; leave some out"
        )
    return found, problems


def _column(path: str, given: Any, place: int, models: set[str], uploaded: set[str]) -> Found:
    column, problems = mapping(path, given if given is not None else "")
    problems += unknown_keys(path, column, layout.COLUMN)
    name, reference = column.get("column"), column.get("reference", False)
    if not problems and (not isinstance(name, str) or not name.strip() or len(name) > 60):
        problems.append(f"{path}.column: it must be a name of at most 60 signs")
    if not isinstance(reference, bool):
        problems.append(f"{path}.reference: it is {kind_of(reference)} and must be true or false")
    methods, wrong = mapping(f"{path}.methods", column.get("methods"))
    problems += wrong
    if not problems and not any(methods.values()):
        problems.append(
            f"{path}.methods: it names none; list method keys by classifier, such as VGG16: [gradcam]"
        )
    found: list[PresetCondition] = []
    for classifier, keys in methods.items():
        here = at(f"{path}.methods", classifier)
        problems += _refuse_classifier(here, classifier, models)
        keys, wrong = listed(here, keys)
        problems += wrong
        if len(set(keys)) < len(keys):
            problems.append(f"{here}: a method stands twice; name each once")
        for key in keys:
            if why := _refuse_method(key, uploaded):
                problems.append(f"{here}: {why}")
            elif not problems:
                base, method = split(key, dict.fromkeys(uploaded, ""))
                found.append(PresetCondition(str(name), place, classifier, base, method, reference))
    return found, problems


def _refuse_classifier(path: str, name: str, models: set[str]) -> list[str]:
    if name in models or not name:
        return [] if len(name) <= 200 else [f"{path}: the name has more than 200 signs"]
    try:
        exact = catalog.classifier(name).name == name
    except ValueError as error:
        return [f"{path}: {error}; a network of your own is listed under own_models"]
    return [] if exact else [f"{path}: write {catalog.classifier(name).name}"]


def _refuse_method(key: str, uploaded: set[str]) -> str:
    if key in uploaded or key in catalog.ALL_KEYS:
        return ""
    try:
        catalog.split_key(key)
    except ValueError as error:
        return f"{error}; a method whose maps are uploaded is listed under made_elsewhere"
    return f"there is no method {key[:40]!r}"


def rules(data: Any) -> Found:
    """The exclusion rules."""
    given, problems = mapping("exclusion_rules", data)
    known = {f.name: f for kind in (QualityRules, DoorRules) for f in fields(kind)}
    problems += unknown_keys("exclusion_rules", given, known)
    for name, value in given.items():
        if name in known and isinstance(value, bool) != (known[name].type is bool):
            want = "true or false" if known[name].type is bool else "a number, a list of signs or null"
            problems.append(f"exclusion_rules.{name}: it is {kind_of(value)} and must be {want}")
    return given, problems or _refused("exclusion_rules", lambda: QualityRules.from_mapping(given))


def plan(data: Any, target: int) -> Found:
    """The analysis plan. target: participants wanted."""
    given, problems = mapping("analysis_plan", data)
    known = {f.name: f for f in fields(AnalysisPlan)}
    problems += unknown_keys("analysis_plan", given, known)
    for name in ("level", "resamples", "seed", "model_rows_max"):
        value, whole = given.get(name, 1), name != "level"
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            problems.append(
                f"analysis_plan.{name}: it is {kind_of(value)} and must be a {'whole ' if whole else ''}number"
            )
    measures = [task.outcome.key for task in registry.installed()]
    margins = given.get("margins")
    if isinstance(margins, dict):
        problems += unknown_keys("analysis_plan.margins", margins, measures)
    if problems:
        return given, problems
    problems = _refused("analysis_plan", lambda: AnalysisPlan.from_mapping(given))
    rule = None if problems else AnalysisPlan.from_mapping(given).stopping
    if rule and rule.looks[-1] != target:
        problems.append(
            f"analysis_plan.stopping.looks: the last look is after {rule.looks[-1]} participants, but "
            f"design.target_participants is {target}; make them equal"
        )
    return given, problems


def _refused(path: str, build: Any) -> list[str]:
    try:
        build()
    except (ValueError, TypeError) as error:
        return [f"{path}: {error}"]
    return []
