"""For all tests of the desk."""

from collections.abc import Iterator

import pytest

from survey_site.trials.views import health


@pytest.fixture(autouse=True)
def _looked_at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whether the site works is asked once in a test; the first page would ask the database again after seconds."""
    monkeypatch.setattr(health, "KEEP_SECONDS", 3600)
    health.LOOKS.forget()
    yield
    health.LOOKS.forget()
