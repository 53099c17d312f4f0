"""One study for all tests of a file: each changes it in a transaction of its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.test import Client, override_settings

from survey_site.protocols.models import Look, Protocol, Rehearsal
from survey_site.recruitment.models import Recruitment
from survey_site.stimuli.models import ObservedMap, SaliencyMap
from survey_site.stimuli.storage import MARK
from survey_site.studies import audit
from survey_site.studies.models import Membership, Study, StudyText
from survey_site.trials import frozen_protocol
from survey_site.trials.models import Participant
from tests import factories
from tests.reports.alterations import another_study
from tests.trials.player import begin, fill, play, step, until_trial


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The storage of this file's study."""
    folder = tmp_path_factory.mktemp("media")
    (folder / MARK).touch()
    options = {
        "BACKEND": "survey_site.stimuli.storage.AtomicFileSystemStorage",
        "OPTIONS": {"location": str(folder)},
    }
    # As the fixtures of tests/conftest.py have it, which are there for one test each.
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(STORAGES={**settings.STORAGES, "default": options, "staticfiles": plain}):
        yield folder


@pytest.fixture(scope="module")
def made(files: Path, django_db_setup: None, django_db_blocker: Any) -> Iterator[Study]:
    """One who finished, one by a panel at the second trial, one who withdrew, one who let the ticket go; a log."""
    frozen_protocol.forget()  # what another file's study was sealed as, under the same number
    with django_db_blocker.unblock():
        block = transaction.atomic()
        block._from_testcase = True  # type: ignore[attr-defined]
        with block:
            yield _study()
            transaction.set_rollback(True)


@pytest.fixture
def study(made: Study, db: None) -> Study:
    """The study as it was made, read anew."""
    return Study.objects.get(pk=made.pk)


def _study() -> Study:
    made = factories.live(attention_checks=1, images=4, methods=factories.METHODS[:2])
    play(Client(), begin(Client(), "test"))
    client = Client()
    address = begin(client, "test", "?PROLIFIC_PID=abc")
    client.post(address, fill(until_trial(client, address)))
    address = begin(client, "test")
    step(client, address)
    step(client, address)
    client.post(f"/w/{Participant.objects.latest('pk').receipt}/")
    begin(Client(), "test")
    _around(made)
    audit.record_command(made, "exported", "responses.csv")
    audit.record_command(None, "looked", "around")
    return made


def _around(study: Study) -> None:
    """What else a study has: texts, somebody with whom it is shared, recruitment, rehearsals, looks, observers."""
    protocol = Protocol.objects.get(study=study)
    another_study.make(protocol)
    other = get_user_model().objects.create_user("other")
    get_user_model().objects.create_user("a third")
    Membership.objects.create(study=study, user=other, role="analyst")
    StudyText.objects.update_or_create(
        study=study, key="welcome", language="en", defaults={"markdown": "Hello"}
    )
    Recruitment.objects.get_or_create(study=study)
    Rehearsal.objects.create(
        study=study,
        document_hash="0" * 64,
        seed=1,
        participants=2,
        repetitions=3,
        passed=True,
        summary={"power": 0.5},
    )
    Look.objects.create(
        measurement=protocol,
        number=1,
        planned=4,
        participants=4,
        fraction=0.5,
        found={"Ours": {"p": 0.25}},
        reached=False,
    )
    audit.record_command(study, "look taken", "look 1")
    ObservedMap.objects.create(
        saliency_map=SaliencyMap.objects.filter(stimulus__study=study).latest("pk"), pool="1,2", view="1 jet 224",
        found={"matcher": {"choice": "a", "margin": 0.5}},
    )  # fmt: skip
