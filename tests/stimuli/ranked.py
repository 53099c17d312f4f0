"""A task whose trials show maps of further classes, for tests of what studies with one need."""

from dataclasses import replace

import pytest

from survey_site.tasks import registry


def show_ranks(monkeypatch: pytest.MonkeyPatch, *ranks: int) -> None:
    """From now on the trials of the first installed task show maps of these choices of the network."""
    first, *others = registry.installed()
    changed = replace(first, spec=lambda settings: replace(first.spec(settings), ranks=ranks))
    monkeypatch.setattr(registry, "installed", lambda: (changed, *others))
