"""A sealed row that is changed: by many at once, by an older copy of it, or after somebody else changed it unseen."""

import pytest

from survey_site.studies import seals
from survey_site.studies.models import Study

pytestmark = pytest.mark.django_db


def made() -> Study:
    return Study.objects.create(slug="a", title="A")


def unseen(**values: object) -> None:
    """As somebody with a database shell does."""
    Study.objects.filter(slug="a").update(**values)


def test_many_rows_changed_at_once_are_sealed() -> None:
    for number in range(3):
        Study.objects.create(slug=f"s{number}", title="T")
    assert Study.objects.filter(title="T").change(title="U", practice_trials=4) == 3
    assert [(row.title, row.practice_trials, row.seal_fault()) for row in Study.objects.all()] == [
        ("U", 4, "")
    ] * 3


def test_some_columns_of_an_older_copy_are_sealed_with_what_is_stored() -> None:
    older = made()
    Study.objects.filter(slug="a").change(state="live")
    older.title = "B"
    older.save(update_fields=["title"])
    now = Study.objects.get()
    assert (now.state, now.title, now.seal_fault()) == ("live", "B", "")


def test_what_was_changed_unseen_is_sealed_by_no_later_change() -> None:
    made()
    unseen(seed=1)
    Study.objects.filter(slug="a").change(title="B")
    assert Study.objects.get().seal == seals.DOUBTED
    row = Study.objects.get()
    row.seal = ""
    row.title = "C"
    row.save()
    assert "changed before the site stored it again" in Study.objects.get().seal_fault()


def test_a_whole_row_saved_over_one_that_was_changed_unseen_is_in_doubt() -> None:
    row = made()
    unseen(seed=1)
    row.save()
    assert Study.objects.get().seal == seals.DOUBTED
