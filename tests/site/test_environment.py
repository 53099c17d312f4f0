"""Settings come from the environment alone; a wrong value ends the boot with one clear line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from survey_site import environment
from survey_site import environment_stores as stores
from survey_site import environment_values as values
from survey_site.environment import Misconfigured

ROOT = Path(__file__).resolve().parents[2]


def boot(tmp_path: Path, script: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Imports the settings (or runs the script) in a fresh process with these variables; prints what they select."""
    script = script or (
        "from django.conf import settings as s; d = s.DATABASES['default'];"
        "print(d['ENGINE'].rsplit('.')[-1], s.CELERY_BROKER_URL.split(':')[0],"
        " s.STORAGES['default']['BACKEND'].rsplit('.')[-1], s.DEBUG)"
    )
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", script],
        env={
            **kept,
            "DJANGO_SETTINGS_MODULE": "survey_site.settings",
            "DATA_DIR": str(tmp_path),
            **variables,
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_default_is_embedded_and_not_in_debug(tmp_path: Path) -> None:
    assert boot(tmp_path).stdout.split() == ["sqlite3", "filesystem", "AtomicFileSystemStorage", "False"]


def test_urls_select_the_real_parts(tmp_path: Path) -> None:
    result = boot(
        tmp_path,
        DATABASE_URL="postgres://u:p@db.example:5432/survey",
        CELERY_BROKER_URL="redis://broker.example:6379/0",
        CACHE_URL="redis://broker.example:6379/1",
        STORAGE_URL="s3://bucket/prefix?endpoint=https://s3.example",
        DEBUG="true",
    )
    assert result.stdout.split() == ["postgresql", "redis", "S3Storage", "True"]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DATABASE_URL", "mysql://u@h/d", "write postgres://"),
        ("DATABASE_URL", "postgres://u@h/", "names no database"),
        ("DATABASE_URL", "sqlite://", "names no file"),
        ("CELERY_BROKER_URL", "amqp://h", "neither redis://"),
        ("CACHE_URL", "memcached://h", "neither redis://"),
        ("STORAGE_URL", "ftp://h", "neither s3://"),
        ("SECRET_KEY", "short", "openssl rand"),
        ("SECRET_KEY", "x" * 64, "repeats itself"),
        ("SECRET_KEY", "0123456789abcdef" * 4, "repeats itself"),
        (
            "SECRET_KEY",
            "abababcabababdabababcabababcabababcabababcabababcabababcabababe",
            "different characters",
        ),
        ("SECRET_KEY", "django-insecure-0123456789qwertyuiopasdfghjklzxcvbnm", "keys of examples"),
        ("SECRET_KEY", "0123456789qwertyuiop-please-change-me-asdfghjklzxcvbnm", "keys of examples"),
        ("DEBUG", "perhaps", "DEBUG"),
        ("MAX_UPLOAD_MB", "many", "MAX_UPLOAD_MB"),
        ("EMAIL_URL", "pop3://h", "write smtp+tls://"),
        ("SITE_URL", "survey.example.org", "write one such as https://"),
        ("SECOND_FACTOR_REQUIRED", "all", "nobody, superusers, staff"),
        ("DATABASE_URL", "postgres://u@h:port/d", "the port is a number"),
        ("DATABASE_URL", "postgres://u@[h/d", "DATABASE_URL"),
        ("DATABASE_URL", "postgres://u@h/d?sslmod=require", "sslmod"),
        ("DATABASE_URL", "sqlite:////no/such/folder/x.sqlite3", "/no/such/folder"),
        ("CELERY_BROKER_URL", "redis://h:six/0", "the port is a number"),
        ("CELERY_BROKER_URL", "redis://h:6379/zero", "redis://host:6379/0"),
        ("CACHE_URL", "redis:///1", "redis://host:6379/0"),
        ("CACHE_URL", "file://folder", "begin at the root"),
        ("STORAGE_URL", "file://folder", "begin at the root"),
        ("STORAGE_URL", "s3://bucket?endpont=https://h", "endpont"),
        ("STORAGE_URL", "s3://bucket?endpoint=h:9000", "endpoint"),
        ("ALLOWED_HOSTS", "https://survey.example.org", "names of hosts alone"),
        ("ALLOWED_HOSTS", "survey.example.org:8000", "names of hosts alone"),
        ("CSRF_TRUSTED_ORIGINS", "survey.example.org", "https://survey.example.org"),
        ("TRUSTED_PROXIES", "proxy.example.org", "10.0.0.0/8"),
        ("WEBHOOK_PRIVATE_HOSTS", "http://h/", "names of hosts alone"),
        ("X_ACCEL_PREFIX", "protected", "write /protected/"),
        ("SALIENCY_WEIGHTS_DIR", "/no/such/folder", "no folder that can be read"),
        ("SALIENCY_MODELS_DIR", "/no/such/folder", "no folder that can be read"),
        ("MAX_UPLOAD_MB", "0", "not between 1"),
        ("STARTS_PER_HOUR", "-5", "not between 1"),
        ("REQUEST_THREADS", "many", "REQUEST_THREADS"),
        ("REQUEST_THREADS", "0", "not between 1"),
        ("SITE_URL", "https://h:port", "the port is a number"),
        ("EMAIL_URL", "smtp://host:port", "the port is a number"),
        ("DEFAULT_FROM_EMAIL", "survey", "no mail address"),
        ("LOG_FORMAT", "xml", "plain, json"),
        ("METRICS_TOKEN", "short", "openssl rand"),
        ("METRICS_PORT", "70000", "not between 0 and 65535"),
        ("METRICS_ADDRESS", "everywhere", "no network address"),
        ("SENTRY_DSN", "sentry", "https://key@host/number"),
        ("BACKUP_DIR", "backups", "begin at the root"),
        ("BACKUP_KEEP", "0", "not between 1"),
        ("BACKUP_ENCRYPT_TO", "age1…", "it begins with age1"),
        ("METRICS_DIR", "metrics", "begin at the root"),
        ("AWS_ACCESS_KEY_ID", "alone", "AWS_SECRET_ACCESS_KEY"),
        ("DATA_DIR", "/dev/null/data", "name a folder"),
    ],
)
def test_a_wrong_value_ends_the_boot_with_one_line(tmp_path: Path, name: str, value: str, says: str) -> None:
    bucket = {"STORAGE_URL": "s3://bucket"} if name.startswith("AWS_") else {}
    result = boot(tmp_path, **bucket, **{name: value})
    assert result.returncode == 2, result.stderr
    assert name in result.stderr
    assert says in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_the_embedded_secret_key_is_made_once_and_kept(tmp_path: Path) -> None:
    first = environment.secret_key("", False, tmp_path)
    assert first == environment.secret_key("", False, tmp_path)
    assert len(first) == 64
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


def test_a_front_server_sends_files_out_of_the_data_folder_alone(tmp_path: Path) -> None:
    elsewhere = stores.storage(f"file://{tmp_path}/elsewhere", tmp_path)
    with pytest.raises(Misconfigured, match=r"^STORAGE_URL .* X_ACCEL_PREFIX"):
        stores.refuse_files_elsewhere(elsewhere, tmp_path, "/protected/")
    own, bucket = (stores.storage(url, tmp_path) for url in ("", "s3://bucket"))
    for given, accel in ((elsewhere, ""), (own, "/protected/"), (bucket, "/protected/")):
        stores.refuse_files_elsewhere(given, tmp_path, accel)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "media").symlink_to(tmp_path / "elsewhere")
    stores.refuse_files_elsewhere(elsewhere, tmp_path, "/protected/")


@pytest.mark.parametrize(
    "given",
    [
        {"METRICS_DIR": "/dev/null/metrics"},
        {"X_ACCEL_PREFIX": "/protected/", "STORAGE_URL": "file:///somewhere/else"},
    ],
    ids="".join,
)
def test_what_web_processes_alone_need_stops_them_alone(tmp_path: Path, given: dict[str, str]) -> None:
    assert boot(tmp_path, **given).returncode == 0
    done = boot(tmp_path, "import survey_site.wsgi", **given)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(f"saliency-survey: {list(given)[-1]}")


def test_sqlite_runs_in_wal_with_immediate_transactions_that_reach_the_disk(tmp_path: Path) -> None:
    options = stores.database("", tmp_path)["OPTIONS"]
    assert options["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in options["init_command"] and "synchronous=FULL" in options["init_command"]
    assert stores.database("sqlite:////tmp/x.sqlite3", tmp_path)["NAME"] == "/tmp/x.sqlite3"


def test_postgres_is_pooled_and_takes_options_from_the_url(tmp_path: Path) -> None:
    settings = stores.database("postgres://u:p%40ss@h:1/d?sslmode=require&pool=3", tmp_path)
    assert (settings["PASSWORD"], settings["HOST"], settings["PORT"]) == ("p@ss", "h", "1")
    assert settings["OPTIONS"] == {
        "pool": {"min_size": 1, "max_size": 3, "timeout": 10, "reconnect_timeout": 5},
        "sslmode": "require",
        **stores.SILENT_SERVERS,
    }
    own = stores.database("postgres://u@h/d?connect_timeout=60", tmp_path)["OPTIONS"]
    assert own["connect_timeout"] == "60"


def test_a_pool_size_that_is_no_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="pool"):
        stores.database("postgres://u@h/d?pool=big", tmp_path)


@pytest.mark.parametrize(
    ("url", "debug", "backend", "host", "port", "tls", "ssl"),
    [
        ("smtp+tls://u:p%40ss@mail.example.org:587", False, "smtp", "mail.example.org", 587, True, False),
        ("smtps://mail.example.org:465", False, "smtp", "mail.example.org", 465, False, True),
        ("smtp://localhost", True, "smtp", "localhost", 25, False, False),
        ("", True, "console", None, None, False, False),
        ("", False, "dummy", None, None, False, False),
    ],
)
def test_the_mail_server_comes_from_one_url(
    url: str, debug: bool, backend: str, host: str | None, port: int | None, tls: bool, ssl: bool
) -> None:
    found = environment.email(url, debug)
    assert found["EMAIL_BACKEND"] == f"django.core.mail.backends.{backend}.EmailBackend"
    assert (found["EMAIL_HOST"] or None, found["EMAIL_PORT"] or None) == (host, port)
    assert (found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (tls, ssl)
    if "p%40ss" in url:
        assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("u", "p@ss")


def test_mail_can_go_to_a_folder() -> None:
    found = environment.email("file:///var/mail%20out", False)
    assert (found["EMAIL_BACKEND"].split(".")[-2], found["EMAIL_FILE_PATH"]) == ("filebased", "/var/mail out")


@pytest.mark.parametrize("url", ["smtp://", "smtp+tls://user:word@", "smtp://host:port"])
def test_a_mail_server_without_a_host_is_refused(url: str) -> None:
    with pytest.raises(Misconfigured, match="EMAIL_URL"):
        environment.email(url, False)


def test_trusted_proxies_are_addresses_or_networks() -> None:
    assert [str(one) for one in values.networks("TRUSTED_PROXIES", ["10.1.2.3/8", "::1"])] == [
        "10.0.0.0/8",
        "::1/128",
    ]
    with pytest.raises(environment.Misconfigured, match="TRUSTED_PROXIES"):
        values.networks("TRUSTED_PROXIES", ["proxy.example.org"])


def test_the_sites_address_has_no_path() -> None:
    assert environment.site_url("https://survey.example.org/") == "https://survey.example.org"
    with pytest.raises(Misconfigured, match="SITE_URL"):
        environment.site_url("https://survey.example.org/studies/")


KEY = "5f2c1e0b9a8d7c6f5e4d3c2b1a09f8e7d6c5b4a3928170f6e5d4c3b2a1908f7e"


def test_the_checks_for_a_server_have_nothing_to_say(tmp_path: Path) -> None:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    secure = {
        "SECRET_KEY": KEY,
        "BEHIND_HTTPS": "true",
        "ALLOWED_HOSTS": "survey.example.org",
        "DATA_DIR": str(tmp_path),
    }
    (tmp_path / "static").mkdir()
    result = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "INFO"],
        env={**kept, **secure},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert "no issues" in result.stdout


def mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o777)


@pytest.mark.parametrize(
    ("prefix", "folder", "file"), [("", "0o700", "0o600"), ("/media/", "0o750", "0o640")]
)
def test_the_data_folder_is_the_site_s_own(tmp_path: Path, prefix: str, folder: str, file: str) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    script = (
        "import django; django.setup();"
        "from survey_site.stimuli import storage; storage.put('stimuli', b'x', '.png');"
        "from django.core.cache import cache; cache.set('a', 1);"
        "from django.core.management import call_command; call_command('migrate', 'contenttypes', verbosity=0)"
    )
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    given = {
        **kept,
        "DJANGO_SETTINGS_MODULE": "survey_site.settings",
        "DATA_DIR": str(data),
        "X_ACCEL_PREFIX": prefix,
    }
    subprocess.run([sys.executable, "-c", script], env=given, cwd=ROOT, check=True)
    assert mode(data) == folder
    media = next((data / "media").rglob("*.png"))
    assert (mode(media), mode(media.parent)) == (file, folder)
    others = [path for path in data.rglob("*") if path.stat().st_mode & 0o007]
    assert others == []
    assert mode(data / "secret_key") == "0o600"
