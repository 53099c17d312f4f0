"""What reading a stored row raises that the site has not written: it was altered, or came from elsewhere."""

from django.core.exceptions import ValidationError

from survey_site.telemetry.lines import one_line

UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, ValidationError)


def told(error: Exception) -> str:
    """One of these in words, in one line."""
    return f"it is not laid out as the site writes it ({type(error).__name__}: {one_line(error)})"
