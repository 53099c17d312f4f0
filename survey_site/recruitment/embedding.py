"""A study inside another site's page, and back to an address with what came along. Pure functions of strings."""

import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

OURS = ("participant", "outcome", "code")
"""What a return address may name beside the parameters of the start link."""
TAKEN = frozenset(
    {
        "csrfmiddlewaretoken",
        "nonce",
        "lang",
        "consent",
        "client",
        "bot",
        "preview",
        "PROLIFIC_PID",
        "SESSION_ID",
    }
)
LONGEST_PARAMETER = 200
_NAME = re.compile(r"{([A-Za-z][A-Za-z0-9_.-]{0,39})}")
_ORIGIN = re.compile(
    r"https://(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+(:\d{1,5})?|http://(localhost|127\.0\.0\.1)(:\d{1,5})?"
)
_LOCAL = ("localhost", "127.0.0.1")


def origins(text: str) -> tuple[str, ...]:
    """The sites named in a text, without doubles and slashes at their ends."""
    return tuple(dict.fromkeys(word.rstrip("/").lower() for word in text.split()))


def wrong_origins(text: str) -> list[str]:
    """Of the sites named those that a browser would not take: not https, with a path, or everybody's."""
    return [origin for origin in origins(text) if not _ORIGIN.fullmatch(origin)]


def named_in(url: str) -> tuple[str, ...]:
    """The parameters of the start link that a return address wants."""
    return tuple(name for name in dict.fromkeys(_NAME.findall(url)) if name not in OURS)


def problem_of(url: str) -> str:
    """What keeps an address from being returned to, in words for the researcher; empty: nothing."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return "This is no address."
    if not host or "{" in parts.netloc or not (parts.scheme == "https" or host in _LOCAL):
        return "Write an address that begins with https:// and a host."
    if {"{", "}"} & set(_NAME.sub("", url)) or not url.isprintable() or " " in url:
        return "In braces stand names alone, such as {code}; they have letters, digits, and - _ . behind the first."
    if taken := [name for name in named_in(url) if name in TAKEN]:
        return f"The start page uses these names itself: {', '.join(taken)}."
    return ""


def carried(url: str, fields: Mapping[str, str]) -> dict[str, str]:
    """Of the start link's parameters those that the return address wants."""
    return {name: fields[name][:LONGEST_PARAMETER] for name in named_in(url) if fields.get(name)}


def filled(url: str, values: Mapping[str, str]) -> str:
    """The address with the values in place of their names, quoted; what is not known is empty."""
    return _NAME.sub(lambda match: quote(values.get(match[1], ""), safe=""), url)
