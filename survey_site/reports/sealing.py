"""Going live in the background: the pictures of a large study take a minute to write. No NumPy."""

from survey_site.reports.cached_task import CachedTask
from survey_site.studies.models import Study

SEALING = CachedTask("reports.seal", silence_s=120)
AT_ONCE = 60  # pictures; so many are written while whoever asked waits, in a second or two


def key_of(study: Study) -> str:
    """Under which the study's task tells how far it is: one at a time."""
    return f"seal:{study.pk}"


def ask(study: Study, verb: str, user_id: int, reason: str, seen: str) -> str:
    """Sends the task unless it is under way; returns why it could not be sent, or the empty string."""
    return SEALING.ask(key_of(study), [study.pk, verb, user_id, reason, seen])
