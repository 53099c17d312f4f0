"""Fixtures of the worker's tests."""

import functools
from pathlib import Path

import pytest

from saliency_worker import store
from survey_site.studies.models import Study
from tests.worker.study import tiny_study


@pytest.fixture(scope="session", autouse=True)
def _engines_stay_loaded() -> None:
    """A worker keeps two, for memory; those of the tests are tiny."""
    store._load = functools.lru_cache(maxsize=16)(store._load.__wrapped__)


@pytest.fixture
def study(db: None, media: Path, classifier: str) -> Study:
    return tiny_study(classifier)
