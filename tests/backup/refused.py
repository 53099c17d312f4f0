"""What `restore` says of a backup that it refuses, for tests, and what lies in one."""

import tarfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from survey_site.backup import media
from survey_site.studies.models import Study


def refused(source: Path, **options: Any) -> str:
    """The line; afterwards there is neither a row nor a file."""
    with pytest.raises(CommandError) as caught:
        call_command("restore", str(source), **options)
    told = str(caught.value)
    assert "\n" not in told
    assert not Study.objects.exists() and not list(media_files())
    return told


def media_files() -> list[str]:
    return media.names()


def members(source: Path) -> dict[str, bytes]:
    with tarfile.open(source) as tar:
        return {one.name: tar.extractfile(one).read() for one in tar}  # type: ignore[union-attr]
