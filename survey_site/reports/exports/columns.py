"""Every column of the data exports, described once: drives the CSV, the API and the data dictionary."""

from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import Case, CharField, F, IntegerField, TextField, Value, When
from django.db.models.functions import Cast, Coalesce, Concat

from saliency_worker import catalog
from survey_site.reports.exports.sql import (
    PlaceInPool,
    PoolKeys,
    SafeText,
    UtcText,
    code,
    text,
    zero_one,
)
from survey_site.statistics.answer_scale import CANT_TELL, HIGHEST, LOWEST
from survey_site.trials.models import Participant

Kind = Literal["string", "integer", "number", "boolean", "datetime"]


@dataclass(frozen=True, eq=False)
class ExportColumn:
    """One column: how it is called, what it means, what values it takes and where they come from.

    `source` is a database expression over the rows of the export. Missing is always the empty cell.
    """

    name: str
    description: str
    kind: Kind
    source: Any
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    levels: tuple[str, ...] = ()


def trial_name(prefix: str = "") -> SafeText:
    """`participant-position`: the same in every export and after an import elsewhere."""
    place = Cast(F(f"{prefix}position"), TextField())
    return SafeText(Concat(F(f"{prefix}participant__code"), Value("-"), place, output_field=TextField()))


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


def _choice() -> Case:
    return Case(
        When(cant_tell=True, then=Value(CANT_TELL)),
        default=text("choice__key"),
        output_field=TextField(),
    )


def _only_matching(expression: Any, output: Any) -> Case:
    # Ratings have an empty pool; not looking into it saves most of the time of a large export.
    return Case(When(task="matching", then=expression), output_field=output)


RESPONSES: tuple[ExportColumn, ...] = (
    ExportColumn("study", "Short name of the study.", "string", text("participant__study__slug")),
    ExportColumn(
        "protocol_hash",
        "SHA-256 of the frozen protocol under which the answer was given; empty where none is known.",
        "string",
        code("participant__protocol__hash"),
    ),
    ExportColumn("participant", "Opaque code of the participant, unique in the study.", "string",
           text("participant__code")),
    ExportColumn("trial", "Identifier of the trial: participant and position.", "string", trial_name("trial__")),
    ExportColumn("position", "Place of the trial in the participant's whole session, from 0.", "integer",
           F("trial__position"), minimum=0),
    ExportColumn("block", "Block of the session; practice never counts in the report.", "string",
           F("trial__block"), levels=("practice", "matching", "rating")),
    ExportColumn("task", "matching: pick the source image of the map; rating: how well the map interprets the image.",
           "string", F("task"), levels=("matching", "rating")),
    ExportColumn("stimulus", "Source image of the map.", "string", text("trial__stimulus__key")),
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
    ExportColumn("pool", "Candidate images of a matching trial in the order shown, separated by |.", "string",
           _only_matching(PoolKeys(F("trial__pool")), TextField())),
    ExportColumn("pool_position", "Place of the source image in the pool, from 0.", "integer",
           _only_matching(PlaceInPool(F("trial__pool"), F("trial__stimulus_id")), IntegerField()), minimum=0),
    ExportColumn("choice", f"Image the participant picked, or {CANT_TELL}.", "string", _choice()),
    ExportColumn("choice_class", "Class of the picked image.", "string", text("choice__stimulus_class")),
    ExportColumn("correct", f"1: the source image was picked; 0: another one, or {CANT_TELL}.", "boolean",
           zero_one("correct")),
    ExportColumn("class_correct", "1: an image of the source image's class was picked.", "boolean",
           zero_one("class_correct")),
    ExportColumn("rating", "How well the map interprets the original image.", "integer", F("rating"),
           minimum=LOWEST, maximum=HIGHEST),
    ExportColumn("rt_ms", "Time from the onset of the image to the answer, measured in the browser.", "integer",
           F("rt_ms"), unit="ms", minimum=0),
    ExportColumn("seen", "Whether the image was decoded and visible; unknown without JavaScript.", "string", F("seen"),
           levels=("yes", "no", "unknown")),
    ExportColumn("shown_at", "When the server issued the trial (UTC).", "datetime", UtcText(F("trial__issued_at"))),
    ExportColumn("answered_at", "When the server stored the answer (UTC).", "datetime", UtcText(F("answered_at"))),
    ExportColumn("attention_check", "1: an attention check; it never counts in the report.", "boolean",
           zero_one("trial__attention_check")),
    ExportColumn("excluded", "1: outside the primary analysis, for the reason beside it.", "boolean",
           excluded_flag("participant__")),
    ExportColumn("exclusion_reason", "Why: a rule, a researcher's words, surplus, unfinished or pilot.", "string",
           SafeText(exclusion("participant__"))),
)  # fmt: skip
