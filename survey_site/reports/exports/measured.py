"""What the browser measured, as columns of trials.csv and, summed up, of participants.csv."""

from typing import Any, Literal

from django.db.models import (
    FilteredRelation,
    FloatField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    TextField,
    Value,
)
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, NullIf

from survey_site.reports.exports.export_column import ExportColumn
from survey_site.reports.exports.sql import text
from survey_site.trials.devices import DEVICES
from survey_site.trials.measurements import AT_CONSENT, FIRST, MEASUREMENTS, Measurement
from survey_site.trials.models import Participant, Response


def with_first_trial(rows: QuerySet[Participant]) -> QuerySet[Participant]:
    """Which OF_PERSON reads. One row by a unique index: subqueries per column take thirty times as long."""
    return rows.annotate(first_trial=FilteredRelation("trials", condition=Q(trials__position=0)))


def _value(one: Measurement, client: str) -> Any:
    stored = Cast(KeyTextTransform(one.name, client), TextField())
    return NullIf(stored, Value("", output_field=TextField())) if one.words else Cast(stored, FloatField())


def _column(one: Measurement, source: Any, prefix: str = "", when: str = "") -> ExportColumn:
    """The names of a person's measurements are others than those of a trial: the dictionary describes each name once."""
    kind: Literal["string", "number"] = "string" if one.words else "number"
    return ExportColumn(
        prefix + one.name, when + one.description, kind, source, unit=one.unit, levels=one.words
    )


def _of_trials(one: Measurement) -> ExportColumn:
    if one.of_person == FIRST:
        return _column(one, _value(one, "first_trial__response__client"), "first_", "At the first trial: ")
    answers = Response.objects.filter(participant=OuterRef("pk")).order_by().values("participant")
    summed = Subquery(answers.values(found=Sum(_value(one, "client"))), output_field=FloatField())
    return _column(one, summed, "trials_", "Summed over all trials: ")


OF_TRIAL = tuple(_column(one, _value(one, "response__client")) for one in MEASUREMENTS)
OF_PERSON = (
    ExportColumn(
        "device", "Kind of device, as the browser calls itself.", "string", text("device"), levels=DEVICES
    ),
    *(
        _column(
            one, _value(one, "client"), "" if one.name.startswith("consent_") else "consent_", "At consent: "
        )
        for one in AT_CONSENT
    ),
    *(_of_trials(one) for one in MEASUREMENTS if one.of_person),
)
