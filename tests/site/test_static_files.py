"""Static files as `collectstatic` writes them: a front server of another account must be able to read them."""

import stat
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage.handler import StorageHandler

from survey_site import settings as written


def test_whoever_serves_static_files_may_read_them(tmp_path: Path, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.FILE_UPLOAD_PERMISSIONS = 0o600  # which is right for pictures of a study
    name = StorageHandler(written.STORAGES)["staticfiles"].save("font.woff2", ContentFile(b"wOF2"))
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o644
