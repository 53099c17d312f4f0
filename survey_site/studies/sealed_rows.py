"""Rows that carry a seal over their own columns: saving makes it, `seal_fault` checks it."""

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from django.db import connections, models, router, transaction

from survey_site.studies import seals
from survey_site.studies.unreadable import UNREADABLE, told


def plain_values(row: models.Model, leave_out: Collection[str] = ()) -> dict[str, Any]:
    """The columns of a row as JSON-able data, the same before it is stored and when it is read back.

    A column at its default is left out, so that one which a later version adds does not change what older rows say.
    """
    values: dict[str, Any] = {}
    for field in row._meta.concrete_fields:
        if field.attname in leave_out:
            continue
        value = field.to_python(getattr(row, field.attname))
        fixed = not callable(field.default) or field.default in (dict, list)
        if not (fixed and value == field.get_default()):
            values[field.attname] = _plain(value)
    return values


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value.isoformat() if isinstance(value, date) else value


AT_ONCE = 500


class SealedQuerySet(models.QuerySet[Any]):
    """Seals what is made in bulk, where `save` is not called."""

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        rows = list(objs)
        if not self.model.SEALED_WITH_ID:
            for row in rows:
                row.seal = row.made_seal()
            return super().bulk_create(rows, *args, **kwargs)
        made = super().bulk_create(rows, *args, **kwargs)
        self.seal_again(made)
        return made

    def change(self, **values: Any) -> int:
        """`update` of these columns to plain values, with the seals; returns how many rows there were.

        A row that was not as it had been sealed is in doubt from then on.
        """
        database = router.db_for_write(self.model)
        with transaction.atomic(database):
            rows = list(self.using(database))
            for start in range(0, len(rows), AT_ONCE):
                batch = rows[start : start + AT_ONCE]
                for row in batch:
                    row.doubt()
                    for name, value in values.items():
                        setattr(row, name, value)
                self.model._base_manager.filter(pk__in=[row.pk for row in batch]).update(**values)
                self.seal_again(batch)
        return len(rows)

    def seal_again(self, rows: Iterable[Any]) -> None:
        """Gives these stored rows the seals of what they say now."""
        changed = list(rows)
        for row in changed:
            row.seal = row.made_seal()
        database = router.db_for_write(self.model)
        connection = connections[database]
        table, key = map(connection.ops.quote_name, (self.model._meta.db_table, self.model._meta.pk.column))
        # bulk_update builds a CASE of every row, expression by expression: many times the work.
        statement = f"UPDATE {table} SET seal = %s WHERE {key} = %s"  # noqa: S608
        with transaction.atomic(database, savepoint=False), connection.cursor() as cursor:
            cursor.executemany(statement, [(row.seal, row.pk) for row in changed])


class SealedRow(models.Model):
    """A row with a seal. UNSEALED: columns that may change without one, since nothing rests on them.

    SEALED_WITH_ID: the seal covers the row's id, so that no two rows can change places. It is known after the first
    write alone, and costs a second one; without it something else in the row has to be unique, and named by others.
    READ_BEFORE_SAVE: `save` looks whether the stored row is whole before it seals the new one, and covers columns that it
    does not store as they are stored. Without it, whoever changes a row has read it under a lock, and called `doubt`.
    """

    doubted: bool = False
    READ_BEFORE_SAVE: ClassVar[bool] = True
    UNSEALED: ClassVar[frozenset[str]] = frozenset()
    SEALED_WITH_ID: ClassVar[bool] = True

    seal = models.CharField(max_length=80, blank=True, default="", db_default="", editable=False)

    objects = SealedQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Stores the row with its seal, whatever columns are stored."""
        fields = kwargs.get("update_fields")
        late = self.SEALED_WITH_ID and self.pk is None
        if not late:
            self.seal = self._seal_over_what_is_stored(fields) if self.READ_BEFORE_SAVE else self.made_seal()
            if fields is not None:
                kwargs["update_fields"] = {*fields, "seal"}
        super().save(*args, **kwargs)
        if late:
            self.seal = self.made_seal()
            type(self)._base_manager.filter(pk=self.pk).update(seal=self.seal)

    def _seal_over_what_is_stored(self, fields: Collection[str] | None) -> str:
        """The seal of what the row will be once these fields are stored (None: all)."""
        stored = None if self._state.adding else type(self)._base_manager.filter(pk=self.pk).first()
        if stored is None:
            return self.made_seal()
        stored.doubt()
        self.doubted = self.doubted or stored.doubted
        if fields is None:
            return self.made_seal()
        stored.doubted = self.doubted
        for field in self._meta.concrete_fields:
            if field.name in fields or field.attname in fields:
                setattr(stored, field.attname, getattr(self, field.attname))
        return stored.made_seal()

    def sealed_values(self) -> dict[str, Any]:
        """What the seal covers."""
        left_out = {"seal", *self.UNSEALED, *(() if self.SEALED_WITH_ID else (self._meta.pk.attname,))}
        return plain_values(self, left_out)

    def made_seal(self) -> str:
        """The seal of what the row says now, under the present key; none where it is in doubt."""
        if self.doubted:
            return seals.DOUBTED
        return seals.make(self._meta.label_lower, self.sealed_values())

    def doubt(self) -> None:
        """To be called on a row that was just read to be changed: what somebody else changed is not sealed with it."""
        self.doubted = bool(self.seal_fault())

    def seal_fault(self) -> str:
        """Why the row is not what was sealed; empty where it is."""
        try:
            return seals.fault(self.seal, self._meta.label_lower, self.sealed_values())
        except UNREADABLE as error:
            return told(error)
