"""Lines of the log: plain for people or JSON for programs, with the context of the request and without secrets.

A line is masked as a whole, once it is written out: what an exception or a library puts into its message is masked too.
"""

import re
from collections.abc import MutableMapping
from typing import Any

import structlog

FORMATS = ("plain", "json")
# The addresses of participants' pages are their credentials, and those that set a password a researcher's.
_PAGES = re.compile(r"/(p|w|i|admin/password/[^/\s?\"']+)/[^/\s?\"'\\]+")
_QUERIES = re.compile(r"\?[\w.~%+*\[\]-]+=[^\s\"'<>\\]*")  # ids of panels, signatures of pictures
_KEYS = re.compile(r"\bsv_[\w-]{20,}")  # of the API
_MAIL = re.compile(r"[^\s@<>\"'(=:,/…]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}")
_ROWS = re.compile(r"(?m)^(DETAIL|CONTEXT): .*$")  # PostgreSQL quotes the values of a row that it refuses
_ROWS_IN_JSON = re.compile(r"(\\n)(DETAIL|CONTEXT): (?:[^\"\\]|\\(?!n).)*")
_PASSWORDS = re.compile(r"(\w+://[^:/\s@]*):[^@\s/]+@")


def masked(text: str) -> str:
    """The text without secrets in addresses, queries, API keys, mail addresses, passwords of URLs, values of rows."""
    text = _KEYS.sub("sv_…", _QUERIES.sub("?…", _PASSWORDS.sub(r"\1:…@", text)))
    text = _MAIL.sub("…@…", _PAGES.sub(r"/\1/…", text))
    return _ROWS_IN_JSON.sub(r"\1\2: …", _ROWS.sub(r"\1: …", text))


def one_line(error: BaseException, most: int | None = 200) -> str:
    """What an error says, whatever its lines, as part of a message; of so many characters at most."""
    return " ".join(str(error).split())[:most]


class Masking:
    """A renderer of structlog around another one."""

    def __init__(self, renderer: Any) -> None:
        self._renderer = renderer

    def __call__(self, logger: Any, name: str, event: MutableMapping[str, Any]) -> str:
        return masked(str(self._renderer(logger, name, event)))


def _plain(logger: Any, name: str, event: MutableMapping[str, Any]) -> str:
    """`time LEVEL logger: message key=value …`, and below it the traceback."""
    taken = {key: event.pop(key, "") for key in ("timestamp", "level", "logger", "event", "exception")}
    further = "".join(f" {key}={value}" for key, value in sorted(event.items()))
    line = f"{taken['timestamp']} {taken['level'].upper()} {taken['logger']}: {taken['event']}{further}"
    return f"{line}\n{taken['exception']}" if taken["exception"] else line


def logging(kind: str) -> dict[str, Any]:
    """Django's LOGGING. kind: one of FORMATS."""
    renderer = structlog.processors.JSONRenderer(ensure_ascii=False) if kind == "json" else _plain
    formatter = {
        "()": "structlog.stdlib.ProcessorFormatter",
        "foreign_pre_chain": [
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,  # as text: no values of local variables
            Masking(renderer),
        ],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "survey_site": {"level": "INFO"},
            "saliency_worker": {"level": "INFO"},
            "celery": {"level": "INFO"},
            # The level of celery's lines at each task: one names the task's arguments.
            "celery.worker.strategy": {"level": "WARNING"},
            "axes": {"level": "ERROR"},
            "kombu": {"level": "ERROR"},  # the broker of files has no host name, which kombu warns of
        },
    }
