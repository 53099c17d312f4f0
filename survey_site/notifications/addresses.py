"""Which addresses a webhook may have. Researchers choose them, the server's network must not be theirs to explore."""

import ipaddress
import socket
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

# All of IPv6 that is given out to sites. What lies outside is local, reserved, or an IPv4 address in disguise (::/96,
# mapped, NAT64), whatever a Python of last year thinks of it.
_GIVEN_OUT = ipaddress.ip_network("2000::/3")
# Inside it and beside `is_global`, whose table differs from Python to Python: protocols and tunnels (Teredo, 6to4 and its
# relays), documentation.
_NOBODYS = [
    ipaddress.ip_network(net)
    for net in ("2001::/23", "2002::/16", "3fff::/20", "192.0.0.0/24", "192.88.99.0/24")
]


class AddressRefused(ValueError):
    """This site does not post to that address. The message says why, and what would work."""


@dataclass(frozen=True, slots=True)
class Address:
    """A webhook's address in parts; `path` includes the query."""

    https: bool
    host: str
    port: int
    path: str

    @property
    def netloc(self) -> str:
        """Host and, where it is not the usual one, port: what the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.https else 80) else f"{host}:{self.port}"


def checked(url: str) -> Address:
    """The parts of the address; AddressRefused where it is no plain http(s) address. Looks nothing up."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressRefused("This is not an address; write one such as https://example.org/hook.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise AddressRefused(
            "Write an address that begins with https:// (or http://), such as https://example.org/hook."
        )
    if parts.username is not None or parts.password is not None:
        raise AddressRefused(
            "Leave user name and password out of the address; the signature proves who sends."
        )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not (path + parts.hostname).isascii() or any(sign <= " " for sign in url):
        raise AddressRefused("Write the address in its encoded form, with ASCII characters and no spaces.")
    https = parts.scheme == "https"
    return Address(https, parts.hostname, port or (443 if https else 80), path)


def is_public(ip: str) -> bool:
    """Whether the IP address is one of the open internet, and not a disguised private one."""
    address = ipaddress.ip_address(ip.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return is_public(str(address.ipv4_mapped))
        if address not in _GIVEN_OUT:
            return False
    if any(address in net for net in _NOBODYS):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def resolved(address: Address, private_hosts: Collection[str]) -> str:
    """The IP address to connect to; the caller uses it and no second look-up, so that it cannot change in between.

    AddressRefused where any address of the host is private, unless the operator lists the host in WEBHOOK_PRIVATE_HOSTS.
    OSError where the host cannot be found just now.
    """
    found = [
        str(info[4][0]) for info in socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    ]
    if address.host not in private_hosts and not all(is_public(ip) for ip in found):
        raise AddressRefused(
            f"{address.host} lies in a private network. "
            "An administrator can allow it by name in the setting WEBHOOK_PRIVATE_HOSTS."
        )
    return found[0]
