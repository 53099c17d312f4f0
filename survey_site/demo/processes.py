"""Child processes of the demo: started together, ended together. Knows nothing of Django."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

GRACE_SECONDS = 10


def server_arguments(port: int, host: str = "127.0.0.1", workers: int = 1) -> list[str]:
    """The production server, as docker-compose runs it too."""
    return [
        "-m",
        "granian",
        "--interface",
        "rsgi",
        "--host",
        host,
        "--port",
        str(port),
        "--workers",
        str(workers),
        "--no-ws",
        "survey_site.rsgi:application",
    ]


class Processes:
    """Starts commands in process groups of their own and ends them all, also after ^C or SIGTERM."""

    def __init__(self, log_dir: Path, environment: dict[str, str]) -> None:
        self._log_dir = log_dir
        self._environment = {**os.environ, **environment}
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        log_dir.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, arguments: Sequence[str]) -> None:
        """Starts `python ARGUMENTS`; what it prints goes to `<log_dir>/<name>.log`."""
        with self.log(name).open("wb") as log:
            self._children[name] = subprocess.Popen(  # noqa: S603
                [sys.executable, *arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=self._environment,
                start_new_session=True,  # ^C reaches this process only, which then ends the others in order
            )

    def log(self, name: str) -> Path:
        """Where the named process writes."""
        return self._log_dir / f"{name}.log"

    def dead(self) -> str | None:
        """The name of a process that ended by itself, or None."""
        return next((name for name, child in self._children.items() if child.poll() is not None), None)

    def stop(self) -> None:
        """Asks all to end, waits, and kills what does not listen."""
        for child in self._children.values():
            self._signal(child, signal.SIGTERM)
        for child in self._children.values():
            try:
                child.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self._signal(child, signal.SIGKILL)
                child.wait()

    @staticmethod
    def _signal(child: "subprocess.Popen[bytes]", number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
