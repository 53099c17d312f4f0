"""Who sends, as far as throttles need it: an address that can be compared, and never one that can be read."""

import hashlib
import hmac
import ipaddress

from django.conf import settings
from django.http import HttpRequest

LOCAL_PREFIX = (
    0xFD  # of unique local addresses (RFC 4193): what is stored looks like what it is, nobody's address
)


def client_address(request: HttpRequest) -> str:
    """The sender's address. Behind front servers the last one in X-Forwarded-For that is none of theirs.

    Who connects is believed where TRUSTED_PROXIES names them; without it, with BEHIND_HTTPS, one front server is. What
    senders write into the header themselves stands further left and is never looked at.
    """
    direct: str = request.META.get("REMOTE_ADDR", "")
    forwarded: str = request.META.get("HTTP_X_FORWARDED_FOR", "")
    hops = [_without_port(hop.strip()) for hop in forwarded.split(",") if hop.strip()]
    if not settings.TRUSTED_PROXIES:
        return hops[-1] if hops and settings.BEHIND_HTTPS else direct
    found = direct
    while hops and _is_proxy(found):
        found = hops.pop()
    return found


def _without_port(hop: str) -> str:
    """Some front servers write `192.0.2.1:4711` or `[2001:db8::1]:4711`, another port for each connection."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _is_proxy(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return not address  # a socket in the file system, which only a front server reaches
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(parsed in network for network in settings.TRUSTED_PROXIES)


def network_of(address: str) -> str:
    """What one sender can choose addresses from: a /64 of IPv6, a single IPv4 address, or the text as it is."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(parsed.ipv4_mapped or ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)


def marked(request: HttpRequest) -> str:
    """The sender under a keyed hash, in the form of an IPv6 address, since django-axes stores nothing else."""
    key = f"saliency-survey sign-in {settings.SECRET_KEY}".encode()
    mark = hmac.new(key, network_of(client_address(request)).encode(), hashlib.sha256).digest()
    return str(ipaddress.IPv6Address(bytes([LOCAL_PREFIX]) + mark[:15]))
