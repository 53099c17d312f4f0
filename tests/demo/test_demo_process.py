"""`make demo` as a process: it says where everything is, answers, and ends all its children on ^C."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.servers import free_port

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]
ROOT = Path(__file__).resolve().parents[2]


def test_the_demo_serves_a_live_study_and_ends_cleanly_on_interrupt(tmp_path: Path) -> None:
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "demo"],
        cwd=ROOT,
        env={**kept, "DATA_DIR": str(tmp_path), "PORT": str(port), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    giving_up = threading.Timer(580, process.kill)
    giving_up.start()
    said: list[str] = []
    try:
        for line in process.stdout or ():
            said.append(line)
            if "^C stops everything" in line:
                break
        text = "".join(said)
        assert f"http://localhost:{port}/s/demo/" in text, text
        assert "user: admin   password: " in text
        with urlopen(f"http://localhost:{port}/s/demo/") as page:
            assert "consent" in page.read().decode().lower()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    finally:
        giving_up.cancel()
        process.kill()
    assert children_with(str(tmp_path)) == []


def children_with(data_dir: str) -> list[str]:
    """Command lines of living processes whose environment names the data folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"DATA_DIR={data_dir}".encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found
