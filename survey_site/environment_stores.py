"""Parses where things are kept: database, broker, cache and storage. A wrong value ends the boot, as in environment.py."""

from collections.abc import Mapping
from pathlib import Path
from ssl import TLSVersion
from typing import Any
from urllib.parse import parse_qs, unquote

from survey_site.environment_values import (
    Misconfigured,
    both_or_none,
    full_path,
    origins,
    query_of,
    redis,
    scheme,
    split,
)

SILENT_SERVERS = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}
"""So that a server that vanished is known after seconds; what the URL says goes before."""
OF_CACHES = (
    "client_name",
    "db",
    "health_check_interval",
    "max_connections",
    "protocol",
    "retry_on_timeout",
    "socket_connect_timeout",
    "socket_keepalive",
    "socket_timeout",
    "ssl_ciphers",
    "ssl_min_version",
    "ssl_password",
)
"""Options of redis-py in the URL of a cache; the broker's client takes those of TLS alone."""


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
        own = database(replica, data_dir, "DATABASE_REPLICA_URL")
        found["replica"] = {**own, "TEST": {"MIRROR": "default"}}
    return found


def database(url: str, data_dir: Path, variable: str = "DATABASE_URL") -> dict[str, Any]:
    """Django's database settings for `sqlite:///file` (or empty: the embedded default) or `postgres://…`.

    variable: what the operator is told to look at.
    """
    if not url:
        return _sqlite(data_dir / "db.sqlite3")
    parts = split(variable, url)
    if parts.scheme == "sqlite":
        path = unquote(parts.path)
        if path in ("", "/"):
            raise Misconfigured(f"{variable} names no file; write sqlite:////absolute/file.sqlite3")
        file = Path(path.removeprefix("/") if not path.startswith("//") else path[1:])
        if not file.resolve().parent.is_dir():
            raise Misconfigured(f"{variable}: there is no folder {file.resolve().parent}; make it")
        return _sqlite(file)
    if parts.scheme in ("postgres", "postgresql"):
        name = unquote(parts.path.lstrip("/"))
        if not name or {"/", "@"} & set(parts.path.lstrip("/")):
            raise Misconfigured(
                f"{variable} names no database; write postgres://user:password@host:5432/name"
            )
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        size = query.pop("pool", "8")
        if not (size.isascii() and size.isdecimal()) or int(size) < 1:
            raise Misconfigured(
                f"{variable} has a pool of no size; write a number of connections such as pool=8"
            )
        _known_to_libpq(query, variable)
        # Looks again every few seconds for a server that was away, where the default doubles its pauses up to minutes.
        pool = {"min_size": 1, "max_size": int(size), "timeout": 10, "reconnect_timeout": 5}
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": name,
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": query.pop("host", unquote(parts.hostname or "")),
            "PORT": str(parts.port or ""),
            "OPTIONS": {"pool": pool, **SILENT_SERVERS, **query},
        }
    raise Misconfigured(f"{variable} begins with {parts.scheme!r}; write postgres://… or sqlite:///…")


def _known_to_libpq(options: dict[str, str], variable: str) -> None:
    from psycopg import ProgrammingError  # 10 MB that a site on SQLite does without
    from psycopg.conninfo import make_conninfo

    try:
        make_conninfo(**options)
    except ProgrammingError as error:
        raise Misconfigured(
            f"{variable}: {str(error).strip()}; write options of libpq, and pool=8"
        ) from error


def _sqlite(path: Path) -> dict[str, Any]:
    # IMMEDIATE takes the write lock at BEGIN: two writers wait for each other instead of failing half-way. FULL writes
    # each commit to the disk before an answer is acknowledged: with NORMAL a power cut takes the last ones.
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "CONN_MAX_AGE": None,  # sqlite_file.py sees to it that it stays the same file
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=20000; "
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
        # Without these whoever sends to a host that is silent waits for as long as the system does: minutes.
        waits = {"socket_connect_timeout": 2, "socket_timeout": 5}
        return redis("CELERY_BROKER_URL", url), {"visibility_timeout": 3600, **waits}
    raise Misconfigured(
        f"CELERY_BROKER_URL begins with {scheme(url)}, and is neither redis://… nor empty (files in the data folder)"
    )


def cache(url: str, data_dir: Path) -> dict[str, Any]:
    """Django's cache settings; empty selects files, which web and workers share."""
    if not url or url.startswith("file://"):
        folder = full_path("CACHE_URL", url.removeprefix("file://")) or str(data_dir / "cache")
        return {"BACKEND": "survey_site.json_cache.JsonFileCache", "LOCATION": folder}
    if url.startswith(("redis://", "rediss://")):
        return {
            "BACKEND": "survey_site.redis_cache.SparedRedisCache",
            "LOCATION": _known_to_redis(redis("CACHE_URL", url, OF_CACHES)),
            "OPTIONS": {
                "serializer": "survey_site.json_cache.Serializer",
                "socket_connect_timeout": 2,
                "socket_timeout": 5,
            },
        }
    raise Misconfigured(
        f"CACHE_URL begins with {scheme(url)}, and is neither redis://… nor file:///folder nor empty"
    )


def _known_to_redis(url: str) -> str:
    from redis import ConnectionPool, RedisError  # which a site without Redis does without

    try:
        read = ConnectionPool.from_url(url).make_connection()  # reads the options, and connects to nothing
        if (version := getattr(read, "ssl_min_version", None)) is not None:
            TLSVersion(version)
    except (RedisError, TypeError, ValueError) as error:
        raise Misconfigured(f"CACHE_URL: {error}; write options of redis-py") from error
    return url


def refuse_files_elsewhere(storage: Mapping[str, Any], data_dir: Path, accel: str) -> None:
    """Of a process that has a front server send files: it looks for them in the data folder alone. accel: its location."""
    folder, own = storage.get("OPTIONS", {}).get("location"), data_dir / "media"
    if accel and storage["BACKEND"].endswith("FileSystemStorage") and Path(folder).resolve() != own.resolve():
        raise Misconfigured(
            f"STORAGE_URL names {folder}, and with X_ACCEL_PREFIX the front server sends what lies in {own}: leave one of "
            "them empty, or make that a link to the folder"
        )


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
        if {"@", ":"} & set(parts.netloc):
            raise Misconfigured(
                "STORAGE_URL has more than a bucket before its prefix; the keys are AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, and the store's address is ?endpoint=https://…"
            )
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
        return {"BACKEND": "survey_site.stimuli.object_store.S3Storage", "OPTIONS": options}
    raise Misconfigured(
        f"STORAGE_URL begins with {scheme(url)}, and is neither s3://bucket/prefix nor file:///folder nor empty"
    )


def _s3_client() -> Any:
    """How an object store is spoken with: one that is away is known after seconds, not after minutes."""
    from botocore.config import Config  # 20 MB that a site without an object store does without

    return Config(
        signature_version="s3v4",  # buckets of today take no older one, which boto3 still signs addresses with
        connect_timeout=3,
        read_timeout=30,
        retries={"mode": "standard", "total_max_attempts": 3},
    )
