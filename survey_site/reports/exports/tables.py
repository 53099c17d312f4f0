"""The tables of the data exports: most as rows of the database and columns, one put together (wide.py)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, F, FloatField, IntegerField, QuerySet, TextField, Value, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.db.models.lookups import Exact

from saliency_worker.measures import FURTHER
from survey_site.reports.exports.columns import (
    described_tasks,
    only_pools,
    quick,
    responses_columns,
    task_names,
    trial_name,
)
from survey_site.reports.exports.csv_stream import ROWS_PER_FETCH, StreamTally, response_rows, stream_csv
from survey_site.reports.exports.export_column import ExportColumn
from survey_site.reports.exports.masked import masked
from survey_site.reports.exports.measured import OF_TRIAL
from survey_site.reports.exports.observed import observer_columns
from survey_site.reports.exports.participants import participant_columns, participant_rows
from survey_site.reports.exports.sql import (
    PoolKeys,
    UtcText,
    as_given,
    code,
    name_of,
    rewritten,
    text,
    zero_one,
)
from survey_site.reports.exports.wide import WideTable
from survey_site.reports.population import Population
from survey_site.stimuli.models import SaliencyMap, Stimulus
from survey_site.studies.models import Study
from survey_site.trials.models import Trial


def _metric(name: str) -> Case:
    # SQLite gives JSON's null as this text, and would make a number of it: 0, where nothing was measured.
    stored = Cast(KeyTextTransform(name, "metrics"), TextField())
    return Case(
        When(Exact(stored, Value("null")), then=Value(None)),
        default=Cast(KeyTextTransform(name, "metrics"), FloatField()),
        output_field=FloatField(),
    )


def _yes_no_metric(name: str) -> Case:
    # The databases cast JSON's true differently, but both give it as this text.
    stored = Cast(KeyTextTransform(name, "metrics"), TextField())
    return Case(
        When(Exact(stored, Value("true")), then=Value(1)),
        When(Exact(stored, Value("false")), then=Value(0)),
        output_field=IntegerField(),
    )


def _trial_columns(study: Study | None) -> tuple[ExportColumn, ...]:
    names = task_names(study)
    found = (
        ExportColumn("study", "Short name of the study.", "string", name_of("participant__study__slug")),
        ExportColumn("participant", "Opaque code of the participant, unique in the study.", "string",
               name_of("participant__code")),
        ExportColumn("trial", "Identifier of the trial: participant and position.", "string", trial_name()),
        ExportColumn("position", "Place of the trial in the participant's whole session, from 0.", "integer", F("position"),
               minimum=0),
        ExportColumn("block", "Block of the session; practice never counts in the report.", "string", code("block"),
               levels=(Trial.PRACTICE, *names)),
        ExportColumn("task", f"What was asked. {described_tasks()}.", "string", code("task"), levels=names),
        ExportColumn("stimulus", "Source image of the map.", "string", name_of("stimulus__key")),
        ExportColumn("column", "Table-1 column in which the trial counts.", "string", text("condition__column")),
        ExportColumn("classifier", "Classifier that was explained.", "string", text("condition__classifier")),
        ExportColumn("base", "Class activation map the method builds on.", "string", code("condition__base")),
        ExportColumn("method", "Combination with the edges, or a control; empty for the bare base.", "string",
               code("condition__method")),
        ExportColumn("pool", "Candidate images of the trial in the order shown, separated by |.", "string",
               only_pools("", PoolKeys(F("pool")), TextField())),
        ExportColumn("pool_index", "Which of the protocol's pools it is, from 0.", "integer", F("pool_index"), minimum=0),
        ExportColumn("attention_check", "1: an attention check; it never counts in the report.", "boolean",
               zero_one("attention_check")),
        ExportColumn("probability", "Of this assignment under the design.", "number", F("probability"),
               minimum=0, maximum=1),
        ExportColumn("shown_at", "When the server issued the trial (UTC); empty: never shown.", "datetime",
               UtcText(F("issued_at"))),
        ExportColumn("outcome", "answered, timeout, skipped, image_failed, or none: planned and never closed.", "string",
               Case(When(response__isnull=True, then=Value("none")), When(response__missing="", then=Value("answered")),
                    default=F("response__missing"), output_field=TextField()),
               levels=("answered", "timeout", "skipped", "image_failed", "none")),
        ExportColumn("rt_ms", "Time from the onset of the image to the answer, measured in the browser.", "integer",
               F("response__rt_ms"), unit="ms", minimum=0),
        ExportColumn("seen", "Whether the image was decoded and visible; unknown without JavaScript.", "string",
               code("response__seen"), levels=("yes", "no", "unknown")),
        *OF_TRIAL,
        *observer_columns(study),
    )  # fmt: skip
    return masked(study, quick(study, found), "condition")


STIMULI: tuple[ExportColumn, ...] = (
    ExportColumn("study", "Short name of the study.", "string", name_of("study__slug")),
    ExportColumn("stimulus", "Name of the image, unique in the study.", "string", name_of("key")),
    ExportColumn("stimulus_class", "Class of the image.", "string", text("stimulus_class")),
    ExportColumn("role", "main: in counted trials; reserve: in practice and checks.", "string", text("role"),
           levels=("main", "reserve")),
    ExportColumn("sha256", "SHA-256 of the stored PNG; empty in a reconstruction.", "string", text("sha256")),
    ExportColumn("width", "Width of the stored image; empty where there is none.", "integer",
           Case(When(width__gt=0, then=F("width")), output_field=IntegerField()), unit="px", minimum=1),
    ExportColumn("height", "Height of the stored image; empty where there is none.", "integer",
           Case(When(height__gt=0, then=F("height")), output_field=IntegerField()), unit="px", minimum=1),
    ExportColumn("source", "Where the image comes from.", "string", text("source")),
    ExportColumn("licence", "Licence of the image.", "string", text("licence")),
    ExportColumn("region_sha256", "SHA-256 of the mask of what the image shows, for the pointing game; or empty.",
           "string", text("region_sha256")),
)  # fmt: skip

MAPS: tuple[ExportColumn, ...] = (
    ExportColumn("study", "Short name of the study.", "string", name_of("stimulus__study__slug")),
    ExportColumn("stimulus", "Source image of the map.", "string", name_of("stimulus__key")),
    ExportColumn("classifier", "Classifier that was explained.", "string", text("classifier")),
    ExportColumn("layer", "Layer whose output was explained.", "string", text("layer")),
    ExportColumn("class_index", "Index of the explained class; −1 where there is none.", "integer", F("class_index")),
    ExportColumn("class_name", "Name of the explained class.", "string", text("class_name")),
    ExportColumn("method", "Full key of the method: a base, base.combination, or a control.", "string", text("method")),
    ExportColumn("map_sha256", "SHA-256 of the map's array.", "string", text("array_sha256")),
    ExportColumn("parameters_hash", "SHA-256 of everything the map was computed from.", "string", text("parameters_hash")),
    ExportColumn("current", "1: the newest for its image, classifier, method and rank.", "boolean", zero_one("current")),
    *(
        ExportColumn(name, description, "number", _metric(name), minimum=0, maximum=1)
        for name, description in (
            ("confidence", "Top-1 softmax of the explanation map."),
            ("target_confidence", "Softmax of the explained class on the explanation map."),
            ("drop", "Loss of the explained class's softmax against the original, as a share of it."),
            ("kept_share", "Share of pixels that the explanation map keeps."),
        )
    ),
    *(
        ExportColumn(name, description, "boolean", _yes_no_metric(name))
        for name, description in (
            ("right", "1: the explanation map has the original's top-1 class."),
            ("higher_than_original", "1: more confident than on the original."),
            ("higher_than_base", "1: more confident than on the bare CAM's explanation map."),
            ("increase", "1: the explained class's softmax is higher than on the original."),
            ("empty", "1: the method's map is the same everywhere and explains nothing; it has no scores."),
        )
    ),
    ExportColumn("rank", "Place of the explained class among the network's choices: 0 is the predicted one.", "integer",
           F("rank"), minimum=0),
    *(
        ExportColumn(each.name, each.description, "number", _metric(each.name), minimum=each.low, maximum=each.high)
        for each in FURTHER
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Table:
    """One table of the data set: its columns for a study (or without one), and its rows for a study and a population."""

    name: str
    description: str
    columns: Callable[[Study | None], tuple[ExportColumn, ...]]
    rows: Callable[[Study, Population], QuerySet[Any]]

    def stream(
        self, study: Study, population: Population, tally: StreamTally | None = None, *, bom: bool = False
    ) -> Iterator[bytes]:
        """The table as CSV."""
        return stream_csv(self.rows(study, population), self.columns(study), tally, bom=bom)

    def count(self, study: Study, population: Population) -> int:
        """How many rows it has."""
        return self.rows(study, population).count()

    def values(self, study: Study, population: Population) -> Iterator[Sequence[Any]]:
        """Its rows with texts as they were given; times as the CSV writes them."""
        sources = [rewritten(column.source, as_given) for column in self.columns(study)]
        return self.rows(study, population).values_list(*sources).iterator(chunk_size=ROWS_PER_FETCH)


def _always(columns: tuple[ExportColumn, ...]) -> Callable[[Study | None], tuple[ExportColumn, ...]]:
    return lambda study: columns


def _trials(study: Study, population: Population) -> QuerySet[Trial]:
    rows = Trial.objects.filter(population.in_data("participant__"), participant__study=study)
    return rows.order_by("participant_id", "position")


def _stimuli(study: Study, population: Population) -> QuerySet[Stimulus]:
    return Stimulus.objects.filter(study=study).order_by("key")


def _maps(study: Study, population: Population) -> QuerySet[SaliencyMap]:
    order = ("stimulus__key", "classifier", "layer", "class_index", "method", "parameters_hash")
    return SaliencyMap.objects.filter(stimulus__study=study).order_by(*order)


TABLES: dict[str, Table | WideTable] = {
    table.name: table
    for table in (
        Table("responses", "One row per answered trial.", responses_columns, response_rows),
        Table(
            "participants",
            "One row per participant who has not withdrawn.",
            participant_columns,
            participant_rows,
        ),
        WideTable(),
        Table("trials", "One row per planned trial, answered or not.", _trial_columns, _trials),
        Table("stimuli", "One row per source image.", _always(STIMULI), _stimuli),
        Table("maps", "One row per saliency map, with its machine metrics.", _always(MAPS), _maps),
    )
}
