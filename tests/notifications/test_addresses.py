"""Where a webhook may go: not into the server's own network."""

import ipaddress
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey_site.notifications.addresses import AddressRefused, checked, is_public, resolved


@pytest.mark.parametrize(
    "url",
    [
        "", "example.org/hook", "ftp://example.org/", "file:///etc/passwd", "gopher://x", "https://", "http:///path",
        "https://user:word@example.org/", "https://example.org:port/", "https://example.org:99999/",
        "https://example.org/a b", "https://example.org/\r\nX: y", "https://exämple.org/", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_what_is_no_plain_address_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        checked(url)


def test_an_address_comes_apart() -> None:
    found = checked("https://Example.org/hook?team=1#part")
    assert (found.https, found.host, found.port, found.path) == (True, "example.org", 443, "/hook?team=1")
    assert found.netloc == "example.org"
    assert checked("http://[2606:4700::1]:8080").netloc == "[2606:4700::1]:8080"


@pytest.mark.parametrize(
    "ip",
    [
        "127.0.0.1", "10.0.0.8", "192.168.1.1", "172.16.3.4", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2001:0:1::1", "::7f00:1", "::10.0.0.1", "fec0::1",
        "5f00::1", "::ffff:0:127.0.0.1", "192.88.99.1", "192.0.0.8", "192.0.0.170", "198.18.0.1", "192.0.2.1",
        "198.51.100.1", "203.0.113.1", "240.0.0.1", "100::1", "2001:db8::1", "2001:20::1", "2001:2::1", "3fff::1", "fc00::1",
        "::ffff:169.254.169.254",
    ],
)  # fmt: skip
def test_private_and_disguised_addresses_are_not_public(ip: str) -> None:
    assert not is_public(ip)


@pytest.mark.parametrize(
    "ip", ["93.184.215.14", "2606:4700::6810:1", "::ffff:93.184.215.14", "2a00:1450::1", "2001:4860::1"]
)
def test_addresses_of_the_internet_are_public(ip: str) -> None:
    assert is_public(ip)


def found(*ips: str) -> Any:
    return lambda *args, **kwargs: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ips]


def test_one_private_address_among_public_ones_refuses_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", found("93.184.215.14", "10.0.0.1"))
    with pytest.raises(AddressRefused, match="WEBHOOK_PRIVATE_HOSTS"):
        resolved(checked("https://rebinding.example/"), [])
    assert resolved(checked("https://rebinding.example/"), ["rebinding.example"]) == "93.184.215.14"


def test_the_address_that_was_checked_is_the_one_to_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", found("93.184.215.14"))
    assert resolved(checked("https://example.org/"), []) == "93.184.215.14"


@given(st.ip_addresses())
def test_whatever_python_calls_local_is_not_public(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    local = ip.is_private or ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified
    assert not (local and is_public(str(ip)))


@given(
    st.ip_addresses(v=4), st.sampled_from(["::", "::ffff:0:", "64:ff9b::", "64:ff9b:1::", "fec0::", "2002:"])
)
def test_no_disguise_makes_an_address_public(ip: ipaddress.IPv4Address, disguise: str) -> None:
    high, low = divmod(int(ip), 65536)
    text = f"{disguise}{high:x}:{low:x}" + ("::" if disguise == "2002:" else "")
    assert not is_public(text)
