"""A study as a file: out and in again gives the same bytes; what is wrong is said beside its key, and nothing is made."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saliency_worker import catalog
from survey_site.protocols.study_file import layout, read, write
from survey_site.protocols.study_file.read import BadStudyFile
from survey_site.statistics.plan import SIGNS
from survey_site.stimuli.models import Stimulus
from survey_site.studies.languages import LANGUAGES
from survey_site.studies.models import Condition, Study, StudyText
from survey_site.studies.texts import keys
from survey_site.tasks import registry
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
LEAST = "saliency_survey_study: 1\nstudy: {title: Birds, slug: birds}\n"

TWICE = "{column: A, methods: {VGG16: [cam]}}"

LINE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30).filter(str.strip)
PROSE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=80)
DAYS = st.none() | st.dates(date(2000, 1, 1), date(2900, 1, 1))
SMALL = st.integers(1, 500)
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,12}", fullmatch=True)


def _value(setting: Any) -> st.SearchStrategy[Any]:
    match setting.kind:
        case "whole":
            return st.integers(setting.minimum or 0, setting.maximum or 50)
        case "yes_no":
            return st.booleans()
        case "choice":
            return st.sampled_from([choice for choice, _label in setting.choices])
        case "groups":
            return st.lists(st.lists(NAMES, max_size=3), max_size=3)
    return st.just(setting.default)


TASKS = st.fixed_dictionaries(
    {},
    optional={
        task.name: st.fixed_dictionaries({}, optional={s.name: _value(s) for s in task.settings})
        for task in registry.installed()
    },
)
STUDIES = st.fixed_dictionaries(
    {
        "title": LINE,
        "closes_on": DAYS,
        "replicates_paper": st.booleans(),
        "require_rehearsal": st.booleans(),
        "controller": st.just("") | LINE,
        "contact": st.just("") | LINE,
        "ethics_number": st.just("") | LINE,
        "ids_erased_on": DAYS,
        "target_participants": SMALL,
        "practice_trials": st.integers(0, 5),
        "attention_checks": st.integers(0, 5),
        "trial_timeout_s": st.none() | SMALL,
        "window_width_px": st.none() | st.integers(160, 4000),
        "count_unknown_seen": st.booleans(),
        "lease_minutes": SMALL,
        "seed": st.integers(0, 2**48),
        "colour_map": st.sampled_from(sorted(catalog.COLOUR_MAPS)),
        "edges": st.sampled_from(sorted(catalog.EDGE_MODELS)),
        "image_px": st.none() | st.integers(64, 1024),
        "overlay": st.booleans(),
        "task_settings": TASKS,
        "languages": st.lists(st.sampled_from(sorted(LANGUAGES)), unique=True),
        "exclusion_rules": st.fixed_dictionaries(
            {},
            optional={
                "failed_checks": st.none() | SMALL,
                "rt_min_ms": st.none() | st.floats(0, 1e6),
                "straight_lining": st.booleans(),
                "signs": st.lists(st.sampled_from(SIGNS), unique=True),
                "finish_min_s": st.none() | SMALL,
            },
        ),
        "analysis_plan": st.fixed_dictionaries(
            {},
            optional={
                "level": st.floats(0.5, 0.999),
                "resamples": st.integers(99, 9999),
                "margins": st.dictionaries(
                    st.sampled_from([t.outcome.key for t in registry.installed()]), st.floats(0.001, 50)
                ),
            },
        ),
    }
)
CLASSIFIERS = st.sampled_from(["VGG16", "MobileNetV2", "my-net", ""])
METHODS = st.sampled_from(
    [("gradcam", ""), ("gradcam", "add-edges"), ("", "edges"), ("", "mine"), ("cam", "")]
)
CONDITIONS = st.lists(
    st.tuples(LINE, st.integers(0, 3), CLASSIFIERS, METHODS, st.booleans()),
    max_size=6,
    unique_by=lambda c: (c[0], c[2], c[3]),
)
TEXTS = st.dictionaries(
    st.tuples(st.sampled_from(sorted(LANGUAGES)), st.sampled_from(sorted(set(keys()) - {"demographics"}))),
    PROSE,
    max_size=4,
)
IMAGES = st.lists(
    st.tuples(NAMES, st.just("") | LINE, st.sampled_from(Stimulus.Role.values), LINE, st.integers(0, 3)),
    max_size=4,
    unique_by=(lambda i: i[0], lambda i: i[4]),
)


def shelf() -> Study:
    """A study that holds four pictures, where descriptions find theirs."""
    return factories.draft("shelf", images=4, reserve=0, methods=("gradcam",))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STUDIES, CONDITIONS, TEXTS, IMAGES)
def test_out_and_in_and_out_again_gives_the_same_bytes(
    values: dict[str, Any], conditions: Any, texts: Any, images: Any
) -> None:
    with transaction.atomic():
        pictures = list(shelf().stimuli.order_by("key"))
        study = Study.objects.create(slug="random", **values)
        for column, order, classifier, (base, method), reference in conditions:
            Condition.objects.create(
                study=study, column=column, column_order=order, classifier=classifier,
                base=base, method=method, is_reference=reference,
            )  # fmt: skip
        for (language, key), text in texts.items():
            StudyText.objects.create(study=study, language=language, key=key, markdown=text)
        for name, label, role, source, place in images:
            facts = {field: getattr(pictures[place], field) for field in read.COPIED}
            Stimulus.objects.create(
                study=study, key=name, stimulus_class=label, role=role, source=source, **facts
            )
        study.refresh_from_db()
        first = write.file_of(study)
        study.delete()
        again = read.make(read.read_file(first.encode()), None, visible=Study.objects.all())
        assert write.file_of(Study.objects.get(pk=again.pk)) == first
        transaction.set_rollback(True)


def test_every_column_of_a_study_is_in_the_file_or_left_out_on_purpose() -> None:
    left_out = {"id", "state", "origin", "owner", "created_at", "seal"}
    elsewhere = {"task_settings": "tasks", "languages": "", "exclusion_rules": "", "analysis_plan": ""}
    named = {name for names in layout.FIELDS.values() for name in names} | set(elsewhere)
    assert named | left_out == {field.name for field in Study._meta.concrete_fields}
    assert {other or name for name, other in elsewhere.items()} <= set(layout.SECTIONS)


def test_the_least_description_takes_every_default() -> None:
    made = read.make(read.read_file(LEAST.encode()), None)
    plain = Study(title="Birds", slug="birds")
    for field in Study._meta.concrete_fields:
        if field.name not in ("id", "created_at", "seed", "seal", "task_settings"):
            assert getattr(made, field.name) == getattr(plain, field.name), field.name
    assert made.task_settings == {}  # a task that is not named has no trials


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("desing: {}", "desing: there is no such key; did you mean design?"),
        ("design: {target_participant: 3}", "did you mean target_participants"),
        ("design: {target_participants: many}", "design.target_participants: it is text and must be a whole number"),
        ("design: {target_participants: true}", "it is true or false and must be a whole number"),
        ("design: {target_participants: 0}", "design.target_participants: Ensure this value is greater"),
        ("design: {target_participants: 99999999999}", "must be between 0 and"),
        ("design: {target_participants: null}", "it is empty"),
        ("design: {seed: -1}", "design.seed: it must be between"),
        ("design: [1]", "design: it is a list and must be keys with values"),
        ("design: {window_width_px: 5}", "design.window_width_px: Ensure"),
        ("facts: {contact: 12}", "facts.contact: it is a number and must be text; put it in quotes"),
        ("facts: {ids_erased_on: soon}", "facts.ids_erased_on: it must be a day"),
        ("facts: {ids_erased_on: 2031-13-01}", "it must be a day"),
        ("maps: {colour_map: puce}", "maps.colour_map: Value 'puce' is not a valid choice"),
        ("languages: [tlh]", "languages: this site does not speak tlh"),
        ("languages: en", "languages: it must be a list"),
        ("tasks: {guessing: {}}", "tasks.guessing: no such task is installed; the tasks are matching"),
        ("tasks: {matching: {pool_size: huge}}", "tasks.matching.pool_size: must be a whole number"),
        ("tasks: {matching: {pool: 3}}", "tasks.matching.pool: there is no such key; did you mean pool_size?"),
        ("tasks: [matching]", "tasks: it is a list"),
        ("columns: {}", "columns: it is a mapping and must be a list"),
        ("columns: [{column: A, methods: {VGG61: [gradcam]}}]", "columns[1].methods.VGG61: "),
        ("columns: [{column: A, methods: {vgg16: [gradcam]}}]", "columns[1].methods.vgg16: write VGG16"),
        ("columns: [{column: A, methods: {VGG16: [gradcamm]}}]", "columns[1].methods.VGG16: "),
        ("columns: [{column: A, methods: {VGG16: [gradcam, gradcam]}}]", "a method stands twice"),
        ("columns: [{column: A, methods: {VGG16: []}}]", "it names none"),
        ("columns: [{column: A}]", "columns[1].methods: it names none"),
        ("columns: [{methods: {VGG16: [gradcam]}}]", "columns[1].column: it must be a name"),
        ("columns: [x]", "columns[1]: it is text"),
        ("columns: [null]", "columns[1]: it is text"),
        (f"columns: [{TWICE}, {TWICE}]", "columns[2].column: 'A' stands twice"),
        ("columns: [{column: A, reference: 1, methods: {VGG16: [cam]}}]", "reference: it is a number"),
        ("made_elsewhere: [gradcam]", "is a method of this program"),
        ("made_elsewhere: ['a b']", "is no key"),
        ("exclusion_rules: {failed: 2}", "exclusion_rules.failed: there is no such key"),
        ("exclusion_rules: {failed_checks: true}", "exclusion_rules.failed_checks: it is true or false"),
        ("exclusion_rules: {failed_checks: -1}", "exclusion_rules: exclusion rules must be numbers"),
        ("exclusion_rules: {signs: [odd]}", "signs is a list of these names"),
        ("analysis_plan: {levle: 0.9}", "did you mean level?"),
        ("analysis_plan: {level: 2}", "analysis_plan: level must be"),
        ("analysis_plan: {level: high}", "analysis_plan.level: it is text and must be a number"),
        ("analysis_plan: {margins: {fath: 3}}", "analysis_plan.margins.fath"),
        ("analysis_plan: {stopping: {outcome: faith, looks: [12, 20]}}", "make them equal"),
        ("analysis_plan: {stopping: {outcome: faith, look: [12, 24]}}", "unknown settings of the stopping rule"),
        ("texts: {en: {welcom: Hi}}", "texts.en.welcom: there is no such key; did you mean welcome?"),
        ("texts: {xx: {welcome: Hi}}", "texts.xx: this site does not speak it"),
        ("texts: {en: {welcome: 3}}", "texts.en.welcome: it is a number and must be text"),
        ("texts: {en: {demographics: what}}", "texts.en.demographics: "),
        ("images: [a]", "images: it is a list"),
        ("images: {owl: {name: a}}", "images.owl: it is a mapping and must be a list"),
        ("images: {owl: [{name: a b}]}", "images.owl[1].name: it must be 1 to 80"),
        ("images: {owl: [{name: a, sha256: zz}]}", "images.owl[1].sha256: it must be 64"),
        ("images: {owl: [{name: a, role: extra}]}", "images.owl[1].role: it must be main or reserve"),
        ("images: {owl: [{name: a, size: 3}]}", "images.owl[1].size: there is no such key"),
        ("images: {owl: [{name: a}], cat: [{name: a}]}", "images: the name a stands twice"),
        ("images: {owl: [{name: a}]}", "images: 1 are neither among the pictures given"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line_beside_its_key_and_nothing_is_made(more: str, says: str) -> None:
    with pytest.raises(BadStudyFile) as refused:
        read.make(read.read_file((LEAST + more + "\n").encode()), None, visible=Study.objects.all())
    assert len(refused.value.problems) == 1, refused.value.problems
    assert says in refused.value.problems[0] and "\n" not in refused.value.problems[0]
    assert not Study.objects.exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "describes no study; a description begins with saliency_survey_study: 1"),
        ("[1]", "describes no study"),
        ("study: {title: A, slug: a}", "describes no study"),
        ("saliency_survey_study: 2\n", "of version 2; this program reads version 1"),
        ("saliency_survey_study: true\n", "of version True"),
        ("saliency_survey_study: 1\nstudy: {slug: a}\n", "study.title: it is missing"),
        ("saliency_survey_study: 1\nstudy: {title: A, slug: a b}\n", "study.slug: "),
        ("saliency_survey_study: 1\nstudy: {title: A, slug: taken}\n", "a study of the short name 'taken'"),
        ("saliency_survey_study: 1\nstudy: &a {title: A, slug: a}\n", "line 2: anchors"),
    ],
)
def test_what_is_no_description_is_refused(text: str, says: str) -> None:
    Study.objects.create(slug="taken", title="Other")
    with pytest.raises(BadStudyFile) as refused:
        read.read_file(text.encode())
    (line,) = refused.value.problems
    assert says in line and Study.objects.count() == 1


def test_all_that_is_wrong_is_named_at_once() -> None:
    text = LEAST + "desing: {}\ntasks: {guessing: {}}\nmaps: {edges: pencil}\n"
    with pytest.raises(BadStudyFile) as refused:
        read.read_file(text.encode())
    assert len(refused.value.problems) == 3


def test_the_example_of_the_documentation_makes_the_study_that_it_shows() -> None:
    page = Path("docs/study-design.md").read_text("utf-8")
    section = page[page.index("## A study as a file") :]
    (example,) = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)[:1]
    described = read.read_file(example.encode())
    assert len(described.conditions) == 3 and len(described.images) == 3
    study = read.make(described, None, without_images=True)
    assert study.target_participants == 24
    table = section.partition("```yaml")[0]
    assert not [name for name in layout.SECTIONS if f"`{name}`" not in table]
    assert not [name for names in layout.FIELDS.values() for name in names if f"`{name}`" not in table]
    assert not [name for name in (*layout.COLUMN, *layout.IMAGE) if f"`{name}`" not in table]
