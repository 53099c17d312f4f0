"""API tokens: made once, stored hashed, and what each allows."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from survey_site.accounts.models import ApiToken
from survey_site.studies.access import Action, visible_studies
from survey_site.studies.models import Study

Scope = ApiToken.Scope
SCOPE_OF: dict[Action, Scope] = {  # no program owns a study
    "view": Scope.READ,
    "edit": Scope.WRITE,
    "results": Scope.RESULTS,
    "export": Scope.EXPORT,
    "recruit": Scope.RECRUITMENT,
}
BEGINNING = 10
NOTE_USE_EVERY = timedelta(minutes=1)  # a write for each request would cost more than it tells


def make(
    user: AbstractBaseUser,
    name: str,
    scopes: Iterable[str],
    *,
    studies: Iterable[Study] | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    """A new token and its key, which nobody can read again. `studies` None: all that the user sees."""
    token = ApiToken(
        user_id=user.pk, name=name, scopes=sorted(scopes), all_studies=studies is None, expires_at=expires_at
    )
    with transaction.atomic():
        key = give_key(token)
        token.save()
        token.studies.set(studies or ())
    return token, key


def give_key(token: ApiToken) -> str:
    """Sets the digest of a new key and returns the key."""
    key = "sv_" + secrets.token_urlsafe(32)
    token.digest, token.beginning = digest(key), key[:BEGINNING]
    return key


def digest(key: str) -> str:
    """256 random bits need no salt and no slow hash."""
    return hashlib.sha256(key.encode()).hexdigest()


def find(key: str) -> ApiToken | None:
    """The token of this key, whether it still works or not."""
    return ApiToken.objects.select_related("user").filter(digest=digest(key)).first()


def note_use(token: ApiToken, now: datetime) -> None:
    """Keeps when the token was last used, to the minute."""
    if token.last_used_at is None or token.last_used_at < now - NOTE_USE_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - NOTE_USE_EVERY)
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)


def revoke(tokens: QuerySet[ApiToken]) -> int:
    """Ends them for good; returns how many still worked."""
    return tokens.filter(revoked_at=None).update(revoked_at=timezone.now())


def allows(token: ApiToken, action: Action) -> bool:
    """Whether the token has the scope of this action."""
    return SCOPE_OF.get(action) in token.scopes


def studies_of(token: ApiToken, action: Action) -> QuerySet[Study]:
    """The studies on which both the researcher and the token may do `action`."""
    studies = visible_studies(token.user, action)
    if not allows(token, action):
        return studies.none()
    return studies if token.all_studies else studies.filter(pk__in=token.studies.values("pk"))
