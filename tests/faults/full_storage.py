"""A saliency worker whose storage has no room while a file says so: where no small disk may be mounted.

`FULL_WHILE=/path python -m tests.faults.full_storage` runs the worker; the file at that path fills the storage.
"""

import errno
import os
import sys
from pathlib import Path

from django.core.files.base import File

from saliency_worker.app import run_worker
from survey_site.stimuli.storage import AtomicFileSystemStorage


class Full(AtomicFileSystemStorage):
    """Fails as a full disk does."""

    def _save(self, name: str, content: "File[bytes]") -> str:
        if Path(os.environ["FULL_WHILE"]).exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)
        return super()._save(name, content)


if __name__ == "__main__":
    from django.conf import settings

    settings.STORAGES["default"]["BACKEND"] = "tests.faults.full_storage.Full"
    sys.exit(run_worker([]))
