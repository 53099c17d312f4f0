"""Tokens for the tests' programs."""

from typing import Any

from survey_site.accounts import tokens
from survey_site.accounts.models import ApiToken


def token_of(user: Any) -> str:
    """A key that may do all that the user may."""
    return tokens.make(user, "tests", ApiToken.Scope.values)[1]
