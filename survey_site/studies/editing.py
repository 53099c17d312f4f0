"""The lock under which a study is edited: who edits it reads what the one before has saved."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from survey_site.studies.models import Study


def locked(study_id: int) -> Study:
    """The study as it is now, its row locked until the transaction ends; participants are not held up by it."""
    return Study.objects.select_for_update(no_key=True).get(pk=study_id)


@contextmanager
def editing(study: Study) -> Iterator[Study]:
    """A transaction in which nobody else edits the study; gives it as it is now."""
    with transaction.atomic():
        yield locked(study.pk)
