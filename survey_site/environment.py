"""Parses the environment variables of the site; a wrong value ends the boot with one clear line.

Pure functions of strings, so that each can be tested without starting Django.
"""

import contextlib
import os
import secrets
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import parse_qs, unquote

import platformdirs
from environs import Env, EnvError

from saliency_worker import fixture_files
from saliency_worker.declarations import BadDeclaration
from survey_site.environment_values import (
    Misconfigured,
    both_or_none,
    full_path,
    origins,
    query_of,
    redis,
    split,
)
from survey_site.tasks import registry

SHORTEST_KEY, FEWEST_SIGNS = 50, 10
GUESSED = ("django-insecure", "change", "secret", "password", "example")


def stop_boot(message: str) -> NoReturn:
    """Prints one line and ends the process with status 2, so that no traceback hides the reason."""
    sys.stderr.write(f"saliency-survey: {message}\n")
    raise SystemExit(2)


def databases(url: str, replica: str, data_dir: Path) -> dict[str, dict[str, Any]]:
    """Django's databases: the one that is written, and a streaming replica of it where one is named."""
    found = {"default": database(url, data_dir)}
    if replica:
        if not replica.startswith(("postgres://", "postgresql://")) or not url.startswith("postgres"):
            raise Misconfigured(
                "DATABASE_REPLICA_URL names a replica of PostgreSQL; leave it empty on SQLite"
            )
        if replica == url:
            raise Misconfigured(
                "DATABASE_REPLICA_URL is DATABASE_URL itself; name the replica, or leave it empty"
            )
        found["replica"] = {**database(replica, data_dir), "TEST": {"MIRROR": "default"}}
    return found


def data_dir(value: str) -> Path:
    """The data folder: as given, else `.data` in a checkout, else where programs of this user keep their data."""
    if value:
        return Path(value).expanduser().resolve()
    if fixture_files.IN_CHECKOUT:
        return Path(__file__).resolve().parent.parent / ".data"
    return platformdirs.user_data_path("saliency-survey", appauthor=False)


def database(url: str, data_dir: Path) -> dict[str, Any]:
    """Django's database settings for `sqlite:///file` (or empty: the embedded default) or `postgres://…`."""
    if not url:
        return _sqlite(data_dir / "db.sqlite3")
    parts = split("DATABASE_URL", url)
    if parts.scheme == "sqlite":
        path = unquote(parts.path)
        if path in ("", "/"):
            raise Misconfigured(f"DATABASE_URL={url!r} names no file; write sqlite:////absolute/file.sqlite3")
        file = Path(path.removeprefix("/") if not path.startswith("//") else path[1:])
        if not file.resolve().parent.is_dir():
            raise Misconfigured(f"DATABASE_URL: there is no folder {file.resolve().parent}; make it")
        return _sqlite(file)
    if parts.scheme in ("postgres", "postgresql"):
        name = unquote(parts.path.lstrip("/"))
        if not name:
            raise Misconfigured(
                "DATABASE_URL names no database; write postgres://user:password@host:5432/name"
            )
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        size = query.pop("pool", "8")
        if not size.isdigit() or int(size) < 1:
            raise Misconfigured(
                f"DATABASE_URL has pool={size!r}; write a number of connections such as pool=8"
            )
        _known_to_libpq(query)
        pool = {"min_size": 1, "max_size": int(size), "timeout": 10}
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": name,
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": query.pop("host", unquote(parts.hostname or "")),
            "PORT": str(parts.port or ""),
            "OPTIONS": {"pool": pool, **query},
        }
    raise Misconfigured(f"DATABASE_URL begins with {parts.scheme!r}; write postgres://… or sqlite:///…")


def _known_to_libpq(options: dict[str, str]) -> None:
    from psycopg import ProgrammingError  # 10 MB that a site on SQLite does without
    from psycopg.conninfo import make_conninfo

    try:
        make_conninfo(**options)
    except ProgrammingError as error:
        raise Misconfigured(
            f"DATABASE_URL: {str(error).strip()}; write options of libpq, and pool=8"
        ) from error


def _sqlite(path: Path) -> dict[str, Any]:
    # IMMEDIATE takes the write lock at BEGIN: two writers wait for each other instead of failing half-way.
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "CONN_MAX_AGE": None,  # sqlite_file.py sees to it that it stays the same file
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000; "
                "PRAGMA foreign_keys=ON; PRAGMA cache_size=-16000;"
            ),
        },
        "TEST": {"NAME": str(path.with_name("test.sqlite3"))},
    }


def broker(url: str, data_dir: Path) -> tuple[str, dict[str, Any]]:
    """Celery's broker URL and transport options; empty selects files below the data folder."""
    if not url or url.startswith("filesystem://"):
        folder = data_dir / "broker"
        for name in ("messages", "control"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        # One folder for both directions: what one process sends, the other reads.
        return "filesystem://", {
            "data_folder_in": str(folder / "messages"),
            "data_folder_out": str(folder / "messages"),
            "control_folder": str(folder / "control"),
        }
    if url.startswith(("redis://", "rediss://")):
        return redis("CELERY_BROKER_URL", url), {"visibility_timeout": 3600}
    raise Misconfigured(
        f"CELERY_BROKER_URL={url!r} is neither redis://… nor empty (files in the data folder)"
    )


def cache(url: str, data_dir: Path) -> dict[str, Any]:
    """Django's cache settings; empty selects files, which web and workers share."""
    if not url or url.startswith("file://"):
        folder = full_path("CACHE_URL", url.removeprefix("file://")) or str(data_dir / "cache")
        return {"BACKEND": "survey_site.json_cache.JsonFileCache", "LOCATION": folder}
    if url.startswith(("redis://", "rediss://")):
        return {
            "BACKEND": "survey_site.redis_cache.SparedRedisCache",
            "LOCATION": redis("CACHE_URL", url),
            "OPTIONS": {
                "serializer": "survey_site.json_cache.Serializer",
                "socket_connect_timeout": 2,
                "socket_timeout": 5,
            },
        }
    raise Misconfigured(f"CACHE_URL={url!r} is neither redis://… nor file:///folder nor empty")


def storage(url: str, data_dir: Path) -> dict[str, Any]:
    """Django's default storage: `file:///folder`, `s3://bucket/prefix?endpoint=https://…`, or the data folder."""
    if not url or url.startswith("file://"):
        folder = full_path("STORAGE_URL", url.removeprefix("file://")) or str(data_dir / "media")
        return {
            "BACKEND": "survey_site.stimuli.storage.AtomicFileSystemStorage",
            "OPTIONS": {"location": folder},
        }
    parts = split("STORAGE_URL", url)
    if parts.scheme == "s3" and parts.hostname:
        query = query_of("STORAGE_URL", parts, ("endpoint", "region"))
        if query.get("endpoint") is not None:
            origins("STORAGE_URL's endpoint", [query["endpoint"].rstrip("/")])
        both_or_none("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        options = {
            "bucket_name": parts.hostname,
            "location": parts.path.strip("/"),
            "endpoint_url": query.get("endpoint"),
            "region_name": query.get("region"),
            "default_acl": None,
            "file_overwrite": True,
            "querystring_auth": True,
            "client_config": _s3_client(),
        }
        return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    raise Misconfigured(f"STORAGE_URL={url!r} is neither s3://bucket/prefix nor file:///folder nor empty")


def _s3_client() -> Any:
    """How an object store is spoken with: one that is away is known after seconds, not after minutes."""
    from botocore.config import Config  # 20 MB that a site without an object store does without

    return Config(
        signature_version="s3v4",  # buckets of today take no older one, which boto3 still signs addresses with
        connect_timeout=3,
        read_timeout=30,
        retries={"mode": "standard", "total_max_attempts": 3},
    )


def email(url: str, debug: bool) -> dict[str, Any]:
    """Django's mail settings for `smtp://` (STARTTLS: `smtp+tls://`, TLS: `smtps://`), `console:` or `file:///folder`.

    Empty: the console in debug mode, else no mail at all.
    """
    parts = split("EMAIL_URL", url or ("console:" if debug else "dummy:"))
    ports = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
    kind = {"console": "console", "dummy": "dummy", "file": "filebased"}.get(parts.scheme, "smtp")
    if kind == "smtp" and parts.scheme not in ports:
        raise Misconfigured(
            f"EMAIL_URL begins with {parts.scheme!r}; write smtp+tls://user:password@host:587, smtps://…, console: "
            "or file:///folder"
        )
    host, port = parts.hostname or "", parts.port or ports.get(parts.scheme, 0)
    if kind == "smtp" and not host:
        raise Misconfigured("EMAIL_URL names no host; write smtp+tls://user:password@host:587")
    return {
        "EMAIL_BACKEND": f"django.core.mail.backends.{kind}.EmailBackend",
        "EMAIL_HOST": host,
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_FILE_PATH": unquote(parts.path) if kind == "filebased" else None,
    }


def methods(modules: str) -> str:
    """The modules with further saliency methods, after a look at all declarations, ours too.

    The catalogue reads the variable itself, so that site and worker agree; here it is loaded for the first time.
    """
    try:
        import_module("saliency_worker.catalog")
    except BadDeclaration as error:
        raise Misconfigured(str(error)) from error
    return modules


def tasks(ours: Sequence[str], further: Sequence[str]) -> list[str]:
    """The packages of all task types, ours first, after a look at what they declare."""
    packages = [*ours, *(package for package in further if package not in ours)]
    try:
        registry.load(tuple(packages))
    except registry.BadTask as error:
        raise Misconfigured(str(error)) from error
    return packages


def site_url(url: str) -> str:
    """Scheme and host under which people reach the site, without a slash at the end."""
    parts = split("SITE_URL", url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise Misconfigured(
            f"SITE_URL={url!r} is no address of a site; write one such as https://survey.example.org"
        )
    return f"{parts.scheme}://{parts.netloc}"


def secret_key(value: str, debug: bool, data_dir: Path) -> str:
    """The given key, or one made once and kept in the data folder (embedded use)."""
    if value:
        if why := _weakness(value):
            raise Misconfigured(f"SECRET_KEY {why}; make one with `openssl rand -hex 32`")
        return value
    file = data_dir / "secret_key"
    if not file.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        try:
            with file.open("x") as handle:
                handle.write(secrets.token_hex(32))
            file.chmod(0o600)
        except FileExistsError:
            pass  # another process of the same demo made it a moment earlier
    return file.read_text().strip()


def _weakness(key: str) -> str:
    """Why somebody could guess the key; empty where nothing speaks against it."""
    if len(key) < SHORTEST_KEY:
        return f"is shorter than {SHORTEST_KEY} characters"
    if key in (key + key)[1:-1]:
        return "repeats itself"
    if len(set(key)) < FEWEST_SIGNS:
        return f"has fewer than {FEWEST_SIGNS} different characters"
    if found := next((word for word in GUESSED if word in key.lower()), ""):
        return f"holds “{found}”, as keys of examples do"
    return ""


def keep_private(data_dir: Path, front_server: bool) -> None:
    """From here on the process makes files for its own user alone; a front server that reads media is in its group.

    The data folder, which holds answers and the secret key, is closed as well, also one of an earlier version.
    """
    os.umask(0o027 if front_server else 0o077)
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(
            f"DATA_DIR={str(data_dir)!r}: {error.strerror}; name a folder of the site's own"
        ) from error
    if not os.access(data_dir, os.W_OK | os.X_OK):
        raise Misconfigured(f"DATA_DIR={str(data_dir)!r} cannot be written; give it to the site's user")
    with contextlib.suppress(PermissionError):  # another user's folder, which is theirs to close
        data_dir.chmod(0o750 if front_server else 0o700)


def read(env: Env, kind: str, name: str, default: Any) -> Any:
    """Reads one typed variable (`bool`, `int`, `list`, `str`); a wrong value is `Misconfigured`."""
    try:
        return getattr(env, kind)(name, default)
    except EnvError as error:
        raise Misconfigured(f"{error}; see docs/operations.md") from error
