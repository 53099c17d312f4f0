"""The audit log: one line for everything that changes a study or takes data out of it."""

from django.http import HttpRequest

from survey_site.studies.models import AuditEntry, Study


def record(request: HttpRequest, study: Study, verb: str, detail: str = "") -> None:
    """Adds an entry in the name of the signed-in researcher."""
    user_id = request.user.pk if request.user.is_authenticated else None
    AuditEntry.objects.create(study=study, user_id=user_id, verb=verb[:40], detail=detail[:300])
