"""Who asks: a token in the header, checked against its hash, or the session of the browsable pages."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from survey_site.accounts import tokens
from survey_site.accounts.models import ApiToken
from survey_site.studies.access import Action, visible_studies
from survey_site.studies.models import Study

KEYWORDS = (b"token", b"bearer")


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Token sv_…`; `Bearer` does too."""

    def authenticate(self, request: Request) -> tuple[AbstractBaseUser, ApiToken] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() not in KEYWORDS:
            return None
        if len(parts) != 2:
            raise AuthenticationFailed("Write the header as: Authorization: Token sv_…")
        token = tokens.find(parts[1].decode("latin-1"))
        if token is None:
            raise AuthenticationFailed("There is no such token. Make one in the admin under API tokens.")
        now = timezone.now()
        if why := token.ended(now):
            raise AuthenticationFailed(f"{why} Make a new one in the admin under API tokens.")
        if not token.user.is_active:
            raise AuthenticationFailed("The researcher's account is closed.")
        tokens.note_use(token, now)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Token"


class TokenScheme(OpenApiAuthenticationExtension):
    """How the schema describes the header."""

    target_class = TokenAuthentication
    name = "tokenAuth"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        description = (
            "`Token` and the key, such as `Token sv_…`. Scopes and studies are chosen when it is made."
        )
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": description}


class ScopeMissing(PermissionDenied):
    default_code = "scope_missing"


def studies_for(request: Request, action: Action) -> QuerySet[Study]:
    """The studies on which this request may do `action`: what the researcher may, and the token at most."""
    if not isinstance(request.auth, ApiToken):
        return visible_studies(request.user, action)
    if not tokens.allows(request.auth, action):
        raise ScopeMissing(f"The token lacks the scope “{tokens.SCOPE_OF[action]}”.")
    return tokens.studies_of(request.auth, action)
