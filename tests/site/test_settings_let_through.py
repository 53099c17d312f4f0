"""Values that look right and would fail later, or as something else, are refused; blanks around them are no part of them."""

from pathlib import Path

import pytest
from redis import ConnectionPool

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
        ("CACHE_URL", "redis://h:6379/1?max_connections=-1", "max_connections"),
        ("CACHE_URL", "redis://h:6379/1?health_check_interval=often", "health_check_interval"),
        ("CACHE_URL", "redis://h:6379/1?protocol=9", "either 2 or 3"),
        ("CACHE_URL", "rediss://h:6379/1?ssl_min_version=12", "12 is not a valid TLSVersion"),
        ("CACHE_URL", "redis://h:6379/1?decode_responses=1", "decode_responses"),
        ("CELERY_BROKER_URL", "redis://h:6379/0?max_connections=5", "max_connections"),
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
        "print([s.SITE_URL, s.METRICS_TOKEN, s.ALLOWED_HOSTS, s.CELERY_BROKER_URL, s.LOG_REQUESTS, s.MAX_UPLOAD_MB])"
    )
    given = {
        "SITE_URL": " https://survey.example.org ",
        "METRICS_TOKEN": f"{KEY}\t",
        "ALLOWED_HOSTS": "a.example, b.example",
        "CELERY_BROKER_URL": "redis://h:6379/0 ",
        "LOG_REQUESTS": " true ",
        "MAX_UPLOAD_MB": " 48\t",
    }
    done = boot(tmp_path, script, **given)
    assert done.stdout.strip() == str(
        [
            "https://survey.example.org",
            KEY,
            ["a.example", "b.example"],
            "redis://h:6379/0",
            True,
            48,
        ]
    ), done.stderr


def test_a_secret_key_keeps_its_blanks_also_as_one_of_before(tmp_path: Path) -> None:
    """Under it there may be seals."""
    script = "from django.conf import settings as s; print([s.SECRET_KEY, *s.SECRET_KEY_FALLBACKS])"
    given = {"SECRET_KEY": f"{KEY} ", "SECRET_KEY_FALLBACKS": f"{KEY}a, {KEY}b ,"}
    done = boot(tmp_path, script, **given)
    keys = [f"{KEY} ", f"{KEY}a", f"{KEY}b", f"{KEY}b ", f" {KEY}b", f" {KEY}b "]
    assert done.stdout.strip() == str(keys), done.stderr


def test_a_cache_takes_the_options_of_its_client(tmp_path: Path) -> None:
    plain = (
        "redis://h:6379/1?health_check_interval=30&max_connections=50&client_name=survey&protocol=3&db=4"
        "&socket_timeout=2.5&socket_connect_timeout=1&socket_keepalive=true&retry_on_timeout=yes"
    )
    assert stores.cache(plain, tmp_path)["LOCATION"] == plain
    tls = f"rediss://h:6379/1?ssl_ca_path={tmp_path}&ssl_min_version=771&ssl_cert_reqs=required"
    location = stores.cache(tls, tmp_path)["LOCATION"]
    made = ConnectionPool.from_url(location).make_connection()
    assert (made.ca_path, made.ssl_min_version) == (str(tmp_path), 771)


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
