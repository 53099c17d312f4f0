"""The two reads of every page, written out in SQL, against what the models say."""

from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from survey_site.trials.models import Participant, Trial
from survey_site.trials.session import Session, TrialRow, find
from tests import factories
from tests.trials.player import begin, fill, until_trial

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def token(client: Client) -> str:
    """Somebody who has answered one matching trial and been shown the next page."""
    factories.live(attention_checks=1)
    address = begin(client, "test")
    client.post(address, fill(until_trial(client, address)))
    return address.strip("/").split("/")[-1]


def test_it_reads_the_participant_as_the_models_do(token: str) -> None:
    expected = Participant.objects.get(token=token)
    with transaction.atomic():
        for found in (find(token), find(token, lock=True)):
            assert found is not None
            names = [field.attname for field in Participant._meta.concrete_fields]
            assert [getattr(found, name) for name in names] == [getattr(expected, name) for name in names]
            assert not found.get_deferred_fields()
    assert find("nobody") is None


def test_it_reads_the_trials_as_the_models_do(token: str) -> None:
    session = Session(Participant.objects.get(token=token))
    trials = Trial.objects.filter(participant=session.participant).order_by("position")
    assert [facts(row) for row in session.rows] == [
        (
            *(trial.pk, trial.position, trial.block, trial.task, trial.issued_at is not None),
            *(trial.stimulus_id, trial.saliency_map_id, trial.maps, trial.pool, trial.condition_id),
            *(trial.attention_check, trial.expected),
            *(
                (trial.response.idempotency_key, trial.response.body_hash)
                if answered(trial)
                else (None, None)
            ),
        )
        for trial in trials
    ]
    assert [row.answered for row in session.rows] == [answered(trial) for trial in trials]
    assert 0 < sum(row.answered for row in session.rows) < len(session.rows)


def test_it_knows_what_was_shown_as_the_exposures_do(token: str) -> None:
    participant = Participant.objects.get(token=token)
    assert Session(participant).exposed == set(participant.exposures.values_list("stimulus", flat=True))


def facts(row: TrialRow) -> tuple[object, ...]:
    parsed = {"pool_text": row.pool, "maps_text": row.maps}
    return tuple(parsed.get(name, getattr(row, name)) for name in TrialRow._fields)


def answered(trial: Trial) -> bool:
    return hasattr(trial, "response")


def test_a_page_reads_the_participant_and_the_trials_and_nothing_else(
    token: str, client: Client, django_assert_num_queries: Any
) -> None:
    address = f"/p/{token}/"
    client.get(address)  # the sealed protocol is read once per process
    with django_assert_num_queries(2):
        assert client.get(address).status_code == 200
    with django_assert_num_queries(2):
        assert client.get(f"{address}upcoming/").status_code == 200
