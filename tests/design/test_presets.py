"""Presets: valid against the catalogue, feasible, and the first one the published study."""

from collections import Counter

import pytest

from saliency_worker import catalog
from survey_site.design.assignment import Design, plan
from survey_site.design.feasibility import assess
from survey_site.design.halves import Predicted
from survey_site.design.layout import lay_out
from survey_site.design.pools import Candidate
from survey_site.design.presets import PRESETS, Preset
from survey_site.design.spec import ColumnSpec, Spec
from survey_site.protocols.document import RULES
from survey_site.tasks import registry
from survey_site.tasks.settings import TRIALS


def spec_of(preset: Preset) -> Spec:
    columns: dict[str, list[str]] = {}
    for condition in preset.conditions():
        columns.setdefault(condition.column, []).append(
            f"{condition.column} {condition.classifier} {condition.base} {condition.method}"
        )
    return Spec(
        columns=tuple(
            ColumnSpec(
                column.name,
                tuple(columns[column.name]),
                of_class=all(map(catalog.explains_class, column.keys)),
            )
            for column in preset.columns
        ),
        participants=preset.participants,
        seed="preset",
        rules=RULES,
        tasks=tuple(
            registry.task(name).spec(values) for name, values in registry.settings_of(preset.tasks).items()
        ),
        practice_trials=preset.practice_trials,
        attention_checks=preset.attention_checks,
    )


LABELS = [f"class {n % 100}" for n in range(1000)]


def design_of(spec: Spec) -> Design:
    images = enumerate(LABELS[: spec.main_images])
    candidates = [Candidate(f"m{n}", label, right=n % 2 == 0) for n, label in images]
    reserve = [f"r{n}" for n in range(spec.reserve_images)]
    return lay_out(spec, candidates, reserve).design(spec)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_every_preset_can_be_laid_out_and_planned(preset):
    spec = spec_of(preset)
    design = design_of(spec)
    assert assess(spec, LABELS[: spec.main_images], spec.reserve_images).feasible
    scored = Counter(trial.task for trial in plan(design, 0) if trial.column is not None)
    assert scored == {
        task.task: task.per_column * len(spec.columns_of(task)) for task in spec.tasks if task.per_column
    }
    assert set(scored) == set(preset.tasks)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_every_condition_is_known_to_the_catalogue_and_listed_once(preset):
    conditions = list(preset.conditions())
    assert len(set(conditions)) == len(conditions)
    for condition in conditions:
        assert condition.classifier in catalog.CLASSIFIERS
        key = ".".join(part for part in (condition.base, condition.method) if part)
        assert key in catalog.ALL_KEYS


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_one_column_is_the_reference(preset):
    assert {condition.column for condition in preset.conditions() if condition.is_reference} == {"Grad-CAMs"}


def test_table_1_has_the_trial_counts_of_the_published_table():
    preset = PRESETS["feature-cam-table-1"]
    assert [column.name for column in preset.columns] == ["Grad-CAMs", *(f"Ours {n}" for n in range(1, 6))]
    assert preset.participants * preset.tasks["matching"][TRIALS] == 25
    assert preset.participants * preset.tasks["rating"][TRIALS] == 100


def test_the_full_preset_gives_every_condition_the_answers_it_promises():
    preset = PRESETS["feature-cam-full"]
    spec = spec_of(preset)
    design = design_of(spec)
    counts = Counter(
        trial.condition
        for ticket in range(preset.participants)
        for trial in plan(design, ticket)
        if trial.task == "matching" and trial.column is not None
    )
    assert len(counts) == 6 * 27
    assert set(counts.values()) == {8}


def test_the_controls_preset_puts_each_control_into_a_column_of_its_own():
    controls = [c for c in PRESETS["controls"].conditions() if not c.base]
    assert sorted(condition.method for condition in controls) == sorted(catalog.CONTROLS)
    assert len({condition.column for condition in controls}) == 3


def test_the_papers_families_stand_beside_the_six_columns_one_method_of_each():
    columns = PRESETS["papers-families"].columns
    assert [column.name for column in columns[:6]] == ["Grad-CAMs", *(f"Ours {n}" for n in range(1, 6))]
    families = [[catalog.family(catalog.split_key(key)[0]) for key in column.keys] for column in columns]
    assert families[:6] == [["Class activation maps"]] * 6
    others = [title for title in catalog.bases_by_family() if title != "Class activation maps"]
    assert families[6:] == [[title] for title in others]


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_simulated_participants_have_a_planted_effect_for_every_column(preset):
    for name in preset.tasks:
        assert {column.name for column in preset.columns} <= set(registry.task(name).planted)


def test_the_design_of_hive_is_that_of_its_paper():
    preset = PRESETS["hive-agreement"]
    design = design_of(spec_of(preset))
    assert (preset.participants, len(design.tasks[0].items)) == (50, 10)
    for ticket in range(preset.participants):
        counted = [trial for trial in plan(design, ticket) if trial.column is not None]
        kinds = Counter(int(str(trial.target)[1:]) % 2 for trial in counted)
        assert kinds == {0: 5, 1: 5}


def test_does_it_help_is_one_session_of_twenty_minutes_for_three_methods_and_two_controls():
    preset = PRESETS["does-it-help"]
    spec = spec_of(preset)
    half = spec.main_images // 2
    found = assess(spec, LABELS[: spec.main_images], spec.reserve_images, found=Predicted(half, half))
    assert found.feasible and 18 <= found.minutes <= 20
    controls = {c.column for c in preset.conditions() if c.method in catalog.CONTROLS}
    assert (len(preset.columns), len(controls)) == (5, 2)
    order = list(dict.fromkeys(trial.task for trial in plan(design_of(spec), 0)))
    assert order == ["matching", "rating", "distinction", "agreement"]
    shown = {trial.column for trial in plan(design_of(spec), 0) if trial.task == "distinction"}
    assert "Edges only" not in {spec.columns[column].name for column in shown if column is not None}
