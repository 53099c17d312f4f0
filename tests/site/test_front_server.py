"""The front server of `deploy/` before the real site: forms whole, uploads looked at first, files sent by nginx."""

import http.server
import json
import re
import subprocess
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from survey_site import bodies
from tests import front_server, servers
from tests.front_server import nginx
from tests.site.running_site import everything, half_sent, manage, running, status
from tests.stimuli.pictures import encoded, zipped

ACCEL = {"X_ACCEL_PREFIX": "/protected/"}
PREPARE = """
from django.contrib.auth.models import User
from django.test import Client
from tests import factories
from tests.trials.player import begin, until_trial
factories.live()
study = factories.draft("mine")
client = Client()
client.force_login(User.objects.create_superuser("ada"), backend="django.contrib.auth.backends.ModelBackend")
participant = Client(HTTP_HOST="localhost")
pictures = sorted(until_trial(participant, begin(participant, "test")).images)
print("|".join([str(study.pk), client.cookies["sessionid"].value, *pictures]))
"""


@pytest.fixture(scope="module")
def site() -> Iterator[tuple[int, Path]]:
    if not servers.find("nginx"):
        pytest.skip("needs nginx")
    # Not below pytest's own folder, which nginx's user may not enter.
    with tempfile.TemporaryDirectory(prefix="survey-") as name:
        folder = Path(name)
        with running(folder, **ACCEL) as site_port, nginx(site_port, folder) as (port, _):
            yield port, folder


@pytest.fixture(scope="module")
def prepared(site: tuple[int, Path]) -> list[str]:
    """A draft's number, a superuser's session, and addresses of pictures of a running trial."""
    return manage(site[1], "shell", "-v", "0", "-c", PREPARE, **ACCEL).strip().splitlines()[-1].split("|")


def fetch(port: int, path: str, **headers: str) -> tuple[dict[str, str], bytes]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return {name.lower(): value for name, value in answer.headers.items()}, answer.read()


def test_style_sheets_come_from_the_disk_packed_and_for_good(site: tuple[int, Path]) -> None:
    port, _ = site
    _, page = fetch(port, "/admin/login/")
    style = re.findall(r'href="(/static/[^"]+\.[0-9a-f]{12}\.css)"', page.decode())[0]
    headers, data = fetch(port, style, **{"Accept-Encoding": "gzip"})
    assert headers["content-encoding"] == "gzip"
    assert data[:2] == b"\x1f\x8b"
    assert "immutable" in headers["cache-control"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert status(port, "/static/../secret_key") in (400, 404)
    assert status(port, "/static/%2e%2e/secret_key") in (400, 404)
    assert status(port, "/static../secret_key") == 404


def test_nothing_but_its_address_and_bytes_tells_one_picture_from_another(
    site: tuple[int, Path], prepared: list[str]
) -> None:
    told = []
    for address in prepared[2:]:
        headers, data = fetch(site[0], address)
        assert data.startswith(b"\x89PNG")
        headers.pop("date")
        told.append(headers)
    assert len(told) > 1
    assert all(headers == told[0] for headers in told)
    assert not {"etag", "last-modified", "x-accel-redirect", "accept-ranges"} & set(told[0])
    assert told[0]["cache-control"] == "private, no-store"
    assert status(site[0], "/protected/served/") == 404  # reached by the site's word alone


def test_a_form_s_limit_and_an_upload_s_are_told_apart(site: tuple[int, Path], prepared: list[str]) -> None:
    port, folder = site
    study, session = prepared[:2]
    upload = f"/admin/studies/study/{study}/images/"
    multipart = {"Content-Type": "multipart/form-data; boundary=x"}
    large = b"--x\r\n" + b"a" * 600_000
    assert status(port, "/admin/login/", large, **multipart) == 413
    assert status(port, "/admin/login/", large[:300_000], **multipart) == 413
    assert status(port, "/s/test/", large, **multipart) == 413
    with ExitStack() as stack:  # by nobody: refused before the body, which nothing keeps
        for _ in range(16):
            one = stack.enter_context(
                half_sent(port, upload, 10**8, b"Content-Type: multipart/form-data; boundary=x\r\n")
            )
            assert b" 413 " in one.recv(100)
    archive = zipped({f"{number}.png": encoded(number, size=(300, 300)) for number in range(30)})
    token = "a" * 32
    part = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n'
    body = part.format("role").encode() + b"main\r\n"
    body += part.format('pictures"; filename="a.zip').encode() + archive
    body += b"\r\n--x--\r\n"
    own = {"Cookie": f"sessionid={session}; csrftoken={token}", "X-CSRFToken": token, **multipart}
    count = f"from survey_site.stimuli.models import Stimulus as S; print(S.objects.filter(study={study}).count())"
    before = int(manage(folder, "shell", "-v", "0", "-c", count, **ACCEL))
    assert status(port, upload, body, **own) == 200
    assert int(manage(folder, "shell", "-v", "0", "-c", count, **ACCEL)) == before + 30


class Echo(http.server.BaseHTTPRequestHandler):
    """Stands for the site, and says what of a request reached it."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = json.dumps({"headers": list(self.headers.items()), "body": self.rfile.read(length).decode()})
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    do_GET = do_POST  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def echo() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_what_only_a_front_server_says_cannot_be_forged(echo: int, tmp_path: Path) -> None:
    if not servers.find("nginx"):
        pytest.skip("needs nginx")
    with nginx(echo, tmp_path) as (port, _):
        forged = {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https", "X_Forwarded_For": "5.6.7.8"}
        told = json.loads(fetch(port, "/x", **forged)[1])
        given = [(name.lower(), value) for name, value in told["headers"]]
    senders = [value for name, value in given if name in ("x-forwarded-for", "x_forwarded_for")]
    assert senders == ["1.2.3.4, 127.0.0.1"]  # what was seen stands last, and that alone is believed
    assert ("x-forwarded-proto", "http") in given
    assert ("host", f"127.0.0.1:{port}") in given


def test_a_load_balancer_that_ends_tls_is_believed_where_the_operator_says_so(
    echo: int, tmp_path: Path
) -> None:
    """Else the site would send everybody to HTTPS, where they are already."""
    if not servers.find("nginx"):
        pytest.skip("needs nginx")
    with nginx(echo, tmp_path, proto="https") as (port, _):
        told = json.loads(fetch(port, "/x", **{"X-Forwarded-Proto": "http"})[1])
    assert ["X-Forwarded-Proto", "https"] in told["headers"]


def test_chunked_forms_reach_the_site_whole_with_their_length(echo: int, tmp_path: Path) -> None:
    if not servers.find("nginx"):
        pytest.skip("needs nginx")
    head = b"POST /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    with nginx(echo, tmp_path) as (port, _):
        answer = everything(port, head + b"3\r\na=1\r\n4\r\n&b=2\r\n0\r\n\r\n")
    told = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert told["body"] == "a=1&b=2"
    assert ["Content-Length", "7"] in told["headers"]


def test_tls_ends_there(echo: int, tmp_path: Path) -> None:
    if not servers.find("nginx") or not servers.find("openssl"):
        pytest.skip("needs nginx and openssl")
    names = ["-subj", "/CN=localhost", "-keyout", f"{tmp_path}/key.pem", "-out", f"{tmp_path}/cert.pem"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    subprocess.run(command, check=True, capture_output=True)
    tls = tmp_path / "tls.conf"
    tls.write_text(f"ssl_certificate {tmp_path}/cert.pem;\nssl_certificate_key {tmp_path}/key.pem;\n")
    with nginx(echo, tmp_path, tls=tls) as (port, _):
        asked = subprocess.run(
            ["openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{port}"],
            input=b"GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            capture_output=True,
            check=False,
        )
    assert b'["X-Forwarded-Proto", "https"]' in asked.stdout


def test_the_front_server_knows_every_page_that_takes_files() -> None:
    """Otherwise an upload would be refused at 512 KiB, or a form's body be passed on unread."""
    text = front_server.TEMPLATE.read_text("utf-8")
    (pattern,) = re.findall(r"location ~ (\S+) \{", text)
    found = {path for path in UPLOADS if re.match(pattern, path)}
    assert found == set(UPLOADS)
    assert len(UPLOADS) == len(bodies.upload_pages())
    for path in ("/admin/login/", "/s/test/", "/api/v1/studies/x/jobs/", "/recruitment/x/y/"):
        assert not re.match(pattern, path)


UPLOADS = (
    "/admin/studies/study/add/",
    "/admin/studies/study/from-file/",
    "/admin/studies/study/12/images/",
    "/admin/studies/study/12/upload-maps/",
    "/admin/studies/study/12/models/",
    "/api/v1/studies/a-b_c/stimuli/",
    "/api/v1/studies/a-b_c/regions/",
    "/recruitment/a-b/",
)
