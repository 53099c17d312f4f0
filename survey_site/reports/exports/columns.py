"""Every column of the data exports, described once: drives the CSV, the API and the data dictionary.

The fixed columns keep names, order and meaning whatever tasks are installed; those that hold answers read a key of the
stored answer, as the task that owns them declares. Behind them stand the score and the study's tasks' own columns.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Literal

from django.db.models import Case, CharField, F, IntegerField, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Cast, Coalesce, Concat

from saliency_worker import catalog
from survey_site.protocols.models import Protocol
from survey_site.reports.exports.export_column import ExportColumn
from survey_site.reports.exports.further_columns import further_columns
from survey_site.reports.exports.masked import masked
from survey_site.reports.exports.sql import (
    PlaceInPool,
    PlaceOfClass,
    PoolKeys,
    SafeCode,
    SafeName,
    SafeText,
    UtcText,
    as_given,
    code,
    name_of,
    of_answer,
    rewritten,
    text,
    zero_one,
)
from survey_site.stimuli.models import Stimulus
from survey_site.studies.models import Study
from survey_site.tasks import registry
from survey_site.tasks.contract import Column, Task
from survey_site.tasks.settings import TRIALS
from survey_site.trials.models import Participant, Trial

AnswerKind = Literal["string", "integer", "number", "boolean"]


def trial_name(prefix: str = "") -> SafeName:
    """`participant-position`: the same in every export and after an import elsewhere."""
    place = Cast(F(f"{prefix}position"), TextField())
    return SafeName(Concat(F(f"{prefix}participant__code"), Value("-"), place, output_field=TextField()))


def exclusion(prefix: str, *, pilots: bool = False) -> Case:
    """Why a participant's answers are outside the primary analysis; NULL when they are inside.

    `pilots`: the analysis is that of the pilot itself, so being in it is no reason.
    """
    pilot = [] if pilots else [When(**{f"{prefix}protocol__pilot": True, "then": Value("pilot")})]
    return Case(
        When(**{f"{prefix}excluded": True, f"{prefix}exclusion_reason": "", "then": Value("excluded")}),
        When(**{f"{prefix}excluded": True, "then": F(f"{prefix}exclusion_reason")}),
        When(**{f"{prefix}surplus": True, "then": Value("surplus")}),
        *pilot,
        When(**{f"{prefix}state": Participant.State.FINISHED, "then": Value(None)}),
        default=Value("unfinished"),
        output_field=CharField(),
    )


def excluded_flag(prefix: str) -> Case:
    """1 where `exclusion` gives a reason, else 0."""
    inside = {
        f"{prefix}excluded": False,
        f"{prefix}surplus": False,
        f"{prefix}protocol__pilot": False,
        f"{prefix}state": Participant.State.FINISHED,
    }
    return Case(When(**inside, then=Value(0)), default=Value(1), output_field=IntegerField())


def task_names(study: Study | None = None) -> tuple[str, ...]:
    """Of the installed tasks, and of those that the study has beside them; without a study, of the installed."""
    own = own_tasks(study) if study else ()
    return tuple(dict.fromkeys([*(task.name for task in registry.installed()), *own]))


def own_tasks(study: Study) -> tuple[str, ...]:
    """Names of the tasks that have trials in the draft or in a protocol: the installed in their order, then the others.

    The order of keys in a JSON column is the database's.
    """
    sealed = Protocol.objects.filter(study=study).values_list("document__tasks", flat=True)
    drafted = [name for name, values in study.task_settings.items() if values.get(TRIALS, 1)]
    found = {*drafted, *(name for tasks in sealed for name in tasks or ())}
    installed = [task.name for task in registry.installed() if task.name in found]
    return (*installed, *sorted(found - set(installed)))


def installed_tasks(study: Study) -> list[Task]:
    """Those of the study's tasks that are installed."""
    return [task for task in map(registry.named, own_tasks(study)) if task]


def described_tasks() -> str:
    """What the scores of the installed tasks stand for."""
    return "; ".join(f"{task.name}: {task.outcome.title}" for task in registry.installed())


def only_pools(prefix: str, expression: Any, output: Any) -> Case:
    """The expression where the trial has candidates. Not looking into an empty pool saves most of a large export."""
    return Case(When(~Q(**{f"{prefix}pool": []}), then=expression), output_field=output)


def answer_place(prefix: str) -> Coalesce:
    """Where the answer stands in a trial's pool; the second look is taken only where the source is not in it."""
    pool, source = F(f"{prefix}pool"), F(f"{prefix}stimulus_id")
    return Coalesce(PlaceInPool(pool, source), PlaceOfClass(pool, source))


_ANSWERS: tuple[tuple[str, str, AnswerKind], ...] = (
    ("matching", "choice", "string"),
    ("matching", "choice_class", "string"),
    ("matching", "correct", "boolean"),
    ("matching", "class_correct", "boolean"),
    ("rating", "rating", "integer"),
)
# Fixed columns that hold answers: of which task, and what they are while it is not installed.
ANSWERS: tuple[tuple[str, Column], ...] = tuple(
    (
        owner,
        Column(name, f"Of the task “{owner}”, which is not installed.", kind, name, names=name == "choice"),
    )
    for owner, name, kind in _ANSWERS
)


def _fixed_answers() -> Iterator[ExportColumn]:
    for owner, absent in ANSWERS:
        task = registry.named(owner)
        declared = {column.name: column for column in task.columns} if task else {}
        yield answer_column(owner, declared.get(absent.name, absent))


def answer_column(task: str, column: Column, name: str = "", prefix: str = "") -> ExportColumn:
    """The key of the stored answers of one task as a column; empty in the rows of others. prefix: path to the answer."""
    return ExportColumn(
        name or column.name,
        column.description,
        column.kind,
        of_answer(task, column, prefix),
        unit=column.unit,
        minimum=column.minimum,
        maximum=column.maximum,
        levels=column.levels,
    )


def responses_columns(study: Study | None = None) -> tuple[ExportColumn, ...]:
    """Of responses.csv: the fixed ones, the score, and what the study's tasks have of their own.

    Those that would tell columns apart by name are masked while the study is.
    """
    fixed = (*_before_answers(study), *_fixed_answers(), *_after_answers(), *added_columns())
    own = installed_tasks(study) if study else []
    if study and any(task.further_score for task in own):
        fixed = (*fixed, further_columns(study))
    return masked(study, quick(study, (*fixed, *_further({column.name for column in fixed}, own))))


def quick(study: Study | None, columns: tuple[ExportColumn, ...]) -> tuple[ExportColumn, ...]:
    """The same columns without looking, in a million rows, for what the study has nowhere.

    Codes are this program's own unless the study was imported; that no name needs its apostrophe is asked once.
    """
    if study is None:
        return columns
    own_codes, plain_names = study.origin != Study.Origin.IMPORTED, not _has_risky_names(study)

    def change(found: SafeText) -> Any:
        if isinstance(found, SafeCode) and own_codes:
            return as_given(found)
        if isinstance(found, SafeName) and plain_names:
            return SafeText(found.source_expressions[0])
        return found

    return tuple(replace(column, source=rewritten(column.source, change)) for column in columns)


def _has_risky_names(study: Study) -> bool:
    trial = Concat(F("code"), Value("-0"), output_field=TextField())
    asked: tuple[tuple[QuerySet[Any], Any], ...] = (
        (Study.objects.filter(pk=study.pk), F("slug")),
        (Stimulus.objects.filter(study=study), F("key")),
        (Participant.objects.filter(study=study), F("code")),
        (Participant.objects.filter(study=study), trial),
    )
    return any(
        rows.order_by().annotate(risky_name=SafeName(name)).exclude(risky_name=name).exists()
        for rows, name in asked
    )


def _further(taken: set[str], tasks: Iterable[Task]) -> Iterator[ExportColumn]:
    """A name that stands there already, for something else, is told apart by the task's."""
    fixed = {(owner, column.name) for owner, column in ANSWERS}
    for task in tasks:
        for column in task.columns:
            if (task.name, column.name) not in fixed:
                name = f"{task.name}_{column.name}" if column.name in taken else column.name
                taken.add(name)
                yield answer_column(task.name, column, name)


MEASUREMENT = (
    "SHA-256 of the measurement: of all in the protocol that makes answers comparable. Table 1 pools the answers under "
    "one; amendments of other texts, the closing date or the target leave it as it is."
)


def added_columns() -> tuple[ExportColumn, ...]:
    """Of every study, behind the fixed ones: new columns go to their end."""
    described = f"Number that Table 1 averages; empty without an answer. {described_tasks()}."
    return (
        ExportColumn("kind", "person, or bot: simulated by a program.", "string", code("participant__kind"),
                     levels=("person", "bot")),
        ExportColumn("score", described, "number", F("score")),
        ExportColumn("measurement_hash", MEASUREMENT, "string", code("participant__protocol__measurement_hash")),
    )  # fmt: skip


def _before_answers(study: Study | None) -> tuple[ExportColumn, ...]:
    names = task_names(study)
    return (
        ExportColumn("study", "Short name of the study.", "string", name_of("participant__study__slug")),
        ExportColumn(
            "protocol_hash",
            "SHA-256 of the frozen protocol under which the answer was given; empty where none is known.",
            "string",
            code("participant__protocol__hash"),
        ),
        ExportColumn("participant", "Opaque code of the participant, unique in the study.", "string",
               name_of("participant__code")),
        ExportColumn("trial", "Identifier of the trial: participant and position.", "string", trial_name("trial__")),
        ExportColumn("position", "Place of the trial in the participant's whole session, from 0.", "integer",
               F("trial__position"), minimum=0),
        ExportColumn("block", "Block of the session; practice never counts in the report.", "string",
               code("trial__block"), levels=(Trial.PRACTICE, *names)),
        ExportColumn("task", f"What was asked. {described_tasks()}.", "string", code("task"), levels=names),
        ExportColumn("stimulus", "Source image of the map.", "string", name_of("trial__stimulus__key")),
        ExportColumn("stimulus_class", "Class of the source image.", "string", text("trial__stimulus__stimulus_class")),
        ExportColumn("classifier", "Classifier that was explained.", "string",
               Coalesce(text("trial__condition__classifier"), text("trial__saliency_map__classifier"))),
        ExportColumn("base", "Class activation map the method builds on.", "string", code("trial__condition__base"),
               levels=tuple(sorted(catalog.BASES))),
        ExportColumn("method", "Combination with the edges, such as add-blend21, or a control; empty for the bare base.",
               "string", code("trial__condition__method")),
        ExportColumn("column", "Table-1 column in which the trial counts.", "string", text("trial__condition__column")),
        ExportColumn("map_sha256", "SHA-256 of the array of the shown map.", "string",
               code("trial__saliency_map__array_sha256")),
        ExportColumn("pool", "Candidate images of the trial in the order shown, separated by |.", "string",
               only_pools("trial__", PoolKeys(F("trial__pool")), TextField())),
        ExportColumn(
            "pool_position",
            "Place in the pool, from 0, of the source image, or where it is not shown of the other image of its class.",
            "integer",
            only_pools("trial__", answer_place("trial__"), IntegerField()),
            minimum=0,
        ),
    )  # fmt: skip


def _after_answers() -> tuple[ExportColumn, ...]:
    return (
        ExportColumn("rt_ms", "Time from the onset of the image to the answer, measured in the browser.", "integer",
               F("rt_ms"), unit="ms", minimum=0),
        ExportColumn("seen", "Whether the image was decoded and visible; unknown without JavaScript.", "string",
               code("seen"), levels=("yes", "no", "unknown")),
        ExportColumn("shown_at", "When the server issued the trial (UTC).", "datetime", UtcText(F("trial__issued_at"))),
        ExportColumn("answered_at", "When the server stored the answer (UTC).", "datetime", UtcText(F("answered_at"))),
        ExportColumn("attention_check", "1: an attention check; it never counts in the report.", "boolean",
               zero_one("trial__attention_check")),
        ExportColumn("excluded", "1: outside the primary analysis, for the reason beside it.", "boolean",
               excluded_flag("participant__")),
        ExportColumn("exclusion_reason", "Why: a rule, a researcher's words, surplus, unfinished or pilot.", "string",
               SafeText(exclusion("participant__"))),
    )  # fmt: skip
