"""Two editors: a save that would overwrite what somebody saved since the form was opened is refused, with both values.

A form carries, hidden, what it showed of each field when it was opened (as digests). A save compares: where the stored
value is neither that one nor the one sent, nothing is saved; the form then shows the stored value where its user had
left the field alone, keeps what they wrote where they had not, and holds what is stored now, so that saving once more
is a decision. A post without the hidden field is a program's, which has looked at nothing and means what it says.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from copy import copy
from typing import Any, cast

from django import forms
from django.db.models import Model, UniqueConstraint
from django.http import QueryDict
from django.utils.translation import gettext as _

SEEN = "seen"
DELETED = "–"


def plain(field: forms.Field, value: Any) -> Any:
    """A field's value, stored or cleaned, as one that can be compared: no line ends of a browser, no empty None."""
    if isinstance(field, forms.ModelMultipleChoiceField):  # only what the user may choose, and see
        chosen = {one.pk for one in value or ()}
        offered = field.queryset.order_by("pk") if field.queryset is not None else ()
        return [str(one) for one in offered if one.pk in chosen]
    if isinstance(field, forms.ModelChoiceField):
        value = field.prepare_value(value)
    if isinstance(value, str):
        return value.replace("\r\n", "\n").strip()
    return "" if value is None else value


def digest(value: Any) -> str:
    """A short name of a plain value."""
    text = json.dumps(value, default=str, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def shown(value: Any) -> str:
    """A plain value as the refusal quotes it."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    listed = isinstance(value, list | dict)
    text = json.dumps(value, default=str, ensure_ascii=False) if listed else str(value)
    return f"“{text}”" if text else _("nothing")


def overwriting(theirs: Any, mine: Any) -> str:
    """The refusal's words about one field: what is stored now, and what would have replaced it."""
    values = {"theirs": shown(theirs), "mine": shown(mine)}
    return _("Somebody else saved this meanwhile. Now stored: %(theirs)s. Yours: %(mine)s.") % values


def once_more() -> str:
    """What the user can do after a refusal."""
    return _(
        "Nothing was saved, since somebody else saved other values after you opened this page; see them below. What you "
        "had left alone now shows theirs. Save once more to store the form as it stands."
    )


def digests(text: str) -> Mapping[str, str]:
    """The content of a hidden field; empty for one that is missing or damaged."""
    try:
        found = json.loads(text) if len(text) < 100_000 else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


class SeenField(forms.CharField):
    """The hidden field; of no interest to who asks what changed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**(kwargs | {"required": False, "widget": forms.HiddenInput, "label": ""}))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


class SeenForm(forms.ModelForm):
    """A form of a row that others may edit too. Its instance must be read after the study's row was locked."""

    seen = SeenField()

    def get_initial_for_field(self, field: forms.Field, field_name: str) -> Any:
        if field_name == SEEN:
            return json.dumps({name: digest(value) for name, value in self.stored_values()})
        return super().get_initial_for_field(field, field_name)

    def stored_values(self) -> Iterator[tuple[str, Any]]:
        """(name, plain value) of each field as it is stored now."""
        for name, field in self.fields.items():
            if name != SEEN:
                yield name, plain(field, self.get_initial_for_field(field, name))

    def _clean_form(self) -> None:
        super()._clean_form()  # type: ignore[misc]
        self._refuse_overwriting()

    def _refuse_overwriting(self) -> None:
        seen = digests(str(self.data.get(self.add_prefix(SEEN), "")))
        self.refused: list[tuple[str, Any]] = []
        if self.is_gone():
            return
        for name, theirs in self.stored_values():
            if seen.get(name) in (None, digest(theirs)) or name not in self.cleaned_data:
                continue
            mine = plain(self.fields[name], self.cleaned_data[name])
            if digest(mine) == digest(theirs):
                continue
            self.refused.append((name, theirs))
            self.add_error(name, overwriting(theirs, mine))
            if digest(mine) == seen[name]:  # left alone
                self.show(name)
        if self.refused:
            self.show(SEEN)
            self.add_error(None, once_more())

    def is_gone(self) -> bool:
        """Whether somebody else has deleted the row meanwhile; of that its set of forms tells."""
        return self.instance.pk is None and bool(self.data.get(self.add_prefix("id")))

    def show(self, name: str) -> None:
        """The page that says no shows what is stored in this field."""
        field, key = self.fields[name], self.add_prefix(name)
        data = cast(dict[str, Any], copy(self.data))  # of a request's QueryDict one that can be changed
        value = self.get_initial_for_field(field, name)
        if isinstance(field, forms.BooleanField):
            data.pop(key, None)
            if value:
                data[key] = "on"
        elif isinstance(field, forms.ModelMultipleChoiceField):
            cast(QueryDict, data).setlist(key, [str(one.pk) for one in value or ()])
        elif isinstance(field, forms.MultipleChoiceField):
            cast(QueryDict, data).setlist(key, [str(one) for one in value or ()])
        else:
            text = field.widget.format_value(field.prepare_value(value)) or ""
            data[key] = "".join(text) if isinstance(text, list) else text  # a list of one: a choice
        self.data = data

    def validate_unique(self) -> None:
        """Of a row that somebody else has added meanwhile, the refusal shows both."""
        if self.instance.pk is None and (twin := twin_of(self.instance)):
            other = type(self)(instance=twin)
            for name, theirs in other.stored_values():
                mine = plain(self.fields[name], self.cleaned_data.get(name))
                if digest(mine) != digest(theirs):
                    self.add_error(name, overwriting(theirs, mine))
            told = _("Somebody else added “%s” meanwhile. Reload the page and change that row instead.")
            self.add_error(None, told % twin)
            return
        super().validate_unique()


def twin_of(row: Model) -> Model | None:
    """The stored row that stands where this new one would."""
    for constraint in row._meta.constraints:
        if not isinstance(constraint, UniqueConstraint) or constraint.condition or not constraint.fields:
            continue
        wanted = {row._meta.get_field(name).attname: None for name in constraint.fields}  # type: ignore[union-attr]
        values = {name: getattr(row, name) for name in wanted}
        if None not in values.values():
            found = type(row)._default_manager.filter(**values).first()
            if found is not None:
                return found
    return None


class SeenFormSet(forms.BaseInlineFormSet):
    """Rows of a study: nor is a row deleted that somebody else has changed, or saved that somebody else has deleted."""

    def clean(self) -> None:
        super().clean()
        refused = []
        for form in cast(list[SeenForm], self.forms):
            goes = self.can_delete and self._should_delete_form(form)  # type: ignore[attr-defined]
            if form.instance.pk and goes:
                for name, theirs in form.refused:
                    label = form.fields[name].label or name
                    refused.append(f"{form.instance}, {label}: {overwriting(theirs, DELETED)}")
            elif form.is_gone():
                mine = ", ".join(
                    f"{form.fields[name].label or name} {shown(plain(form.fields[name], value))}"
                    for name, value in form.cleaned_data.items()
                    if name in form.fields and name not in (SEEN, "id", "DELETE", self.fk.name)
                )
                refused.append(
                    _(
                        "Somebody else deleted this row meanwhile. Yours: %s. Reload the page and add it, if it shall stay."
                    )
                    % mine
                )
        if refused:
            raise forms.ValidationError([*refused, once_more()])
