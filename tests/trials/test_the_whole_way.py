"""From the start page to the last one with plain forms."""

import pytest
from django.test import Client

from survey_site.stimuli.models import Stimulus
from survey_site.trials.models import Exposure, Participant, Response, Ticket, Trial
from tests import factories
from tests.trials.player import begin, play

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def test_it_leads_from_consent_to_the_end_and_stores_every_answer(client: Client) -> None:
    factories.live()
    address = begin(client, "test")
    met = play(client, address)
    assert met == [
        "instructions_matching", "choice", "feedback-0", "begin_matching", "choice", "choice", "choice",
        "instructions_rating", "rating", "feedback-4", "begin_rating", "rating", "rating", "rating", "debrief",
    ]  # fmt: skip
    participant = Participant.objects.get()
    assert participant.state == Participant.State.FINISHED
    assert Response.objects.count() == Trial.objects.count() == 8
    assert Ticket.objects.get().state == Ticket.State.COMPLETED


def test_it_scores_by_the_source_image(client: Client) -> None:
    factories.live()
    play(client, begin(client, "test"), lambda name, offered: offered[-1] if name == "rating" else offered[0])
    for response in Response.objects.select_related("trial"):
        if response.trial.task == "rating":
            assert (response.score, response.second_score, response.answer) == (6, None, {"rating": 6})
        else:
            first = Stimulus.objects.get(pk=response.trial.pool[0])
            assert response.answer["choice"] == first.key
            assert response.score == (first.pk == response.trial.stimulus_id)


def test_it_records_every_original_that_was_shown(client: Client) -> None:
    factories.live()
    play(client, begin(client, "test"))
    shown = {s for t in Trial.objects.all() for s in (t.stimulus_id, *t.pool)}
    assert set(Exposure.objects.values_list("stimulus_id", flat=True)) == shown


def test_no_matching_trial_shows_a_picture_seen_before(client: Client) -> None:
    factories.live(images=12, matching_trials_per_column=2)
    play(client, begin(client, "test"))
    seen: set[int] = set()
    for trial in Trial.objects.filter(task="matching").order_by("position"):
        assert not seen & set(trial.pool)
        seen |= set(trial.pool)
