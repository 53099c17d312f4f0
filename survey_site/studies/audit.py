"""The audit log: one line for everything that changes a study or takes data out of it.

The lines of a study are a chain, and those of the site itself another: each has a number and a digest, and where the
chain ends lies under a seal (chain_heads.py). No line can be changed, taken away, put between or cut off unseen.
"""

import getpass
import os
from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from survey_site.design import canonical
from survey_site.studies import chain_heads, changes
from survey_site.studies.models import AuditEntry, ChainHead, Study
from survey_site.studies.sealed_rows import plain_values

DETAIL_SIGNS = 300
NOT_IN_DIGEST = ("id", "digest", "user_id")  # the user's own row may go; `actor` stays


def record(request: HttpRequest, study: Study | None, verb: str, detail: str = "") -> None:
    """Adds an entry in the name of the signed-in researcher; `study` is None for what concerns the site."""
    record_of(request.user.pk if request.user.is_authenticated else None, study, verb, detail)


def record_changes(
    request: HttpRequest, study: Study | None, verb: str, phrases: Iterable[str], of: str = ""
) -> None:
    """`record` of what changed, from what to what (changes.py): as many entries as its phrases need, none cut off.

    of: what it is of, where the study or the site alone does not say it.
    """
    beginning = f"{of[:60]}: " if of else ""
    for line in changes.lines(phrases, DETAIL_SIGNS - len(beginning)):
        record(request, study, verb, beginning + line)


def record_of(user_id: int | None, study: Study | None, verb: str, detail: str = "") -> None:
    """Adds an entry in the name of this user, where no request has one yet or any more."""
    with transaction.atomic():
        head = chain_heads.locked(ChainHead.Kind.AUDIT, study.pk if study else None)
        entry = AuditEntry(
            study=study,
            user_id=user_id,
            actor=user_id,
            verb=verb[:40],
            detail=detail[:DETAIL_SIGNS],
            number=head.length + 1,
        )
        entry.digest = digest_of(entry)
        entry.save()
        head.append(entry.digest)


def digest_of(entry: AuditEntry) -> str:
    """SHA-256 of what a line says, its number and study included."""
    return canonical.sha256(plain_values(entry, NOT_IN_DIGEST))


def record_command(study: Study | None, verb: str, detail: str = "") -> None:
    """Adds an entry of what a command of manage.py changed or took out; no researcher's, but of who ran it on the server."""
    record_of(None, study, verb, f"{detail} (manage.py, {_who_runs()})".strip())


def _who_runs() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"user {os.getuid()}"


LOOKS = timedelta(hours=1)  # one line for whoever looks at the same again and again


def record_look(request: HttpRequest, study: Study, verb: str, detail: str = "") -> None:
    """Somebody read what is not everybody's: once an hour for each reader and thing."""
    record_once(request, study, verb, detail, within=LOOKS)


def record_once(
    request: HttpRequest, study: Study, verb: str, detail: str = "", *, within: timedelta
) -> None:
    """`record`, unless the same was recorded for the same researcher a short while ago."""
    user_id = request.user.pk if request.user.is_authenticated else None
    since = timezone.now() - within
    same = AuditEntry.objects.filter(
        study=study, verb=verb, user=user_id, detail=detail[:DETAIL_SIGNS], at__gt=since
    )
    if not same.exists():
        record(request, study, verb, detail)
