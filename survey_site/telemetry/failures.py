"""Failures to Sentry, or whatever speaks its protocol, where SENTRY_DSN names one: without bodies, people and secrets."""

from typing import Any

from survey_site.telemetry.lines import masked


def is_dsn(value: str) -> bool:
    """Whether this can be the address of a project: `https://key@host/number`."""
    from sentry_sdk.utils import Dsn

    try:
        Dsn(value)
    except ValueError:
        return False
    return True


def report_to(dsn: str, release: str) -> None:
    """Begins to report. The library is loaded only here."""
    import sentry_sdk
    from sentry_sdk.integrations.celery import CeleryIntegration
    from sentry_sdk.integrations.django import DjangoIntegration
    from sentry_sdk.integrations.logging import LoggingIntegration

    sentry_sdk.init(
        dsn=dsn,
        release=release,
        send_default_pii=False,
        max_request_body_size="never",
        include_local_variables=False,
        max_breadcrumbs=0,
        traces_sample_rate=0,
        auto_enabling_integrations=False,
        integrations=[
            DjangoIntegration(middleware_spans=False, signals_spans=False),
            CeleryIntegration(),
            LoggingIntegration(),
        ],
        before_send=without_people,
    )


def without_people(event: Any, hint: Any = None) -> Any:
    """The event without request (its address is a credential), user and machine, all texts masked."""
    for part in ("request", "user", "server_name", "breadcrumbs", "extra"):
        event.pop(part, None)
    return _masked(event)


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {key: _masked(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(part) for part in value]
    return value
