"""Fixtures of the report's tests."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client

from survey_site.stimuli import storage
from survey_site.stimuli.models import MapPicture, SaliencyMap, Stimulus, StimulusFeatures
from survey_site.studies.models import StudyText
from survey_site.trials.models import Exposure, ExternalId, Response, Ticket, Trial
from tests.reports.factory import Survey, survey
from tests.reports.ruled import four_finished


@pytest.fixture
def small(db: None) -> Survey:
    """Two columns; no answers yet."""
    return survey()


@pytest.fixture
def researcher(db: None) -> Any:
    """A staff user who owns nothing yet."""
    return get_user_model().objects.create_user("researcher", is_staff=True)


@pytest.fixture
def desk(researcher: Any) -> Client:
    """A browser in which the researcher is signed in."""
    client = Client()
    client.force_login(researcher)
    return client


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[list[Any]]:
    """Tasks that were sent, each by its name and arguments, instead of a broker."""
    found: list[list[Any]] = []
    monkeypatch.setattr(
        "survey_site.celery.app.send_task", lambda name, args, queue: found.append([name, *args])
    )
    return found


@pytest.fixture
def empty_cache(settings: Any) -> None:
    """A cache of this process, with nothing in it."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()


@pytest.fixture
def rich(small: Survey, media: Path) -> Survey:
    """A study with something in every table, odd texts, missing values, and media."""
    StudyText.objects.create(study=small.study, key="welcome", language="fr", markdown="Bonjour\n“très” bien")
    small.study.analysis_plan = {"alpha": 0.05, "rules": [1, 2.0]}
    small.study.save()
    path, digest = storage.put("stimuli", b"a picture", ".png")
    Stimulus.objects.filter(pk=small.stimuli[0].pk).update(path=path, sha256=digest)
    Stimulus.objects.exclude(pk=small.stimuli[0].pk).update(path="")
    array, array_digest = storage.put("maps", b"an array", ".npy")
    picture, picture_digest = storage.put("maps", b"its picture", ".png")
    shown = SaliencyMap.objects.create(
        stimulus=small.stimuli[0], classifier="MobileNetV2", layer="out_relu", class_index=7, method="gradcam",
        parameters_hash="1" * 64, array_sha256=array_digest, array_path=array, metrics={"confidence": 0.1 + 0.2},
        provenance={"versions": {"keras": "3"}, "seed": None, "list": []},
    )  # fmt: skip
    MapPicture.objects.create(saliency_map=shown, colour_map="jet", sha256=picture_digest, path=picture)
    StimulusFeatures.objects.create(
        stimulus=small.stimuli[0], classifier="MobileNetV2", vector=[0.1, 1.0, 1e-9]
    )
    who = small.participant(demographics={"age": "30–39"}, consent_version="v1", kind="person")
    first = small.matching(who, 1, None)
    second = SaliencyMap.objects.create(
        stimulus=small.stimuli[0], classifier="MobileNetV2", class_index=9, rank=1, method="gradcam.add-edges",
        parameters_hash="2" * 64, provenance={},
    )  # fmt: skip
    maps = [
        {"map": second.pk, "condition": small.conditions[0].pk, "rank": 1},
        {"map": shown.pk, "condition": small.conditions[1].pk, "rank": 0},
    ]
    Trial.objects.filter(pk=first.trial_id).update(
        saliency_map=shown, maps=maps, pool_index=2, probability=0.25
    )
    Response.objects.filter(pk=first.pk).update(further_conditions=str(small.conditions[0].pk))
    Exposure.objects.create(participant=who, stimulus=small.stimuli[0], trial=first.trial)
    small.rating(who, 0, 0, client={"dpr": 1.5, "x": None})
    small.missing(who, 0, why="timeout")
    small.matching(small.participant(excluded=True, exclusion_reason='=1, "odd"\n'), 0, 2)
    small.participant(state="started")
    Trial.objects.create(
        participant=who, position=9, block="rating", task="rating", stimulus=small.stimuli[1]
    )
    Ticket.objects.create(protocol=small.protocol, number=0, participant=who, state="completed")
    ExternalId.objects.create(study=small.study, participant=who, provider="prolific", value="SECRET-PID")
    return small


@pytest.fixture
def big() -> Survey:
    """Under a sealed rule four people finished, whose ratings leave no doubt."""
    return four_finished(apart=4)


@pytest.fixture
def none() -> Survey:
    """Under a sealed rule four people finished, and there is nothing to find."""
    return four_finished(apart=0)
