"""Lines of the log: plain or JSON, with context, and masked as a whole."""

import io
import json
import logging
from typing import Any

import pytest
import structlog

from survey_site.telemetry import lines


def written(kind: str, message: str, *values: object, error: Exception | None = None) -> str:
    """What the handler of LOGGING writes for a warning with that message."""
    settings: dict[str, Any] = lines.logging(kind)
    made = dict(settings["formatters"]["line"])
    formatter = structlog.stdlib.ProcessorFormatter(**{k: v for k, v in made.items() if k != "()"})
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    record = logging.LogRecord("survey_site.x", logging.WARNING, "f", 1, message, values, None)
    if error:
        try:
            raise error
        except Exception as raised:
            record.exc_info = (type(raised), raised, raised.__traceback__)
    handler.emit(record)
    return out.getvalue()


@pytest.mark.parametrize("kind", lines.FORMATS)
def test_what_lies_behind_a_participants_address_is_in_no_line(kind: str) -> None:
    said = written(kind, "Gone: %s and %s", "/p/secret-token/?after=3", "/i/secret-picture")
    assert "secret" not in said
    assert "/p/…/?… and /i/…" in said


@pytest.mark.parametrize("kind", lines.FORMATS)
@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Not Found: /admin/password/MQ/secret-token/", "/admin/password/MQ/…/"),
        (
            "Referer checking failed - https://x.example/s/demo/?PROLIFIC_PID=secret&STUDY_ID=secret does not match",
            "/s/demo/?… does not match",
        ),
        ("cannot read https://store/served/a.png?X-Amz-Credential=secret%2F1&X-Amz-Signature=secret\nnext", "a.png?…"),
        ('{"a": "/s/demo/?ids[]=secret", "b": 1}', '/s/demo/?…'),
        ("Invalid: Token sv_secret0123456789_secret-0123456789", "Token sv_…"),
        ("is it so? a=b, or sv_short", "is it so? a=b, or sv_short"),
    ],
)  # fmt: skip
def test_links_queries_and_keys_are_in_no_line(kind: str, given: str, kept: str) -> None:
    said = written(kind, "%s", given)
    assert "secret" not in said
    assert kept in said


@pytest.mark.parametrize("kind", lines.FORMATS)
def test_mail_addresses_passwords_and_values_of_refused_rows_are_masked_in_tracebacks_too(kind: str) -> None:
    refused = ValueError(
        'duplicate key "x"\nDETAIL:  Key (external_id)=(5f3a "quoted" PID) already exists.\nand jane@example.org at '
        "redis://broker:a-password@10.0.0.3:6379/0\nlast line"
    )
    said = written(kind, "failed", error=refused)
    for secret in ("5f3a", "PID", "jane", "example.org", "a-password"):
        assert secret not in said, said
    for kept in ("duplicate key", "DETAIL: …", "last line", "10.0.0.3:6379", "Traceback"):
        assert kept in said, said


def test_the_context_is_in_every_line() -> None:
    with structlog.contextvars.bound_contextvars(request_id="abc12345", study="demo", participant="P7"):
        found = json.loads(written("json", "met %d", 3))
        plain = written("plain", "met %d", 3)
    assert found["event"] == "met 3"
    assert (found["level"], found["logger"]) == ("warning", "survey_site.x")
    assert (found["request_id"], found["study"], found["participant"]) == ("abc12345", "demo", "P7")
    assert plain.rstrip().endswith(
        "WARNING survey_site.x: met 3 participant=P7 request_id=abc12345 study=demo"
    )


def test_json_is_one_line_for_a_traceback() -> None:
    assert written("json", "failed", error=ValueError("a\nb")).count("\n") == 1
