"""deploy/upgrade.sh before a real nginx, with systemd's programs played: nobody is refused while versions change."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

import pytest

from tests import front_server, servers
from tests.site.markdown import ROOT
from tests.stack.waiting import until

# Says which version was in use when it was started, as a web program has read its templates.
SITE = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
version = Path(sys.argv[2]).resolve().name.encode()
class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(version)))
        self.end_headers()
        self.wfile.write(version)
    def log_message(self, *_): pass
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
"""
# A unit is a process whose number lies in a file; one of the version `broken` never comes up.
SYSTEMCTL = """#!/bin/sh
echo "systemctl $*" >> "$PLACE/done"
case "$2" in saliency-survey-web@*) ;; *) exit 0 ;; esac
port=${2#*@}
kill -9 "$(cat "$PLACE/$port")"
[ "$(readlink "$VERSIONS/current")" = broken ] && exit 0
"$PYTHON" "$PLACE/site.py" "$port" "$VERSIONS/current" > /dev/null 2>&1 &
echo $! > "$PLACE/$port"
"""
SYSTEMD_RUN = """#!/bin/sh
while [ "${1#--}" != "$1" ]; do shift; done
exec "$@"
"""
# How often it is tried: what never comes up need not be waited for.
SEQ = """#!/bin/sh
[ "$(readlink "$VERSIONS/current")" = broken ] && echo 1 2 || echo $(yes | head -n "$1")
"""
MANAGE = """#!/bin/sh
echo "$(basename "$(dirname "$(dirname "$0")")") $*" >> "$PLACE/done"
[ "$1" != migrate ] || [ ! -e "$PLACE/no-database" ]
"""


class Server:
    """A machine as docs/university-server.md sets it up: two web programs of the version `old` behind nginx."""

    def __init__(self, place: Path) -> None:
        self.place, self.versions = place, place / "versions"
        self.ports, self.at = [servers.free_port(), servers.free_port()], servers.free_port()
        (place / "site.py").write_text(SITE)
        (place / "bin").mkdir()
        for version in ("old", "new", "broken"):
            (self.versions / version / "bin").mkdir(parents=True)
            self._program(self.versions / version / "bin" / "saliency-survey", MANAGE)
            (self.versions / version / "bin" / "python").symlink_to(sys.executable)
        self._program(place / "bin" / "systemctl", SYSTEMCTL)
        self._program(place / "bin" / "systemd-run", SYSTEMD_RUN)
        self._program(place / "bin" / "seq", SEQ)
        (self.versions / "current").symlink_to("old")
        behind = "; server ".join(f"127.0.0.1:{port}" for port in self.ports)
        nginx = front_server.command(place, f"127.0.0.1:{self.at}", behind, place)
        self.conf = (place / "survey.conf").read_text()
        self.environment = {
            "PATH": f"{place}/bin:{os.environ['PATH']}",
            "PLACE": str(place),
            "PYTHON": sys.executable,
            "VERSIONS": str(self.versions),
            "NGINX_CONF": str(place / "survey.conf"),
            "NGINX_PID": str(place / "pid"),
            "NGINX_PROGRAM": " ".join(nginx),
        }
        for port in self.ports:
            started = subprocess.Popen([sys.executable, place / "site.py", str(port), self.versions / "old"])
            (place / str(port)).write_text(str(started.pid))
            servers.wait_for(port, started)
        self.nginx = subprocess.Popen(nginx)
        servers.wait_for(self.at, self.nginx)

    @staticmethod
    def _program(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    def stop(self) -> None:
        self.nginx.terminate()
        self.nginx.wait()
        for port in self.ports:
            with suppress(ProcessLookupError):
                os.kill(int((self.place / str(port)).read_text()), signal.SIGKILL)

    def upgrade(self, version: str) -> "subprocess.CompletedProcess[str]":
        command = ["sh", str(ROOT / "deploy" / "upgrade.sh"), version]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)

    def page(self) -> str:
        """The version that serves, or what came in place of a page."""
        try:
            with build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{self.at}/", timeout=10) as reply:
                return str(reply.read().decode())
        except HTTPError as error:
            return str(error.code)
        except (URLError, OSError) as error:
            return str(error)

    def done(self) -> list[str]:
        return (self.place / "done").read_text().splitlines()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    if not servers.find("nginx"):
        pytest.skip("needs nginx")
    made = Server(tmp_path)
    yield made
    made.stop()


def test_whoever_asks_meanwhile_is_served_by_the_old_version_and_then_by_the_new(server: Server) -> None:
    seen: list[str] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            seen.append(server.page())

    somebody = threading.Thread(target=ask)
    somebody.start()
    until(lambda: len(seen) > 20, "pages are served", 30)
    said = server.upgrade("new")
    count = len(seen)
    until(lambda: len(seen) > count + 20, "pages are served", 30)
    over.set()
    somebody.join()
    assert (said.returncode, said.stdout) == (0, "new runs.\n"), said.stderr
    assert set(seen) == {"old", "new"}
    assert set(seen[count + 1 :]) == {"new"}
    first, second = server.ports
    assert server.done() == [
        "new migrate --noinput",
        "new collectstatic --noinput",
        f"systemctl restart saliency-survey-web@{first}",
        f"systemctl restart saliency-survey-web@{second}",
        "systemctl try-restart saliency-survey-worker* saliency-survey-reports saliency-survey-scheduler",
    ]
    assert (server.place / "survey.conf").read_text() == server.conf


def test_a_version_that_does_not_answer_takes_one_program_and_the_way_back_brings_it_again(
    server: Server,
) -> None:
    said = server.upgrade("broken")
    assert said.returncode == 1
    assert f"saliency-survey-web@{server.ports[0]} does not answer and stays out of nginx" in said.stderr
    assert {server.page() for _ in range(10)} == {"old"}
    assert server.done()[-1] == f"systemctl restart saliency-survey-web@{server.ports[0]}"
    back = server.upgrade("old")
    assert back.returncode == 0, back.stderr
    assert {server.page() for _ in range(10)} == {"old"}
    assert (server.place / "survey.conf").read_text() == server.conf


def test_where_the_database_is_not_brought_up_to_date_nothing_is_replaced(server: Server) -> None:
    (server.place / "no-database").touch()
    said = server.upgrade("new")
    assert (said.returncode, said.stderr) == (
        1,
        "upgrade.sh: the database is not up to date; the version in use runs on\n",
    )
    assert server.done() == ["new migrate --noinput"]
    assert (server.versions / "current").resolve().name == "old"


def test_a_version_that_is_not_there_and_a_single_web_program_are_refused(server: Server) -> None:
    assert "name a folder of a version" in server.upgrade("newest").stderr
    assert "name a folder of a version" in server.upgrade("").stderr
    one = server.conf.replace(f"; server 127.0.0.1:{server.ports[1]}", "")
    (server.place / "survey.conf").write_text(one)
    said = server.upgrade("new")
    assert (said.returncode, "fewer than two web programs" in said.stderr) == (1, True)
    assert not (server.place / "done").exists()
