"""Checks of single values of the environment: numbers, names, hosts, folders. Each returns the value, or says what to write.

Pure functions, but for those of folders, which look whether these are there.
"""

import ipaddress
import os
import re
from collections.abc import Sequence
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, urlencode, urlsplit

from survey_site.telemetry import failures

SHORTEST_TOKEN = 32
ENCODED = "in user and password write %2F for /, %3F for ?, %23 for #, %40 for @ and %3A for :"
TLS_FILES = ("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile")
TLS = ("ssl_cert_reqs", "ssl_check_hostname", *TLS_FILES)


class Misconfigured(ValueError):
    """A setting has a value that cannot work. The message names the variable and what to write instead."""


def shown(value: str) -> str:
    """The value for a message, without what stands before an @: it may be a password."""
    return repr(re.sub(r"^(\w[\w+.-]*://)?.*@", r"\1…@", value, flags=re.DOTALL))


def scheme(url: str) -> str:
    """What stands before `://`, in quotes; nothing of a text without it."""
    found = re.match(r"[A-Za-z][A-Za-z0-9+.-]*(?=://)", url)
    return repr(found[0] if found else "")


def split(name: str, url: str) -> SplitResult:
    """The parts of a URL, its port among them; brackets that do not close and ports that are none are refused.

    In words that hold nothing of it: what is wrong may be that a password was read as something else.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Misconfigured(f"{name} is no URL; the port is a number below 65536, and {ENCODED}") from error
    if parts.scheme != "s3" and parts.netloc and "@" in f"{parts.path}{parts.query}{parts.fragment}":
        raise Misconfigured(f"{name} has an @ behind the host; {ENCODED}")
    return parts


def query_of(name: str, parts: SplitResult, known: Sequence[str]) -> dict[str, str]:
    """What stands behind the question mark, if all of it is known."""
    query = {key: values[-1] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
    if unknown := sorted(set(query) - set(known)):
        raise Misconfigured(f"{name} has {', '.join(unknown)}, which is none of {', '.join(known)}")
    return query


def redis(name: str, url: str, further: Sequence[str] = ()) -> str:
    """A URL of Redis with the number of a database, or none, behind the host. further: options besides those of TLS.

    Of `rediss://` the server's certificate is looked at unless the URL says otherwise: kombu, if not told, looks at none.
    """
    parts = split(name, url)
    number = parts.path.strip("/")
    if (
        not parts.hostname
        or ";" in parts.netloc
        or (number and not (number.isascii() and number.isdecimal()))
    ):
        raise Misconfigured(f"{name} names no host, or no number of a database; write redis://host:6379/0")
    query = query_of(name, parts, (*TLS, *further))
    if parts.scheme == "rediss":
        asked = query.get("ssl_cert_reqs", "required").lower().removeprefix("cert_")
        query["ssl_cert_reqs"] = one_of(f"{name}: ssl_cert_reqs", asked, ("required", "optional", "none"))
        for file in (query[one] for one in TLS_FILES if one in query):
            if not os.access(file, os.R_OK):
                raise Misconfigured(f"{name}: {file} cannot be read; name certificates that can")
    elif of_tls := [key for key in query if key.startswith("ssl_")]:
        raise Misconfigured(
            f"{name} has {', '.join(of_tls)}, which TLS alone has; write rediss://, or leave it out"
        )
    return parts._replace(query=urlencode(query)).geturl()


def one_of(name: str, value: str, choices: Sequence[str]) -> str:
    """The value, if it is one of the choices."""
    if value not in choices:
        raise Misconfigured(f"{name}={shown(value)} is not one of {', '.join(choices)}")
    return value


def number(name: str, value: int, least: int = 1, most: int = 10**9) -> int:
    """The number, if it lies between these."""
    if not least <= value <= most:
        raise Misconfigured(f"{name}={value} is not between {least} and {most}; write a number that is")
    return value


def hosts(name: str, values: Sequence[str]) -> list[str]:
    """Names or addresses of hosts, without scheme, port and path; `*.example.org` and `.example.org` stand for all below."""
    for value in values:
        bare = value.strip().strip("[]")
        if not bare or set(bare) & set("/@?# ") or "://" in value or (":" in bare and not _is_address(bare)):
            raise Misconfigured(
                f"{name} has {shown(value)}; write names of hosts alone, such as survey.example.org"
            )
    return [value.strip() for value in values]


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def origins(name: str, values: Sequence[str]) -> list[str]:
    """Origins: scheme and host, and a port."""
    for value in values:
        parts = split(name, value.strip())
        further = parts.path or parts.query or parts.fragment
        if parts.scheme not in ("http", "https") or not is_host(parts) or further:
            raise Misconfigured(
                f"{name} has {shown(value)}; write origins such as https://survey.example.org"
            )
    return [value.strip() for value in values]


def is_host(parts: SplitResult) -> bool:
    """Whether between scheme and path stands a host, and a port or none."""
    return bool(parts.hostname) and not set(parts.netloc) & set("@ \t")


def networks(name: str, values: Sequence[str]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Addresses and networks (`10.0.0.0/8`) as networks."""
    found = []
    for value in values:
        try:
            found.append(ipaddress.ip_network(value.strip(), strict=False))
        except ValueError as error:
            raise Misconfigured(
                f"{name} has {shown(value)}; write addresses or networks such as 10.0.0.0/8,192.0.2.7"
            ) from error
    return found


def address(name: str, value: str) -> str:
    """A network address to listen at."""
    if not _is_address(value):
        raise Misconfigured(
            f"{name}={shown(value)} is no network address; write one such as 127.0.0.1 or 0.0.0.0"
        )
    return value


def sender(name: str, value: str) -> str:
    """A mail address, with a name before it or without."""
    _, mail = parseaddr(value)
    if "@" not in mail.strip("@"):
        raise Misconfigured(f"{name}={shown(value)} is no mail address; write one such as survey@example.org")
    return value


def folder(name: str, value: str) -> str:
    """Empty, or a folder that is there and can be read."""
    if value and not (Path(value).is_dir() and os.access(value, os.R_OK | os.X_OK)):
        raise Misconfigured(
            f"{name}={shown(value)} is no folder that can be read; make it, or leave {name} empty"
        )
    return value


def full_path(name: str, value: str) -> str:
    """Empty, or a path from the root: processes may be started in different folders."""
    if value and not Path(value).is_absolute():
        raise Misconfigured(
            f"{name}={shown(value)} does not begin at the root; write a path such as /srv/backups"
        )
    return value


def own_folder(name: str, value: str) -> Path:
    """A folder that this process may write into; made where it is not there."""
    folder = Path(full_path(name, value))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(
            f"{name}={shown(value)}: {error.strerror}; name a folder of the site's own"
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Misconfigured(f"{name}={shown(value)} cannot be written; give it to the site's user")
    return folder


def internal_location(name: str, value: str) -> str:
    """Empty, or a location of nginx: `/protected/`."""
    if value and not (value.startswith("/") and value.endswith("/") and len(value) > 2):
        raise Misconfigured(f"{name}={shown(value)} is no location of the front server; write /protected/")
    return value


def both_or_none(first: str, second: str) -> None:
    """Two variables of the environment that are of use together alone."""
    given = [name for name in (first, second) if os.environ.get(name)]
    if len(given) == 1:
        raise Misconfigured(
            f"{given[0]} is set without the other of {first} and {second}; set both, or neither"
        )


def metrics_token(value: str) -> str:
    """What a program shows to read `/metrics`; long enough that nobody guesses it."""
    if value and len(value) < SHORTEST_TOKEN:
        raise Misconfigured(
            f"METRICS_TOKEN is shorter than {SHORTEST_TOKEN} characters; make one with `openssl rand -hex 32`"
        )
    if not value.isascii():
        raise Misconfigured(
            "METRICS_TOKEN has signs that no header takes; make one with `openssl rand -hex 32`"
        )
    return value


def sentry_dsn(value: str) -> str:
    """The address of a Sentry project, or empty."""
    if value and not failures.is_dsn(value):
        raise Misconfigured(
            "SENTRY_DSN is no address of a project; write https://key@host/number, or nothing"
        )
    return value
