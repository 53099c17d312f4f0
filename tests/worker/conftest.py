"""Fixtures of the worker's tests."""

from pathlib import Path

import pytest

from survey_site.studies.models import Study
from tests.worker.study import tiny_study


@pytest.fixture
def study(db: None, media: Path, classifier: str) -> Study:
    return tiny_study(classifier)
