"""What touches the measurement: every part of a document does unless it is named as what can be amended."""

import copy
from typing import Any

import pytest

from survey_site.protocols import freeze
from survey_site.protocols.measurement import (
    TOUCHES,
    change,
    measurement_hash,
    measurement_of,
    rest_of,
    touches,
    with_items_of,
)
from survey_site.studies.texts import keys
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def sealed() -> dict[str, Any]:
    return freeze.go_live(factories.draft()).content


def changed(document: dict[str, Any], *path: str | int, value: Any = "other") -> dict[str, Any]:
    """A copy with another value at this place."""
    new = copy.deepcopy(document)
    part: Any = new
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    return new


AMENDED = [
    ("texts", "en", "consent"), ("texts", "fr", "privacy"), ("texts", "en", "debrief"), ("texts", "ar", "done"),
    ("texts", "en", "full"), ("texts", "en", "closed"), ("texts", "en", "screened_out"), ("study", "title"),
    ("study", "closes_on"), ("facts", "contact"), ("design", "target_participants"),
]  # fmt: skip
MEASURED = [
    ("texts", "en", "welcome"), ("texts", "en", "instructions_matching"), ("texts", "fr", "rating_question"),
    ("texts", "en", "demographics"), ("texts", "en", "break"), ("texts", "en", "a_text_of_tomorrow"),
    ("design", "lease_minutes"), ("design", "seed"), ("design", "image_px"), ("design", "a_setting_of_tomorrow"),
    ("tasks", "matching", "pool_size"), ("conditions", 0, "method"), ("stimuli", 0, "sha256"), ("maps", 0, "array_sha256"),
    ("items", "matching", 0), ("reserve", 0), ("exclusion_rules", "failed_checks"), ("analysis_plan", "alpha"),
    ("a_part_of_tomorrow",),
]  # fmt: skip


@pytest.mark.parametrize("path", AMENDED, ids=str)
def test_an_amendment_leaves_the_hash_of_the_measurement(
    sealed: dict[str, Any], path: tuple[Any, ...]
) -> None:
    new = changed(sealed, *path, value=99 if path[-1] == "target_participants" else "other")
    assert measurement_hash(new) == measurement_hash(sealed)
    assert rest_of(new) != rest_of(sealed)
    assert change(sealed, new, names_opened=False) == "amendment"


@pytest.mark.parametrize("path", MEASURED, ids=str)
def test_all_else_is_a_new_version(sealed: dict[str, Any], path: tuple[Any, ...]) -> None:
    new = changed(sealed, *path)
    assert measurement_hash(new) != measurement_hash(sealed)
    assert rest_of(new) == rest_of(sealed)
    assert change(sealed, new, names_opened=False) == "version"


def test_nothing_is_lost_between_the_two_parts(sealed: dict[str, Any]) -> None:
    measured, rest = measurement_of(sealed), rest_of(sealed)
    assert {**rest["design"], **measured["design"]} == sealed["design"]
    for language, words in sealed["texts"].items():
        assert {**rest["texts"][language], **measured["texts"][language]} == words
    assert set(measured) | set(rest) == set(sealed)


def test_the_target_is_fixed_once_results_were_seen_or_looks_are_sealed(sealed: dict[str, Any]) -> None:
    new = changed(sealed, "design", "target_participants", value=99)
    assert change(sealed, new, names_opened=True) == "version"
    planned, more = (
        changed(one, "analysis_plan", "stopping", value={"looks": [6, 12]}) for one in (sealed, new)
    )
    assert change(planned, more, names_opened=False) == "version"
    consent = changed(sealed, "texts", "en", "consent")
    assert change(sealed, consent, names_opened=True) == "amendment"


def test_the_first_seal_and_an_unchanged_one_are_told_apart(sealed: dict[str, Any]) -> None:
    assert change(None, sealed, names_opened=False) == "first"
    assert change(sealed, copy.deepcopy(sealed), names_opened=False) == "none"


def test_items_once_dealt_stay_where_only_the_target_changed(sealed: dict[str, Any]) -> None:
    dealt = changed(sealed, "items", "rating", value=[])
    more = changed(dealt, "design", "target_participants", value=99)
    assert with_items_of(sealed, more)["items"] == sealed["items"]
    other = changed(more, "design", "seed", value=1)
    assert with_items_of(sealed, other) == other


def test_every_text_of_a_study_stands_in_the_table_or_touches_the_measurement() -> None:
    assert set(TOUCHES) <= set(keys())
    of_tasks = [key for key in keys() if key not in TOUCHES]
    assert all(touches(key) for key in of_tasks)
    assert {"instructions_matching", "matching_question", "instructions_rating"} <= set(of_tasks)
