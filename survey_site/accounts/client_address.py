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
    """The sender's address; behind a front server the one that it saw, last in X-Forwarded-For."""
    direct: str = request.META.get("REMOTE_ADDR", "")
    forwarded: str = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.BEHIND_HTTPS else ""
    return forwarded.rpartition(",")[2].strip() or direct


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
