"""Rows that changed places, or were put in, are found, and so is what was emptied in all rows."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import models

from survey_site.protocols.models import ServedImage
from survey_site.stimuli.models import MapPicture, SaliencyMap, Stimulus
from survey_site.studies.models import AuditEntry, ChainHead, Condition, Study
from survey_site.trials.models import AnswerLink, Exposure, Participant, Response, Ticket, Trial
from tests.reports.alterations.altered import ROWS, columns, found_after, other_values, raw_delete, swap

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("files")]


SWAPPED: dict[
    type[models.Model], tuple[str, ...]
] = {  # with the columns that the database lets nobody exchange
    Response: ("trial_id",),
    Trial: ("position", "participant_id"),
    Participant: ("token", "code", "receipt"),
    Condition: ("column",),
    Stimulus: ("key", "sha256"),
    SaliencyMap: ("method", "stimulus_id"),
    MapPicture: ("saliency_map_id",),
    ServedImage: ("saliency_map_id", "path"),
    AnswerLink: ("number",),
    AuditEntry: ("number",),
    Ticket: ("number",),
}


def test_two_rows_that_changed_places(study: Study) -> None:
    unseen = []
    for kind, but in SWAPPED.items():
        rows, names = list(kind._base_manager.order_by("pk")), columns(kind, *but)
        pairs = [
            (one, two) for one in rows[:2] for two in rows[-2:]
            if one.pk != two.pk and [getattr(one, n) for n in names] != [getattr(two, n) for n in names]
        ]  # fmt: skip
        assert pairs, kind
        for one, two in pairs:
            if found_after(study, lambda: swap(kind, one, two, names)) == []:  # noqa: B023
                unseen.append((one, two))
    assert unseen == []


def test_ids_of_two_rows_that_changed_places(study: Study) -> None:
    """The rows themselves are whole: only what names them now names another one."""
    for kind in (Stimulus, SaliencyMap, Condition, Participant):
        one, two = kind._base_manager.order_by("pk")[:2]

        def exchange() -> None:
            raw_delete(kind._base_manager.filter(pk__in=[one.pk, two.pk]))  # noqa: B023
            one.pk, two.pk = two.pk, one.pk  # noqa: B023
            models.QuerySet(kind).bulk_create([one, two])  # noqa: B023

        assert found_after(study, exchange), kind


CLEARED: dict[str, Callable[[], object]] = {
    "links": lambda: raw_delete(AnswerLink.objects.all()),
    "chains": lambda: Participant.objects.update(chain_length=0, chain_head="", plan="", presented="", seal=""),
    "heads": lambda: raw_delete(ChainHead.objects.all()),
    "audit numbers": lambda: AuditEntry.objects.update(number=None, digest=""),
    "audit log": lambda: raw_delete(AuditEntry.objects.all()),
    "seals": lambda: [kind._base_manager.update(seal="") for kind in ROWS if hasattr(kind, "seal")],
    "salts": lambda: Response.objects.update(salt=""),
    "a line more": lambda: AuditEntry.objects.create(verb="a line", number=99),
    "an answer more": lambda: Response.objects.create(
        trial=Trial.objects.filter(response=None).last(), missing="skipped", idempotency_key="x"
    ),
    "an exposure more": lambda: Exposure.objects.create(
        participant=Participant.objects.latest("pk"), stimulus=Stimulus.objects.first(), trial=Trial.objects.latest("pk")
    ),
}  # fmt: skip


def test_what_is_cleared_or_added(study: Study) -> None:
    assert [what for what, alter in CLEARED.items() if not found_after(study, alter)] == []


def test_a_row_put_in(study: Study) -> None:
    """A copy of the newest row of each kind, with other values where the database wants each once."""
    unseen = []
    for kind in ROWS:
        tries = (found_after(study, copy.save) for copy in copies(kind))
        if not next(found for found in tries if found is not None):  # the first that the database takes
            unseen.append(kind.__name__)
    assert unseen == []


class Copy:
    """A new row with these values, stored as a database shell does."""

    def __init__(self, kind: type[models.Model], values: dict[str, Any]) -> None:
        self.kind, self.values = kind, values

    def save(self) -> None:
        models.QuerySet(self.kind).bulk_create([self.kind(**self.values)])


def copies(kind: type[models.Model]) -> Iterator[Copy]:
    """Of the newest row: what has to be unique is another text or number, or another row is named."""
    row = kind._base_manager.latest("pk")
    fields = [field for field in kind._meta.concrete_fields if not field.primary_key]
    once = {name for rule in kind._meta.constraints for name in getattr(rule, "fields", ())}
    values = {field.attname: getattr(row, field.attname) for field in fields}
    named = []
    for field in fields:
        if field.unique or field.name in once:
            if isinstance(field, models.ForeignKey):
                named.append(field)
            elif isinstance(field, models.CharField):
                values[field.attname] = "new-one"
            elif isinstance(field, models.IntegerField):
                values[field.attname] = 90
    yield Copy(kind, values)
    for field in named:
        for value in other_values(row, field):
            yield Copy(kind, values | {field.attname: value})
