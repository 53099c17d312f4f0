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
from urllib.parse import unquote

import platformdirs
from environs import Env, EnvError

from saliency_worker import fixture_files
from saliency_worker.declarations import BadDeclaration
from survey_site.environment_values import Misconfigured, is_host, own_folder, shown, split
from survey_site.tasks import registry

SHORTEST_KEY, FEWEST_SIGNS = 50, 10
GUESSED = ("django-insecure", "change", "secret", "password", "example")


def stop_boot(message: str) -> NoReturn:
    """Prints one line and ends the process with status 2, so that no traceback hides the reason."""
    sys.stderr.write(f"saliency-survey: {message}\n")
    raise SystemExit(2)


def data_dir(value: str) -> Path:
    """The data folder: as given, else `.data` in a checkout, else where programs of this user keep their data."""
    if value:
        return Path(value).expanduser().resolve()
    if fixture_files.IN_CHECKOUT:
        return Path(__file__).resolve().parent.parent / ".data"
    return platformdirs.user_data_path("saliency-survey", appauthor=False)


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


def recipients(keys: Sequence[str]) -> list[str]:
    """Public keys of age, each looked at: a backup that cannot be encrypted is not made."""
    if keys:
        from survey_site.backup import encryption  # a library that a site without such backups does without
        from survey_site.backup.errors import BackupError

        for key in keys:
            try:
                encryption.recipient(key)
            except BackupError as error:
                raise Misconfigured(f"BACKUP_ENCRYPT_TO: {error}") from error
    return list(keys)


def site_url(url: str) -> str:
    """Scheme and host under which people reach the site, without a slash at the end."""
    parts = split("SITE_URL", url)
    further = parts.path.strip("/") or parts.query or parts.fragment
    if parts.scheme not in ("http", "https") or not is_host(parts) or further:
        raise Misconfigured(
            f"SITE_URL={shown(url)} is no address of a site; write one such as https://survey.example.org"
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


def fallback_keys(value: str) -> list[str]:
    """The keys of before, each also with the blanks at either side, or both: it may have had them as SECRET_KEY."""
    forms = (form for key in value.split(",") for form in (key.strip(), key.lstrip(), key.rstrip(), key))
    return list(dict.fromkeys(form for form in forms if form.strip()))


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
    own_folder("DATA_DIR", str(data_dir))
    with contextlib.suppress(PermissionError):  # another user's folder, which is theirs to close
        data_dir.chmod(0o750 if front_server else 0o700)


def read(env: Env, kind: str, name: str, default: Any) -> Any:
    """Reads one typed variable (`bool`, `int`, `list`, `str`); a wrong value is `Misconfigured`.

    Blanks around a value and around each part of a list are no part of it: files of variables, and commas, have them.
    Secret keys alone stay as they are, since what was signed and sealed by one depends on them.
    """
    if kind in ("bool", "int") and name in os.environ:
        os.environ[name] = os.environ[name].strip()  # environs reads it there
    try:
        value = getattr(env, kind)(name, default)
    except EnvError as error:
        raise Misconfigured(f"{error}; see docs/operations.md") from error
    if kind == "list":
        return [part.strip() for part in value if part.strip()]
    return value.strip() if kind == "str" and not name.startswith("SECRET_KEY") else value
