"""What reading a stored row raises that the site has not written: it was altered, or came from elsewhere."""

from django.core.exceptions import ValidationError

UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, ValidationError)


def told(error: Exception) -> str:
    """One of these in words, in one line."""
    what = " ".join(str(error).split())
    return f"it is not laid out as the site writes it ({type(error).__name__}: {what[:200]})"
