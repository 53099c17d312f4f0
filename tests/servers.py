"""PostgreSQL, Redis, nginx and Chromium for the tests: the environment's, or private ones from the binaries found."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

POSTGRES_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
PLAIN = ("fsync=off", "max_connections=300")
# Nothing that tests write has to survive a power cut, and none of their queries is worth a compiler or statistics.
HASTY = (*PLAIN, "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "jit=off")
DEBIAN_PACKAGES = {
    "initdb": "postgresql",
    "redis-server": "redis-server",
    "chromium": "chromium-headless-shell",
    "nginx": "nginx-light",
    "faketime": "faketime",
}
# The shell is the same engine without windows: it takes two thirds of the time of the whole browser.
BROWSERS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)


class Missing(RuntimeError):
    """A program that the tests need is not here and could not be installed; the message says what to install."""


def find(name: str) -> str | None:
    """Path of a program, PostgreSQL's own folders included."""
    if found := shutil.which(name):
        return found
    for pattern in (*POSTGRES_FOLDERS, "/usr/sbin"):  # which is not in everybody's PATH
        for folder in sorted(Path("/").glob(pattern.lstrip("/")), reverse=True):
            if (folder / name).is_file():
                return str(folder / name)
    return None


def browser() -> str | None:
    """Path of a Chromium."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def install(programs: list[str]) -> None:
    """Installs Debian's packages of missing programs where this process may; says what is missing otherwise."""
    missing = [name for name in programs if not (browser() if name == "chromium" else find(name))]
    if not missing:
        return
    packages = [DEBIAN_PACKAGES[name] for name in missing]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Missing(
            f"not found: {', '.join(missing)}; install {' '.join(packages)} (Debian's names) and try again"
        )
    print(f"Installing {' '.join(packages)} …", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], check=False, env=quiet)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    if subprocess.run(command, env=quiet, stdout=subprocess.DEVNULL, check=False).returncode:
        raise Missing(f"apt-get could not install {' '.join(packages)}; install them and try again")


def free_port() -> int:
    """A TCP port of the loopback address that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def postgres(settings: Sequence[str] = HASTY) -> Iterator[str]:
    """URL of a PostgreSQL database: `TEST_DATABASE_URL`, a postgres `DATABASE_URL`, or a private server's."""
    given = os.environ.get("TEST_DATABASE_URL") or os.environ.get("DATABASE_URL", "")
    if given.startswith("postgres"):
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        user = unprivileged(folder)
        data, port = f"{folder}/data", free_port()
        run = {"check": True, "user": user, "cwd": folder, "stdout": subprocess.DEVNULL}
        subprocess.run(
            [
                find("initdb"),
                "-D",
                data,
                "-U",
                "survey",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-sync",
                "--locale=C",
            ],
            **run,
        )
        options = " ".join(
            [f"-p {port} -k {folder} -c listen_addresses=127.0.0.1", *(f"-c {one}" for one in settings)]
        )
        pg_ctl = find("pg_ctl")
        subprocess.run([pg_ctl, "-D", data, "-w", "-l", f"{folder}/log", "-o", options, "start"], **run)
        try:
            yield f"postgres://survey@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([pg_ctl, "-D", data, "-w", "-m", "immediate", "stop"], **{**run, "check": False})


def unprivileged(folder: str) -> str | None:
    """PostgreSQL refuses to run as root: then it gets the folder and the name of an ordinary user."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    name = next(name for name in ("postgres", "nobody") if name in names)
    hand_over(folder, name)
    return name


def hand_over(path: str | Path, user: str) -> None:
    """Makes the user the owner of a file or folder."""
    shutil.chown(path, user)


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """URL of a Redis: a redis `CELERY_BROKER_URL` of the environment, or a private server's that keeps nothing."""
    given = os.environ.get("CELERY_BROKER_URL", "")
    if given.startswith("redis"):
        yield given
        return
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        command = [
            find("redis-server"),
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--databases",  # two for each process of the tests
            "64",
            "--save",
            "",
            "--dir",
            folder,
        ]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            wait_for(port, server)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()
            server.wait(10)


def wait_for(port: int, server: "subprocess.Popen[bytes]", seconds: float = 90) -> None:
    """Until the server listens; raises `Missing` where it ended or does not in time, which is long: machines are busy."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            raise Missing(f"{server.args[0]} ended with status {server.wait(0.05)}")
    raise Missing(f"{server.args[0]} does not listen on port {port}")


if __name__ == "__main__":
    sys.exit("run `make test`")
