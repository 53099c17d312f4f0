"""For tests of an object store."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.backends import get_backend

from tests.stack.flaky_s3 import KEY, FlakyS3, point_at


@pytest.fixture
def store(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlakyS3]:
    """The site's storage is the bucket `survey` of a server that knows one key."""
    for account in get_backend("s3").values():  # moto keeps one world for the whole process
        for world in account.values():
            world.reset()
    server = FlakyS3()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret")
    boto3.client("s3", endpoint_url=server.url, region_name="us-east-1").create_bucket(Bucket="survey")
    point_at(settings, server, tmp_path)
    server.seen.clear()
    yield server
    server.close()
