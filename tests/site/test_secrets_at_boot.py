"""What is wrong with a setting is said without the passwords that stand in it, however it is misspelt."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey_site import environment
from survey_site import environment_stores as stores
from survey_site import environment_values as values
from survey_site.environment import Misconfigured
from tests.site.test_environment import boot

FOLDER = Path("/tmp")
SECRET = "TOPsecret9"
READERS = {
    "DATABASE_URL": lambda url: stores.database(url, FOLDER),
    "DATABASE_REPLICA_URL": lambda url: stores.databases("postgres://u:p@h/d", url, FOLDER),
    "CELERY_BROKER_URL": lambda url: stores.broker(url, FOLDER),
    "CACHE_URL": lambda url: stores.cache(url, FOLDER),
    "STORAGE_URL": lambda url: stores.storage(url, FOLDER),
    "EMAIL_URL": lambda url: environment.email(url, False),
    "SITE_URL": environment.site_url,
    "BACKUP_DIR": lambda url: values.full_path("BACKUP_DIR", url),
    "ALLOWED_HOSTS": lambda url: values.hosts("ALLOWED_HOSTS", [url]),
    "CSRF_TRUSTED_ORIGINS": lambda url: values.origins("CSRF_TRUSTED_ORIGINS", [url]),
    "TRUSTED_PROXIES": lambda url: values.networks("TRUSTED_PROXIES", [url]),
    "SENTRY_DSN": values.sentry_dsn,
}


def refusal(name: str, url: str) -> str:
    """What is said to the operator; empty where the value is taken."""
    try:
        READERS[name](url)
    except Misconfigured as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    "url",
    [
        "amqp://user:{}@h",
        "user:{}@h:6379",
        "redis:/user:{}@h/0",
        "postgres:/user:{}@h/d",
        "postgres://user:{}/x@h/d",
        "postgres://user:{}#x@h/d",
        "postgres://user:{}?x@h/d",
        "postgres://user:{}@h:port/d",
        "postgres://user:{}@h:port:5432/d",
        "redis://user:{}@[h/0",
        "redis://:{};x@h/0",
        "rediss://:{}@h/zero",
        "smtp://user:{}/x@h:587",
        "s3://key:{}@bucket/prefix",
        "s3://bucket?endpoint=https://key:{}@h",
        "https://user:{}@survey.example.org/x",
        "file://user:{}@h/folder",
        "sqlite://user:{}@h",
        "\n://user:{}@h\n",
    ],
)
def test_a_password_is_in_no_refusal(name: str, url: str) -> None:
    said = refusal(name, url.format(SECRET))
    assert SECRET not in said and "\n" not in said
    assert not said or name.split("_")[0] in said


@given(middle=st.text(st.characters(min_codepoint=33, max_codepoint=126)), name=st.sampled_from([*READERS]))
def test_no_end_of_it_is_either_whatever_it_holds(middle: str, name: str) -> None:
    kind = {"DATABASE_URL": "postgres", "EMAIL_URL": "smtp"}.get(name, "redis")
    said = refusal(name, f"{kind}://user:Zq7Zq7{middle}Zq8Zq8@host.example/0")
    assert "Zq7" not in said and "Zq8" not in said


@pytest.mark.parametrize("signs", ["/", "?", "#", "12/", "12#", "12?", "12/34?"])
def test_a_password_that_is_not_encoded_is_refused_with_what_to_write(signs: str) -> None:
    """Where it begins with a number, that would be taken for the port, and the rest for the database."""
    for name, url in (
        ("DATABASE_URL", f"postgres://user:{signs}x@h:5432/d"),
        ("CELERY_BROKER_URL", f"redis://user:{signs}x@h:6379/0"),
        ("CACHE_URL", f"redis://user:{signs}x@h:6379/1"),
        ("EMAIL_URL", f"smtp+tls://user:{signs}x@h:587"),
    ):
        assert "%2F for /" in refusal(name, url), name


def test_an_encoded_password_is_taken() -> None:
    assert stores.database("postgres://u:a%2Fb%23%40@h/d", FOLDER)["PASSWORD"] == "a/b#@"
    assert environment.email("smtp://u:a%2Fb@h", False)["EMAIL_HOST_PASSWORD"] == "a/b"


def test_the_boot_says_it_in_one_line(tmp_path: Path) -> None:
    done: Any = boot(tmp_path, CELERY_BROKER_URL=f"amqp://user:{SECRET}@h")
    assert done.stderr == (
        "saliency-survey: CELERY_BROKER_URL begins with 'amqp', and is neither redis://… nor empty "
        "(files in the data folder)\n"
    )
    key = f"AGE-SECRET-KEY-1{SECRET}"
    assert SECRET not in boot(tmp_path, BACKUP_ENCRYPT_TO=key).stderr
