"""deploy/upgrade.sh before a real nginx, with systemd's programs played: nobody is refused while versions change."""

import fcntl
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
# A unit is a process whose number lies in a file; one of the version `broken` never comes up, nor one that a file `no-PORT`
# forbids. As with systemd, nothing that is open in upgrade.sh stays open in a unit.
SYSTEMCTL = """#!/bin/sh
echo "systemctl $*" >> "$PLACE/done"
case "$2" in saliency-survey-web@*) ;; *) exit 0 ;; esac
port=${2#*@}
kill -9 "$(cat "$PLACE/$port")"
[ "$(readlink "$VERSIONS/current")" = broken ] && exit 0
[ -e "$PLACE/no-$port" ] && exit 1
"$PYTHON" "$PLACE/site.py" "$port" "$VERSIONS/current" > /dev/null 2>&1 9<&- &
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
            "http_proxy": "http://127.0.0.1:9",  # as a university's servers have one; nobody is there
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

    def pages_until(self, over: threading.Event, seen: list[str]) -> None:
        while not over.is_set():
            seen.append(self.page())

    def upgrade_while_asked(
        self, version: str
    ) -> "tuple[subprocess.CompletedProcess[str], list[str], list[str]]":
        """With what was served meanwhile, and what afterwards."""
        seen: list[str] = []
        over = threading.Event()
        somebody = threading.Thread(target=self.pages_until, args=(over, seen))
        somebody.start()
        until(lambda: len(seen) > 20, "pages are served", 30)
        said = self.upgrade(version)
        count = len(seen)
        until(lambda: len(seen) > count + 20, "pages are served", 30)
        over.set()
        somebody.join()
        return said, seen[: count + 1], seen[count + 1 :]

    def done(self) -> list[str]:
        return (self.place / "done").read_text().splitlines()

    def restarted(self) -> list[int]:
        return [int(line.partition("@")[2]) for line in self.done() if "web@" in line]

    def current(self) -> str:
        return str((self.versions / "current").readlink())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    if not servers.find("nginx"):
        pytest.skip("needs nginx")
    made = Server(tmp_path)
    yield made
    made.stop()


def test_whoever_asks_meanwhile_is_served_by_the_old_version_and_then_by_the_new(server: Server) -> None:
    said, meanwhile, afterwards = server.upgrade_while_asked("new")
    assert (said.returncode, said.stdout, server.current()) == (0, "new runs.\n", "new"), said.stderr
    assert set(meanwhile) == {"old", "new"}
    assert set(afterwards) == {"new"}
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
    assert server.current() == "old"  # whatever crashes now is started as what works
    back = server.upgrade("old")
    assert back.returncode == 0, back.stderr
    assert {server.page() for _ in range(10)} == {"old"}
    assert (server.place / "survey.conf").read_text() == server.conf


@pytest.mark.parametrize("version", ["old", "new"])
def test_after_a_stop_at_the_second_program_way_back_and_rerun_leave_nobody_without_a_page(
    server: Server, version: str
) -> None:
    first, second = server.ports
    (server.place / f"no-{second}").touch()
    said = server.upgrade("new")
    assert (said.returncode, server.current()) == (1, "old")
    assert f"saliency-survey-web@{second} does not answer and stays out of nginx" in said.stderr
    assert {server.page() for _ in range(10)} == {"new"}
    (server.place / f"no-{second}").unlink()
    again, meanwhile, afterwards = server.upgrade_while_asked(version)
    assert again.returncode == 0, again.stderr
    assert set(meanwhile) == {"new", version}
    assert set(afterwards) == {version}
    assert server.restarted() == [first, second, second, first]
    assert (server.place / "survey.conf").read_text() == server.conf


def test_a_configuration_that_is_a_link_stays_one_and_its_comments_name_no_program(server: Server) -> None:
    conf = server.place / "survey.conf"
    commented = "# server 127.0.0.1:1; server 127.0.0.1:2 down;\n" + server.conf
    conf.rename(server.place / "available").write_text(commented)
    conf.symlink_to("available")
    said = server.upgrade("new")
    assert (said.returncode, server.restarted()) == (0, server.ports), said.stderr
    assert (str(conf.readlink()), conf.read_text()) == ("available", commented)


def test_a_second_upgrade_at_the_same_time_is_refused(server: Server) -> None:
    folder = os.open(server.place, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        said = server.upgrade("new")
    finally:
        os.close(folder)
    assert (said.returncode, said.stderr) == (1, "upgrade.sh: another upgrade is at work\n")
    assert not (server.place / "done").exists()


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
    for name in ("newest", "", "current", "../versions/new", "new/"):
        assert "name a folder of a version" in server.upgrade(name).stderr, name
    assert server.current() == "old"
    one = server.conf.replace(f"; server 127.0.0.1:{server.ports[1]}", "")
    (server.place / "survey.conf").write_text(one)
    said = server.upgrade("new")
    assert (said.returncode, "fewer than two web programs" in said.stderr) == (1, True)
    assert not (server.place / "done").exists()
