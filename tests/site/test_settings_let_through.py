"""Values that look right and would fail later, or as something else, are refused; blanks around them are no part of them."""

from pathlib import Path

import pytest

from survey_site import environment
from survey_site import environment_stores as stores
from survey_site import environment_values as values
from survey_site.environment import Misconfigured
from survey_site.telemetry import failures
from tests.site.test_environment import KEY, boot


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SENTRY_DSN", "https://key@host/abc", "https://key@host/number"),
        ("SENTRY_DSN", "https://k@[x/1", "https://key@host/number"),
        ("SENTRY_DSN", "https://k@h:port/1", "https://key@host/number"),
        ("SITE_URL", "https://survey example.org", "no address of a site"),
        ("SITE_URL", "https://survey.example.org?x=1", "no address of a site"),
        ("SITE_URL", "https://ada@survey.example.org", "no address of a site"),
        ("CSRF_TRUSTED_ORIGINS", "https://ada@survey.example.org", "write origins"),
        ("METRICS_TOKEN", "ü" * 32, "no header takes"),
        ("DATABASE_URL", "postgres://u@h/d?pool=²", "pool=8"),
        ("DATABASE_URL", "postgres:/u@h/d", "names no database"),
        ("CELERY_BROKER_URL", "redis://h:6379/²", "redis://host:6379/0"),
        ("CELERY_BROKER_URL", "redis://h:6379/0?visibility=1", "visibility"),
        ("CACHE_URL", "rediss://h:6379/1?ssl_cert_reqs=never", "required, optional, none"),
        ("CACHE_URL", "rediss://h:6379/1?ssl_ca_certs=/no/such.pem", "/no/such.pem cannot be read"),
        ("CACHE_URL", "redis://h:6379/1?ssl_cert_reqs=none", "write rediss://"),
        ("STORAGE_URL", "s3://key:word@bucket", "AWS_SECRET_ACCESS_KEY"),
        ("STORAGE_URL", "s3://store.example:9000/bucket", "?endpoint=https://"),
    ],
)
def test_it_is_refused_in_one_line(tmp_path: Path, name: str, value: str, says: str) -> None:
    done = boot(tmp_path, **{name: value})
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert done.stderr.startswith(f"saliency-survey: {name}") and says in done.stderr


def test_blanks_around_values_are_no_part_of_them(tmp_path: Path) -> None:
    script = (
        "from django.conf import settings as s;"
        "print([s.SECRET_KEY_FALLBACKS, s.SITE_URL, s.METRICS_TOKEN, s.ALLOWED_HOSTS, s.CELERY_BROKER_URL, s.SECRET_KEY])"
    )
    given = {
        "SECRET_KEY_FALLBACKS": f"{KEY}a, {KEY}b ,",
        "SITE_URL": " https://survey.example.org ",
        "METRICS_TOKEN": f"{KEY}\t",
        "ALLOWED_HOSTS": "a.example, b.example",
        "CELERY_BROKER_URL": "redis://h:6379/0 ",
        "SECRET_KEY": f"{KEY} ",  # under which there may be seals
    }
    done = boot(tmp_path, script, **given)
    assert done.stdout.strip() == str(
        [
            [f"{KEY}a", f"{KEY}b"],
            "https://survey.example.org",
            KEY,
            ["a.example", "b.example"],
            "redis://h:6379/0",
            f"{KEY} ",
        ]
    ), done.stderr


@pytest.mark.parametrize("value", ["https://key@host/1", "https://key:word@o1.host.example:9000/sentry/7"])
def test_an_address_of_a_project_is_taken(value: str) -> None:
    assert failures.is_dsn(value)


def test_what_was_right_before_still_is(tmp_path: Path) -> None:
    assert values.origins("X", ["https://*.example.org", "http://h:8000"]) == [
        "https://*.example.org",
        "http://h:8000",
    ]
    assert environment.site_url("https://h:8443/") == "https://h:8443"
    assert (
        stores.storage("s3://my.bucket_1/a@b?endpoint=http://h:9000", tmp_path)["OPTIONS"]["location"]
        == "a@b"
    )
    for url in ("redis://h", "redis://user:p%2F@h:6379/0", "redis://[::1]:6379/15"):
        assert stores.broker(url, tmp_path)[0] == stores.cache(url, tmp_path)["LOCATION"] == url
    with pytest.raises(Misconfigured):
        values.origins("X", ["https://h/"])
