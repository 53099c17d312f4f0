"""An object store that is set up by half: /readyz, doctor, desk and API say what lacks, and no page fails with a 500."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from survey_site.desk import doctor
from survey_site.stimuli import storage
from survey_site.stimuli.storage import StorageRefuses
from survey_site.studies.models import Study
from survey_site.trials.views import health
from tests.api.keys import token_of
from tests.stack.flaky_s3 import FlakyS3, point_at
from tests.stimuli.pictures import encoded

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _looked_at_anew() -> Iterator[None]:
    health.LOOKS.forget()
    yield
    health.LOOKS.forget()


@pytest.fixture
def study(admin_user: Any) -> Study:
    return Study.objects.create(slug="draft", title="Draft", owner=admin_user)


@pytest.fixture
def desk(admin_client: Client) -> Client:
    admin_client.raise_request_exception = False
    return admin_client


def uploaded(desk: Client, study: Study) -> tuple[int, str]:
    """What the desk answers to a picture."""
    sent = {"pictures": SimpleUploadedFile("a.png", encoded(1)), "role": "main"}
    answer = desk.post(reverse("admin:study_images", args=[study.pk]), sent)
    return answer.status_code, answer.content.decode()


def sent_by_a_program(user: Any, study: Study) -> tuple[int, Any]:
    picture = io.BytesIO(encoded(2))
    picture.name = "b.png"
    client = Client(raise_request_exception=False)
    token = {"Authorization": f"Token {token_of(user)}"}
    answer = client.post(reverse("api-stimuli", args=[study.slug]), {"files": [picture]}, headers=token)
    return answer.status_code, answer.json()


def told_by_the_doctor(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(doctor, "workers", lambda: "")
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("doctor", stdout=out)
    return out.getvalue()


def test_a_bucket_that_nobody_made(
    store: FlakyS3, settings: Any, tmp_path: Path, desk: Client, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_at(settings, store, tmp_path, "surveys")
    why = "there is no bucket surveys; make it, or correct STORAGE_URL"
    ready = desk.get("/readyz")
    assert (ready.status_code, ready.json()["storage"]) == (503, why)
    assert f"Storage: {why}" in desk.get("/admin/").content.decode()
    status, page = uploaded(desk, study)
    assert (status, f"Storage: {why}" in page) == (503, True)
    assert why in told_by_the_doctor(monkeypatch)
    assert not study.stimuli.exists()
    with pytest.raises(StorageRefuses, match="no bucket surveys"):  # and not that a file is missing
        storage.get("stimuli/ab/abc.png")


def test_a_key_that_may_not_write(
    store: FlakyS3, desk: Client, admin_user: Any, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that only looks can know it: the page that fails tells, and the doctor, who writes a file."""
    store.forbidden = {"PUT", "POST"}
    assert desk.get("/readyz").status_code == 200
    status, page = uploaded(desk, study)
    why = (
        "the object store refuses PutObject (AccessDenied); look at STORAGE_URL, and at its key&#x27;s rights"
    )
    assert (status, f"Storage: {why}" in page) == (503, True)
    status, body = sent_by_a_program(admin_user, study)
    assert (status, body["error"]["code"]) == (503, "not_ready")
    assert "refuses PutObject (AccessDenied)" in told_by_the_doctor(monkeypatch)
    assert not study.stimuli.exists()


def test_a_store_that_breaks_off_while_it_is_read(store: FlakyS3) -> None:
    path, _ = storage.put("maps", b"a map", ".npy")
    store.forbidden = {"GET"}
    with pytest.raises(StorageRefuses, match=r"refuses GetObject \(AccessDenied\)"):
        storage.get(path)


def test_a_look_asks_once_and_writes_nothing(store: FlakyS3) -> None:
    health.LOOKS.outcome()
    assert [method for method, _ in store.seen] == ["HEAD"]
    health.LOOKS.forget()
    store.busy = 2
    assert health.LOOKS.outcome()["storage"].startswith("the object store refuses HeadBucket (503)")
    assert store.busy == 1


def test_a_command_says_so_in_one_line(store: FlakyS3, settings: Any, tmp_path: Path, study: Study) -> None:
    point_at(settings, store, tmp_path, "surveys")
    picture = tmp_path / "a.png"
    picture.write_bytes(encoded(1))
    with pytest.raises(CommandError, match="there is no bucket surveys"):
        call_command("add_images", study.slug, str(picture))
    with pytest.raises(CommandError, match="there is no bucket surveys"):
        call_command("tidy")
