"""Database expressions of the exports: the same text on SQLite and PostgreSQL, made inside the database."""

from collections.abc import Callable
from typing import Any

from django.db.models import (
    BigIntegerField,
    BooleanField,
    Case,
    F,
    FloatField,
    Func,
    IntegerField,
    TextField,
    Value,
    When,
)
from django.db.models.expressions import BaseExpression
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, NullIf
from django.db.models.lookups import In

from survey_site.tasks.contract import Column

# A cell that begins with one of these is a formula to a spreadsheet (OWASP, "CSV injection").
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_STARTS_SQLITE = "('=', '+', '-', '@', char(9), char(13), char(10), '＝', '＋', '－', '＠')"
_STARTS_POSTGRESQL = "('=', '+', '-', '@', chr(9), chr(13), chr(10), '＝', '＋', '－', '＠')"

_MONTH = (
    "(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?|nov(ember)?"
    "|dec(ember)?)"
)
# What R (type.convert), pandas (read_csv) and Excel take for a number, a date, a time, a truth value or nothing at all.
NO_NAME = "|".join(
    (
        r"[.]?[0-9][-0-9.,:/eE+_% ]*",
        r"0x[0-9a-f]+",
        r"[0-9.]+[dilf][0-9]*",
        r"[-0-9]+t[0-9:.]+z?",
        r"[0-9:. ]+[ap]m?",
        rf"[0-9]{{1,4}}[- ./]?{_MONTH}[- ,./]*[0-9]*",
        rf"{_MONTH}[- ,./]*[0-9]{{1,4}}([- ,./]+[0-9]{{1,4}})?",
        r"na|nan|n/a|null|none|nil|t|f|y|n|yes|no|on|off|true|false|inf|infinity|<na>|#n/a|#na|#n/a n/a",
    )
)
# Only what begins like one of them is compared: most names do not, and a regular expression takes its time.
_LIKE_ONE = (
    "(substr({x}, 1, 1) BETWEEN '0' AND '9' OR lower(substr({x}, 1, 2)) IN ('na', 'n', 'n/', 't', 'f', 'y', 'ye', 'no',"
    " 'nu', 'ni', 'on', 'of', 'tr', 'fa', 'in', '<n', '#n', '.0', '.1', '.2', '.3', '.4', '.5', '.6', '.7', '.8', '.9',"
    " 'ja', 'fe', 'ma', 'ap', 'ju', 'au', 'se', 'oc', 'de'))"
)


class SafeText(Func):
    """Text that no spreadsheet takes for a formula: a leading apostrophe where needed; empty becomes NULL.

    `is_name`: nor may any program take it for a number, a date or a missing value (`NO_NAME`).
    """

    arity = 1
    output_field = TextField()
    is_name = False

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **extra: Any) -> tuple[str, Any]:
        sql, params = compiler.compile(self.source_expressions[0])
        on_sqlite = connection.vendor == "sqlite"
        risky = f"substr({sql}, 1, 1) IN {_STARTS_SQLITE if on_sqlite else _STARTS_POSTGRESQL}"
        if self.is_name:
            # Constants of this file only; a percent sign would be taken for a parameter's.
            pattern = f"^({NO_NAME})$".replace("%", "%%")
            matches = f"{sql} REGEXP '(?i){pattern}'" if on_sqlite else f"{sql} ~* '{pattern}'"
            risky = f"{risky} OR ({_LIKE_ONE.format(x=sql)} AND {matches})"
        times = risky.count(sql) + 2
        text = f"CASE WHEN {risky} THEN '''' || {sql} ELSE NULLIF({sql}, '') END"
        return text, (*params,) * times


class SafeName(SafeText):
    """The name of a person, a trial, an image or a study."""

    is_name = True


class SafeCode(SafeText):
    """A text of this program's making (a hash, a key of the catalogue, a choice), which an import may have forged."""


def rewritten(expression: Any, change: Callable[[SafeText], Any]) -> Any:
    """The expression with every SafeText in it replaced by what `change` makes of it."""
    if isinstance(expression, SafeText):
        return change(expression)
    if not isinstance(expression, BaseExpression):
        return expression
    copied = expression.copy()
    copied.set_source_expressions([rewritten(part, change) for part in expression.get_source_expressions()])
    return copied


def as_given(found: SafeText) -> NullIf:
    """The text without an apostrophe, for files that know texts from formulas; empty becomes NULL."""
    return NullIf(found.source_expressions[0], Value(""), output_field=TextField())


class UtcText(Func):
    """A date-time as `2026-01-31T12:00:00.000000Z`."""

    arity = 1
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:
        template = "replace(substr(%(expressions)s || '.000000', 1, 26), ' ', 'T') || 'Z'"
        return super().as_sql(compiler, connection, template=template)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:
        template = "to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
        return super().as_sql(compiler, connection, template=template)


class PoolKeys(Func):
    """Keys of the stimuli whose ids a JSON array holds, in its order, separated by `|`; NULL for none.

    The keys stand as they are; the text as a whole is no formula.
    """

    arity = 1
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:
        source = (
            "(SELECT s.key AS k FROM json_each(%(expressions)s) AS e"
            " JOIN stimuli_stimulus AS s ON s.id = e.value ORDER BY e.key)"
        )
        template = self._joined("group_concat(k, '|')", _STARTS_SQLITE, source)
        return super().as_sql(compiler, connection, template=template)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:
        source = (
            "jsonb_array_elements_text(%(expressions)s) WITH ORDINALITY AS e(id, n)"
            " JOIN stimuli_stimulus AS s ON s.id = e.id::bigint"
        )
        template = self._joined("string_agg(s.key, '|' ORDER BY e.n)", _STARTS_POSTGRESQL, source)
        return super().as_sql(compiler, connection, template=template)

    def _joined(self, keys: str, starts: str, source: str) -> str:
        # Constants of this file only; values reach the statement as parameters.
        text = f"CASE WHEN substr({keys}, 1, 1) IN {starts} THEN '''' ELSE '' END || {keys}"
        return f"(SELECT {text} FROM {source})"  # noqa: S608


class PlaceInPool(Func):
    """Place, from 0, of a stimulus id in a JSON array of ids; NULL where it is not there."""

    arity = 2
    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:
        template = "(SELECT e.key FROM json_each(%(pool)s) AS e WHERE e.value = %(id)s)"
        return self._compile(compiler, template)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:
        template = (
            "(SELECT e.n - 1 FROM jsonb_array_elements_text(%(pool)s) WITH ORDINALITY AS e(id, n)"
            " WHERE e.id = %(id)s::text)"
        )
        return self._compile(compiler, template)

    def _compile(self, compiler: Any, template: str) -> tuple[str, Any]:
        pool, pool_params = compiler.compile(self.source_expressions[0])
        stimulus, stimulus_params = compiler.compile(self.source_expressions[1])
        return template % {"pool": pool, "id": stimulus}, (*pool_params, *stimulus_params)


class PlaceOfClass(PlaceInPool):
    """Place, from 0, of the first image in a JSON array of ids that has the class of a stimulus; NULL where none has."""

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:
        template = (
            "(SELECT MIN(e.key) FROM json_each(%(pool)s) AS e"
            " JOIN stimuli_stimulus AS s ON s.id = e.value JOIN stimuli_stimulus AS t ON t.id = %(id)s"
            " WHERE s.stimulus_class = t.stimulus_class AND t.stimulus_class <> '')"
        )
        return self._compile(compiler, template)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:
        template = (
            "(SELECT MIN(e.n - 1) FROM jsonb_array_elements_text(%(pool)s) WITH ORDINALITY AS e(id, n)"
            " JOIN stimuli_stimulus AS s ON s.id = e.id::bigint JOIN stimuli_stimulus AS t ON t.id = %(id)s"
            " WHERE s.stimulus_class = t.stimulus_class AND t.stimulus_class <> '')"
        )
        return self._compile(compiler, template)


class SortedPool(Func):
    """A JSON array of ids as `survey_site.stimuli.observed.pool_key` writes it: in rising order, separated by commas."""

    arity = 1
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:
        sorted_ids = "SELECT e.value AS v FROM json_each(%(expressions)s) AS e ORDER BY e.value"
        template = f"(SELECT group_concat(v, ',') FROM ({sorted_ids}))"  # noqa: S608
        return super().as_sql(compiler, connection, template=template)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:
        ids = "jsonb_array_elements_text(%(expressions)s) AS e(v)"
        template = f"(SELECT string_agg(e.v, ',' ORDER BY e.v::bigint) FROM {ids})"  # noqa: S608
        return super().as_sql(compiler, connection, template=template)


def text(path: str) -> SafeText:
    """A text of people's making, safe for spreadsheets."""
    return SafeText(F(path))


def code(path: str) -> SafeCode:
    """A text of this program's making; empty becomes NULL."""
    return SafeCode(F(path))


def name_of(path: str) -> SafeName:
    """The name of a person, an image or a study, which stays text in every program."""
    return SafeName(F(path))


def zero_one(path: str) -> Cast:
    """A truth value as 1 or 0; NULL stays NULL."""
    return Cast(Cast(F(path), BooleanField()), IntegerField())


def of_answer(task: str, column: Column, prefix: str = "") -> Case:
    """A key of the stored answers of one task, as its column says; NULL in the rows of other tasks.

    prefix: of the path from the rows to the answer.
    """
    stored = Cast(KeyTextTransform(column.key, f"{prefix}answer"), TextField())
    found: Any
    match column.kind:
        case "string":
            found = SafeName(stored) if column.names else SafeText(stored)
        case "integer":
            # By way of the float: JSON may write a whole number as 4.0.
            found = Cast(Cast(stored, FloatField()), BigIntegerField())
        case "number":
            found = Cast(stored, FloatField())
        case "boolean":
            # true and false, or 1 and 0: the databases give both as these texts.
            yes, no = (
                When(key_is(stored, "true", "1"), then=Value(1)),
                When(key_is(stored, "false", "0"), then=Value(0)),
            )
            found = Case(yes, no, output_field=IntegerField())
    return Case(When(task=task, then=found), output_field=found.output_field)


def key_is(stored: Any, *values: str) -> In:
    """Whether a text is one of these."""
    return In(stored, [Value(value) for value in values])
