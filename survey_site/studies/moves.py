"""Takes a study from one state to another, as the table in studies/states.py allows, and writes it into the log."""

from django.db import transaction

from survey_site.studies import audit, states
from survey_site.studies.models import Study


@transaction.atomic
def move(
    study: Study,
    verb: states.Verb,
    by: int | None,
    *,
    pilot: bool = False,
    sealed: bool = True,
    detail: str = "",
) -> None:
    """The change of state and its line in the log, in the name of this user. Raises StateForbids, and changes nothing.

    pilot: whether the newest seal is that of a pilot. The row is asked as it is now: somebody else may have taken a step
    since it was read.
    """
    now = states.State(Study.objects.select_for_update().values_list("state", flat=True).get(pk=study.pk))
    target = states.transition(verb, now).leads_to(now, pilot=pilot, sealed=sealed)
    Study.objects.filter(pk=study.pk).change(state=target)
    audit.record_of(by, study, f"state: {verb}", detail or str(target.label))
    study.state = target
