"""A study is deleted with everything after a second confirmation, or refused in words; files that others use stay."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from survey_site.protocols import life, stored_files
from survey_site.protocols.models import ServedImage
from survey_site.stimuli.models import MapPicture, PrecomputeJob, SaliencyMap, Stimulus
from survey_site.stimuli.storage import MARK, AtomicFileSystemStorage
from survey_site.studies import audit
from survey_site.studies.models import AuditEntry, ChainHead, Membership, Study
from survey_site.studies.states import StateForbids
from survey_site.trials import deletion
from survey_site.trials.deletion import delete_study, holdings
from survey_site.trials.models import Participant, Response
from tests import factories
from tests.desk import crowd

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]
PEOPLE = {"auth", "accounts", "otp_totp", "axes", "admin", "sessions"}  # researchers stay


@pytest.fixture
def owner() -> User:
    return User.objects.create_user("ada", is_staff=True)


def rows() -> dict[str, set[Any]]:
    """Every row of every table of studies."""
    models = [model for model in apps.get_models() if model._meta.app_label not in PEOPLE]
    return {model.__name__: set(model._default_manager.values_list("pk", flat=True)) for model in models}


def files(media: Path) -> set[Path]:
    return {path for path in media.rglob("*") if path.is_file() and path.name != MARK}


def closed(slug: str, owner: User) -> Study:
    study = crowd.study_with_everything(slug, owner)
    PrecomputeJob.objects.filter(stimulus__study=study).update(lease_expires_at=None)
    life.step(study, "close")
    return study


def test_everything_goes_and_what_another_study_uses_stays(owner: User, media: Path) -> None:
    other = closed("kept", owner)
    before, stored = rows(), files(media)
    study = closed("gone", owner)
    assert Response.objects.filter(participant__study=study).exists()
    assert files(media) > stored  # the same pictures, and served ones of its own
    gone = delete_study(study, owner.pk)
    after = rows()
    (line,) = AuditEntry.objects.filter(pk__in=after.pop("AuditEntry") - before.pop("AuditEntry"))
    # The line is the first of the site's own log.
    assert ChainHead.objects.get(pk__in=after.pop("ChainHead") - before.pop("ChainHead")).study is None
    assert after == before
    assert files(media) == stored
    assert (line.study, line.user, line.verb) == (None, owner, "study deleted")
    assert line.detail == f"gone “{study.title}” (closed): {gone}"
    assert (gone.people, gone.images, gone.maps, gone.versions) == (2, 9, 36, 1)
    for model, column in ((Stimulus, "path"), (MapPicture, "path"), (ServedImage, "path")):
        for path in model._default_manager.values_list(column, flat=True):
            assert default_storage.exists(path)
    delete_study(other, None)
    assert not files(media)


def test_the_files_are_counted_as_they_are_listed(owner: User) -> None:
    study = closed("counted", owner)
    assert holdings(study).files == len(stored_files.of_study(study)) > 9


def test_each_batch_begins_behind_the_one_before(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    study = closed("batches", owner)
    people = list(Participant.objects.order_by("pk").values_list("pk", flat=True))
    monkeypatch.setattr(deletion, "BATCH", 1)
    with CaptureQueriesContext(connection) as captured:
        delete_study(study, None)
    table = Participant._meta.db_table
    behind = [f'"{table}"."id" > {last}' for last in (0, *people)]
    found = [sql for query in captured if "LIMIT 1" in (sql := query["sql"]) and f'"{table}"."id" > ' in sql]
    assert len(found) == len(behind) and all(part in sql for part, sql in zip(behind, found, strict=True))


@pytest.mark.parametrize("state", ["pilot", "live", "paused"])
def test_a_study_that_collects_is_not_deleted(state: str, owner: User, media: Path) -> None:
    study = factories.live(owner=owner)
    Study.objects.filter(pk=study.pk).update(state=state)
    before = rows(), files(media)
    with pytest.raises(
        StateForbids, match=f"The study is {state}: it can be deleted only while it is draft"
    ) as refused:
        delete_study(study, owner.pk)
    assert "“Close”" in str(refused.value)
    assert (rows(), files(media)) == before


@pytest.mark.parametrize("step", ["version", "close"])
def test_a_draft_of_a_sealed_study_and_a_closed_one_can_go(step: str, media: Path) -> None:
    study = factories.live()
    factories.participant(study)
    life.step(study, step)
    delete_study(study, None)
    assert not Study.objects.exists() and not Participant.objects.exists() and not files(media)


def test_while_a_worker_computes_nothing_is_deleted() -> None:
    study = factories.draft()
    now = timezone.now()
    job = PrecomputeJob.objects.create(
        stimulus=study.stimuli.all()[0], classifier="x", methods=[], state="running",
        lease_expires_at=now + timedelta(minutes=5),
    )  # fmt: skip
    with pytest.raises(StateForbids, match="computes maps of 1 images"):
        delete_study(study, None)
    PrecomputeJob.objects.filter(pk=job.pk).update(lease_expires_at=now - timedelta(minutes=5))  # it died
    delete_study(study, None)


def test_what_fails_half_way_leaves_all_of_it(
    owner: User, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = closed("whole", owner)
    before = rows(), files(media)

    def broken(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(audit, "record_of", broken)
    with pytest.raises(RuntimeError):
        delete_study(study, owner.pk)
    assert (rows(), files(media)) == before


def test_a_file_that_cannot_be_removed_is_logged_by_name(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = factories.draft()
    paths = set(study.stimuli.values_list("path", flat=True))

    def refuse(_: Any, path: str) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(AtomicFileSystemStorage, "delete", refuse)
    delete_study(study, None)
    assert not Study.objects.exists()
    assert all(path in caplog.text for path in paths)


def test_an_image_of_a_draft_takes_its_files_along(admin_client: Client, media: Path) -> None:
    study = factories.draft()
    stimulus = study.stimuli.all()[0]
    address = reverse("admin:stimuli_stimulus_delete", args=[stimulus.pk])
    twin = factories.paint(factories.draft("other", images=0, reserve=0), "twin", 0, "main", ())
    own = set(MapPicture.objects.filter(saliency_map__stimulus=stimulus).values_list("path", flat=True))
    admin_client.post(address, {"post": "yes"})
    assert not Stimulus.objects.filter(pk=stimulus.pk).exists()
    assert default_storage.exists(twin.path)  # the same picture in another study
    shared = set(MapPicture.objects.values_list("path", flat=True)) | {twin.path}
    assert own - shared and not any(default_storage.exists(path) for path in own - shared)
    chosen = {"action": "delete_selected", "post": "yes", "_selected_action": study.stimuli.all()[0].pk}
    kept = files(media)
    admin_client.post(reverse("admin:stimuli_stimulus_changelist"), chosen)
    assert files(media) < kept


class TestThePage:
    @pytest.fixture
    def client(self, owner: User) -> Client:
        client = Client()
        client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
        return client

    def test_it_asks_twice(self, client: Client, owner: User) -> None:
        study = closed("gone", owner)
        address = reverse("admin:study_ending", args=[study.pk])
        assert str(holdings(study)) in client.get(address).content.decode()
        asked = client.post(address, {"verb": "delete"})
        assert asked.status_code == 200 and "Type its short name, gone," in asked.content.decode()
        wrong = client.post(address, {"verb": "delete", "confirm": "Gone"})
        assert wrong.status_code == 422 and "nothing was deleted" in wrong.content.decode()
        assert Study.objects.exists()
        done = client.post(address, {"verb": "delete", "confirm": "gone"}, follow=True)
        assert "is deleted: 2 participants" in done.content.decode()
        assert not Study.objects.exists()
        assert AuditEntry.objects.get(verb="study deleted").user == owner

    def test_it_says_which_state_forbids_it(self, client: Client, owner: User) -> None:
        study = factories.live(owner=owner)
        address = reverse("admin:study_ending", args=[study.pk])
        assert "The study is live: it can be deleted only" in client.get(address).content.decode()
        told = client.post(address, {"verb": "delete", "confirm": "test"}, follow=True)
        assert "The study is live: it can be deleted only" in told.content.decode()
        assert Study.objects.exists()

    def test_whoever_left_the_session_open_is_asked_for_the_password(
        self, client: Client, owner: User
    ) -> None:
        study = factories.draft(owner=owner)
        session = client.session
        session["confirmed_at"] = 0
        session.save()
        address = reverse("admin:study_ending", args=[study.pk])
        answer = client.post(address, {"verb": "delete", "confirm": "test"})
        assert answer.status_code == 302 and reverse("confirm") in answer["Location"]
        assert Study.objects.exists()

    @pytest.mark.parametrize("role", ["editor", "analyst", "assistant"])
    def test_it_is_the_owners_alone(self, role: str, client: Client, owner: User) -> None:
        study = factories.draft(owner=User.objects.create_user("eve", is_staff=True))
        Membership.objects.create(study=study, user=owner, role=role)
        address = reverse("admin:study_ending", args=[study.pk])
        assert client.get(address).status_code == 404
        assert client.post(address, {"verb": "delete", "confirm": "test"}).status_code == 404
        assert Study.objects.exists()


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    yield lambda: capsys.readouterr().out


def test_the_command_asks_for_the_name_once_more(told: Any) -> None:
    study = factories.live()
    with pytest.raises(CommandError, match="The study is live: it can be deleted only"):
        call_command("delete_study", "test", "--confirm", "test")
    life.step(study, "close")
    call_command("delete_study", "test")
    assert "holds 0 participants" in (out := told()) and "--confirm test" in out
    with pytest.raises(CommandError, match="nothing was deleted"):
        call_command("delete_study", "test", "--confirm", "tset")
    assert Study.objects.exists() and SaliencyMap.objects.exists()
    call_command("delete_study", "test", "--confirm", "test")
    assert "test is deleted: 0 participants" in told()
    assert not Study.objects.exists()
