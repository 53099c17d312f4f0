"""Keeps participants' secrets out of the logs: the addresses of their pages are their credentials."""

import logging
import re

_SECRET = re.compile(r"/(p|w|i)/[^/\s?]+")


def masked(text: str) -> str:
    """The text with the secret part of participants' addresses left out."""
    return _SECRET.sub(r"/\1/…", text)


class WithoutSecrets(logging.Filter):
    """Masks the message and its arguments before any handler writes them."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(masked(a) if isinstance(a, str) else a for a in record.args)
        if isinstance(record.msg, str):
            record.msg = masked(record.msg)
        return True
