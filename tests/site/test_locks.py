"""requirements/: what each role installs, by hash; and the roles of one machine into one environment."""

import re
from itertools import combinations
from pathlib import Path

import pytest

from tests.site.locks import LOCKS, PLACES, pinned


@pytest.mark.parametrize(
    "pair", list(combinations(LOCKS, 2)), ids=lambda pair: "+".join(lock.stem for lock in pair)
)
def test_two_roles_install_into_one_environment_since_they_pin_the_same_versions(
    pair: tuple[Path, Path],
) -> None:
    for place in PLACES:
        first, second = (pinned(lock, place) for lock in pair)
        shared = first.keys() & second.keys()
        assert len(shared) > 20
        assert {name: (first[name], second[name]) for name in shared if first[name] != second[name]} == {}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_locks_carry_hashes_and_no_index_address(lock: Path) -> None:
    text = lock.read_text("utf-8")
    assert "http" not in text
    packages = re.findall(r"^[\w.\[\]-]+==", text, re.MULTILINE)
    assert len(packages) > 20
    assert text.count("--hash=sha256:") >= len(packages)
