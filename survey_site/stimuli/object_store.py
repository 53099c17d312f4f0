"""An object store that speaks S3. A module of its own: its libraries take 20 MB that a site without one does without."""

import functools
from collections.abc import Callable
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from s3transfer.exceptions import RetriesExceededError
from storages.backends import s3

from survey_site.stimuli.storage import StorageRefuses

ASKED_ONCE = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 1})
GONE = ("NoSuchBucket", "404 HeadBucket")  # an answer to HEAD says no more than its status


def _in_words(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method, whose failures are StorageRefuses: whoever is ready for a failing disk is ready for a failing store."""

    @functools.wraps(method)
    def asked(store: "S3Storage", *args: Any, **kwargs: Any) -> Any:
        try:
            return method(store, *args, **kwargs)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            if code in GONE or f"{code} {error.operation_name}" in GONE:
                raise StorageRefuses(
                    f"there is no bucket {store.bucket_name}; make it, or correct STORAGE_URL"
                ) from error
            raise StorageRefuses(
                f"the object store refuses {error.operation_name} ({code}); look at STORAGE_URL, and at its key's rights"
            ) from error
        except (BotoCoreError, Boto3Error, RetriesExceededError) as error:
            raise StorageRefuses(
                f"the object store cannot be asked ({error}); look at STORAGE_URL"
            ) from error

    return asked


class S3Storage(s3.S3Storage):
    """A bucket, or what lies below a prefix of it."""

    exists = _in_words(s3.S3Storage.exists)
    delete = _in_words(s3.S3Storage.delete)
    size = _in_words(s3.S3Storage.size)
    listdir = _in_words(s3.S3Storage.listdir)
    get_modified_time = _in_words(s3.S3Storage.get_modified_time)
    url = _in_words(s3.S3Storage.url)
    _save = _in_words(s3.S3Storage._save)

    @_in_words
    def _open(self, name: str, mode: str = "rb") -> Any:
        """As the library's, but read at once, so that what fails fails here; a bucket that is gone is no missing file."""
        try:
            opened = super()._open(name, mode)
        except FileNotFoundError:
            self.look()
            raise
        if "r" in mode:
            _ = opened.file
        return opened

    @_in_words
    def look(self) -> None:
        """Raises StorageRefuses where the bucket cannot be reached. Known after seconds, and writes nothing."""
        self._hasty.head_bucket(Bucket=self.bucket_name)

    @functools.cached_property
    def _hasty(self) -> Any:
        return self._create_session().client(
            "s3",
            region_name=self.region_name,
            endpoint_url=self.endpoint_url,
            config=self.client_config.merge(ASKED_ONCE),
        )
