"""The audit log: one line for everything that changes a study or takes data out of it."""

from datetime import timedelta

from django.http import HttpRequest
from django.utils import timezone

from survey_site.studies.models import AuditEntry, Study


def record(request: HttpRequest, study: Study | None, verb: str, detail: str = "") -> None:
    """Adds an entry in the name of the signed-in researcher; `study` is None for what concerns the site."""
    user_id = request.user.pk if request.user.is_authenticated else None
    AuditEntry.objects.create(study=study, user_id=user_id, verb=verb[:40], detail=detail[:300])


def record_once(request: HttpRequest, study: Study, verb: str, detail: str, *, within: timedelta) -> None:
    """`record`, unless the same was recorded for the same researcher a short while ago."""
    user_id = request.user.pk if request.user.is_authenticated else None
    since = timezone.now() - within
    same = AuditEntry.objects.filter(study=study, verb=verb, user=user_id, detail=detail[:300], at__gt=since)
    if not same.exists():
        record(request, study, verb, detail)
