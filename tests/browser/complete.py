"""A short study that people in the browser complete."""

from typing import Any

from survey_site.trials.models import Participant, Response, Trial
from tests import factories


def short_study(live_server: Any) -> str:
    """Live, with few trials; the address of its site."""
    factories.live(images=8, matching_trials_per_column=2, methods=factories.METHODS[:2])
    return str(live_server.url)


def assert_complete() -> None:
    """Every trial of every participant has its one answer, and nobody is left unfinished."""
    assert Participant.objects.exclude(state="finished").count() == 0
    assert Response.objects.count() == Trial.objects.count() > 0
    assert not Response.objects.exclude(missing="").exists()
