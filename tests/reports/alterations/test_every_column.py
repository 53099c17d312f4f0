"""Every column of every model: `verify` finds it changed, or it stands here with the reason why it need not."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from django.apps import apps
from django.db import models

from survey_site.studies.models import Study
from survey_site.trials.models import Participant, Ticket
from tests.reports.alterations.altered import ROWS, faults, found_after, other_values

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("files")]


SIGN_IN = "who may sign in: no data rest on it, and the log of the site names who did what by number"
SETTING = "whom the site tells of what"
WORK = "work to be done; what came of it is in rows under seals"
NOT_DATA = {
    "admin.LogEntry": "Django's own; the log is AuditEntry",
    "auth.Permission": SIGN_IN,
    "auth.Group": SIGN_IN,
    "auth.Group_permissions": SIGN_IN,
    "auth.User": SIGN_IN,
    "auth.User_groups": SIGN_IN,
    "auth.User_user_permissions": SIGN_IN,
    "contenttypes.ContentType": "names of tables, made by migrate",
    "sessions.Session": SIGN_IN,
    "axes.AccessFailureLog": SIGN_IN,
    "axes.AccessAttempt": SIGN_IN,
    "axes.AccessAttemptExpiration": SIGN_IN,
    "axes.AccessLog": SIGN_IN,
    "otp_totp.TOTPDevice": SIGN_IN,
    "accounts.BackupCode": SIGN_IN,
    "accounts.MustUseSecondFactor": SIGN_IN,
    "accounts.ApiToken": SIGN_IN,
    "accounts.ApiToken_studies": SIGN_IN,
    "stimuli.ObserverJob": WORK,
    "stimuli.PrecomputeJob": WORK,
    "stimuli.RecomputeJob": WORK,
    "stimuli.OwnModel": "the sealed document has what is measured with it, and its file's SHA-256",
    "stimuli.StimulusFeatures": "a cache of what a worker computes from the images; the sealed document has the pools",
    "recruitment.Recruitment_earlier_studies": "whom a study lets in, not what they answered",
    "recruitment.ExcludedId": "whom a study lets in, not what they answered",
    "recruitment.TurnedAway": "whom a study did not let in",
    "notifications.Watch": SETTING,
    "notifications.Subscriber": SETTING,
    "notifications.Notification": SETTING,
    "notifications.Delivery": SETTING,
}
NOTHING_RESTS_ON: dict[str, str] = {}


def test_every_model_is_looked_at_or_has_a_reason() -> None:
    every = {model._meta.label for model in apps.get_models(include_auto_created=True)}
    assert every == {kind._meta.label for kind in ROWS} | NOT_DATA.keys()
    assert not {kind._meta.label for kind in ROWS} & NOT_DATA.keys()


def store(row: models.Model, **change: Any) -> None:
    type(row)._base_manager.filter(pk=row.pk).update(**change)


def changes(kind: type[models.Model], field: Any) -> Iterator[tuple[models.Model, Any]]:
    """The first row, which is of the sealed study, with other values; then the last ones, where the next number is free."""
    for row in [*kind._base_manager.order_by("pk")[:1], *kind._base_manager.order_by("-pk")[:5]]:
        for value in other_values(row, field):
            yield row, value


def test_every_column_is_looked_at_or_has_a_reason(study: Study) -> None:
    """The first change that the database takes. Participants and tickets are in different states: there the last too."""
    assert faults() == []
    unseen, refused = [], []
    for kind in ROWS:
        for field in kind._meta.concrete_fields:
            name = f"{kind._meta.label}.{field.attname}"
            if field.primary_key or name in NOTHING_RESTS_ON:
                continue
            tries = (
                (row, value, found_after(study, lambda: store(row, **{field.attname: value})))  # noqa: B023
                for row, value in changes(kind, field)
            )
            taken = (one for one in tries if one[-1] is not None)
            wanted = 2 if kind in (Participant, Ticket) else 1
            told = list(islice(taken, wanted))
            unseen += [f"{row!r}.{field.attname} = {value!r}" for row, value, found in told if not found]
            refused += [] if told else [name]
    assert unseen == []
    assert refused == []
    assert faults() == []
