"""Changes a study behind the site's back, looks what `verify` finds, and takes the change back."""

from collections.abc import Callable, Generator
from contextlib import closing
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from django.db import Error, models, transaction

from survey_site.protocols.models import Look, Protocol, Rehearsal, ServedImage
from survey_site.recruitment.models import Recruitment
from survey_site.reports import row_check, verify
from survey_site.stimuli.models import MapPicture, ObservedMap, SaliencyMap, Stimulus
from survey_site.studies.models import AuditEntry, ChainHead, Condition, Membership, Study, StudyText
from survey_site.trials.models import (
    AnswerLink,
    Exposure,
    ExternalId,
    Participant,
    Response,
    Ticket,
    Trial,
)

ROWS: tuple[type[models.Model], ...] = (
    Study, StudyText, Membership, Recruitment, Condition, Stimulus, SaliencyMap, MapPicture, ObservedMap, Rehearsal,
    Protocol, ServedImage, Look, Participant, Ticket, Trial, Exposure, Response, AnswerLink, ExternalId, AuditEntry,
    ChainHead,
)  # fmt: skip


def faults() -> list[str]:
    """All that `manage.py verify` finds, of rows and files."""
    things = [thing for study in Study.objects.order_by("pk") for thing in verify.findings(study)]
    things += row_check.audit_lines(None)
    return [f"{thing.kind}: {thing.name}: {thing.problem}" for thing in things if thing.problem]


class Undone(Exception):
    """Ends a block whose changes are taken back."""


def row_problems(study: Study) -> Generator[str, None, None]:
    """As `manage.py verify` without a study, whose rows come first."""
    for one in [study, *Study.objects.exclude(pk=study.pk)]:
        yield from (thing.problem for thing in verify.rows(one) if thing.problem)
    yield from [thing.problem for thing in row_check.audit_lines(None) if thing.problem]


def found_after(study: Study, alter: Callable[[], object], *, all_of_it: bool = False) -> list[str] | None:
    """The first (or all) that `verify` finds in the rows after a change, which is taken back.

    None where the database itself refuses the change.
    """
    try:
        with transaction.atomic():
            alter()
            with closing(
                row_problems(study)
            ) as problems:  # its cursors are closed before the change is taken back
                found = list(islice(problems, 1 + 99 * all_of_it))
            raise Undone
    except Undone:
        return found
    except Error:
        return None


def other_values(row: models.Model, field: Any) -> list[Any]:
    """Other values of the kind that the column holds, the likeliest to be taken first."""
    value = getattr(row, field.attname)
    if isinstance(field, models.ForeignKey):
        others = field.related_model._base_manager.exclude(pk=value).order_by("-pk")
        found = list(others.values_list("pk", flat=True)[:20])
        return [*found, None] if field.null and value is not None else found
    return [other for other in [_other(value, field)] if other != value]


def _other(value: Any, field: Any) -> Any:
    if isinstance(field, models.BooleanField):
        return not value
    if field.choices:
        return next(key for key, _ in field.flatchoices if key != value)
    if isinstance(field, models.JSONField):
        return [*value, 1] if isinstance(value, list) else {**(value or {}), "x": 1}
    if isinstance(field, models.DateTimeField):
        return (value or datetime.fromisoformat("2031-01-01T00:00+00:00")) + timedelta(microseconds=1)
    if isinstance(field, models.DateField):
        return (value or date(2031, 1, 1)) + timedelta(days=1)
    if isinstance(field, models.IntegerField | models.FloatField):
        return 1 if value is None else value + 1
    return f"{value[:-1]}{'b' if value.endswith('a') else 'a'}" if value else "a"


def first_and_last(kind: type[models.Model]) -> list[models.Model]:
    rows = kind._base_manager.order_by("pk")
    return list({row.pk: row for row in (rows.first(), rows.last()) if row}.values())


def raw_delete(rows: models.QuerySet[Any]) -> int:
    """As somebody with a database shell does: no cascade, no signal; foreign keys are looked at when the block ends."""
    return rows._raw_delete(rows.db)


def swap(kind: type[models.Model], one: models.Model, two: models.Model, names: list[str]) -> None:
    """The columns change places."""
    here, there = ({name: getattr(row, name) for name in names} for row in (one, two))
    kind._base_manager.filter(pk=two.pk).update(**here)
    kind._base_manager.filter(pk=one.pk).update(**there)


def columns(kind: type[models.Model], *but: str) -> list[str]:
    return [field.attname for field in kind._meta.concrete_fields if field.attname not in ("id", *but)]
