"""STORAGE_URL with an S3 server over the loopback address: written, read at once, in parts, again after refusals."""

import io
import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import ProxyHandler, build_opener

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from survey_site.protocols import unused_files
from survey_site.protocols.models import ServedImage
from survey_site.stimuli import storage
from survey_site.trials.signed_tokens import picture_token
from survey_site.trials.views.health import LOOKS
from tests import factories
from tests.stack.flaky_s3 import FlakyS3, point_at

pytestmark = pytest.mark.django_db
NAME = re.compile(r"/survey/media/served/[0-9a-f]{4}/[0-9a-f]{40}\.png")
PART_BYTES = 8 * 2**20


def fetched(url: str) -> bytes:
    with build_opener(ProxyHandler({})).open(url, timeout=10) as reply:
        data: bytes = reply.read()
    return data


def test_what_is_written_is_read_at_once_and_the_same_bytes_are_written_once(store: FlakyS3) -> None:
    path, digest = storage.put("maps", b"a map", ".npy")
    assert storage.get(path) == b"a map"
    assert storage.put("maps", b"a map", ".npy") == (path, digest)
    assert [method for method, _ in store.seen].count("PUT") == 1
    with pytest.raises(FileNotFoundError):
        storage.get("maps/00/nothing.npy")


def test_a_large_file_goes_in_parts_and_comes_back_whole(store: FlakyS3) -> None:
    content = bytes(range(256)) * (3 * PART_BYTES // 256) + b"the end"
    path, digest = storage.put_file("models", io.BytesIO(content), ".keras")
    assert sum("partNumber" in query for _, query in store.seen) >= 3
    assert storage.sha256(storage.get(path)) == digest == storage.sha256(content)


def test_a_server_that_is_busy_for_a_moment_is_asked_again(store: FlakyS3) -> None:
    store.busy = 2
    path, _ = storage.put("maps", b"another map", ".npy")
    assert store.busy == 0
    store.busy = 2
    assert storage.get(path) == b"another map"


def test_a_wrong_key_is_told_at_readyz_and_stores_nothing(
    store: FlakyS3, settings: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    point_at(settings, store, tmp_path)
    with pytest.raises(storage.StorageRefuses, match=r"refuses HeadObject \(403\); look at STORAGE_URL"):
        storage.put("maps", b"a map", ".npy")
    LOOKS.forget()
    assert LOOKS.outcome()["storage"].startswith("the object store refuses HeadBucket (403); ")
    assert Client().get("/readyz").status_code == 503
    assert not store.seen
    LOOKS.forget()


def test_a_presented_picture_is_signed_for_minutes_and_its_address_tells_nothing(store: FlakyS3) -> None:
    factories.live()
    paths = list(ServedImage.objects.values_list("path", flat=True))
    client, lengths = Client(), set()
    for path in paths[:4]:
        first, second = (client.get(f"/i/{picture_token(path, 60)}") for _ in range(2))
        assert (first.status_code, first["Cache-Control"]) == (302, "private, no-store")
        address = urlsplit(first["Location"])
        assert NAME.fullmatch(address.path)
        assert parse_qs(address.query)["X-Amz-Expires"] == ["300"]
        assert address.path == urlsplit(second["Location"]).path
        lengths.add(len(fetched(first["Location"])))
    assert len(lengths) == 1


def test_when_pictures_were_written_does_not_tell_what_they_show(store: FlakyS3) -> None:
    """S3 says of each file when it was written: in the order of images and methods that would name both."""
    factories.live(images=12)
    by_map = list(ServedImage.objects.order_by("pk").values_list("path", flat=True))
    written = [path for method, path in store_writes(store) if method == "PUT"]
    order = [written.index(path) for path in by_map]
    assert order != sorted(order)


def store_writes(store: FlakyS3) -> list[tuple[str, str]]:
    """Method and path of what was written below `served`, in order."""
    return [
        (method, path.removeprefix("/survey/media/"))
        for method, path in store.paths
        if path.startswith("/survey/media/served/")
    ]


def test_files_that_no_row_names_are_tidied_away(store: FlakyS3) -> None:
    factories.live()
    path, _ = storage.put("maps", b"a map whose worker died", ".npy")
    later = timezone.now() + timedelta(days=3)
    found = list(unused_files.unused(timedelta(days=2), later))
    assert [file.path for file in found] == [path]
    assert unused_files.remove(found[0])
    assert not default_storage.exists(path)
    assert not list(unused_files.unused(timedelta(days=2), later))
    call_command("tidy")
