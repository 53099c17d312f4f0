"""`rediss://`: a server whose certificate nobody vouches for is not spoken with, unless the URL says that it may be."""

import datetime
import ipaddress
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.cache import caches
from kombu import Connection

from survey_site import environment_stores as stores
from survey_site.celery import app
from survey_site.trials.views import health
from tests import servers

WHOLE_URL = "rediss://127.0.0.1:{port}/0{query}"


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    own, private = folder / "own.pem", folder / "key.pem"
    own.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    private.write_bytes(key.private_bytes(*plain))
    return own, private


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """The port of a Redis that speaks TLS alone, and its certificate."""
    if not (program := servers.find("redis-server")):
        pytest.skip("needs redis-server")
    folder, port = tmp_path_factory.mktemp("redis"), servers.free_port()
    own, key = certificate(folder)
    command = [program, "--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1", "--save", ""]
    command += ["--tls-cert-file", str(own), "--tls-key-file", str(key), "--tls-ca-cert-file", str(own)]
    process = subprocess.Popen(
        [*command, "--tls-auth-clients", "no", "--dir", str(folder)], stdout=subprocess.DEVNULL
    )
    try:
        servers.wait_for(port, process)
        yield port, own
    finally:
        process.terminate()
        process.wait(10)


def outcome(settings: Any, port: int, query: str) -> tuple[str, str]:
    """What the looks at broker and cache say."""
    url = WHOLE_URL.format(port=port, query=query)
    settings.CELERY_BROKER_URL, settings.CELERY_BROKER_TRANSPORT_OPTIONS = stores.broker(url, Path("/tmp"))
    settings.CACHES = {"default": stores.cache(url, Path("/tmp"))}
    try:
        return health._outcome(health._broker), health._outcome(health._cache)
    finally:
        caches["default"].close()


def test_a_certificate_that_nobody_vouches_for_is_refused(server: tuple[int, Path], settings: Any) -> None:
    broker, cache = outcome(settings, server[0], "")
    assert broker.startswith("failed: ") and cache.startswith("failed: ")


@pytest.mark.parametrize("reqs", ["", "&ssl_cert_reqs=required", "&ssl_cert_reqs=CERT_REQUIRED"])
def test_one_that_the_url_vouches_for_is_taken(server: tuple[int, Path], settings: Any, reqs: str) -> None:
    port, own = server
    assert outcome(settings, port, f"?ssl_ca_certs={own}{reqs}") == ("ok", "ok")


def test_who_says_so_looks_at_none(server: tuple[int, Path], settings: Any) -> None:
    assert outcome(settings, server[0], "?ssl_cert_reqs=none") == ("ok", "ok")


def test_another_host_s_certificate_is_refused(server: tuple[int, Path], settings: Any) -> None:
    port, own = server
    url, options = stores.broker(f"rediss://localhost:{port}/0?ssl_ca_certs={own}", Path("/tmp"))
    settings.CELERY_BROKER_URL, settings.CELERY_BROKER_TRANSPORT_OPTIONS = url, options
    assert health._outcome(health._broker).startswith("failed: ")


def test_the_queue_is_spoken_with_in_the_same_way(server: tuple[int, Path]) -> None:
    """Celery gives kombu a setting of its own for TLS, which must not undo what the URL says."""
    url, options = stores.broker(WHOLE_URL.format(port=server[0], query=""), Path("/tmp"))
    with app.connection_for_write(url) as connection:
        assert connection.ssl == Connection(url, transport_options=options).ssl
        assert connection.ssl["ssl_cert_reqs"].name == "CERT_REQUIRED"
