"""One program of a stack: started, asked whether it works, killed, and started again in the same place."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.stack.leash import Leash
from tests.stack.waiting import Late, until

ROOT = Path(__file__).resolve().parents[2]
GRACE_S = 30


@dataclass
class Part:
    """command: of the program, which stays in the foreground. ready: whether it can be used, given the log since its start.

    user: who runs it, where this process may choose. stop_signal: what asks it to end and let nobody down.
    before: called ahead of each start, also of one after a kill.
    """

    name: str
    command: Sequence[str]
    log: Path
    leash: Leash
    ready: Callable[[str], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    folder: Path = ROOT
    stop_signal: signal.Signals = signal.SIGTERM
    before: Callable[[], object] = lambda: None
    process: "subprocess.Popen[bytes] | None" = None
    _since: int = 0

    def start(self, **variables: str) -> None:
        """Starts it and waits until it works. Raises Late with the end of its log where it does not."""
        self.begin(**variables)
        self.wait()

    def begin(self, **variables: str) -> None:
        """Starts it without waiting."""
        self.before()
        with self.log.open("ab") as out:
            self._since = self.log.stat().st_size
            self.process = subprocess.Popen(
                self.command,
                env={**self.environment, **variables},
                cwd=self.folder,
                user=self.user,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.leash.began(self.process.pid)

    def wait(self, seconds: float = 120) -> None:
        """Until it works."""
        try:
            until(self._works, f"{self.name} does not work", seconds)
        except Late as error:
            raise Late(f"{error}; it said:\n{self.said()[-2000:]}") from None

    def _works(self) -> bool:
        if not self.is_running():
            raise Late(f"{self.name} ended")
        return self.ready(self.said())

    def said(self) -> str:
        """Its log since it was started."""
        with self.log.open("rb") as file:
            file.seek(self._since)
            return file.read().decode("utf-8", "replace")

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL to the program and all its children at once; returns when none is left."""
        if self.process is None:
            return
        family = _family(self.process.pid)
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._gone()
        until(lambda: not any(map(_exists, family)), f"{self.name} is killed", GRACE_S)

    def signal(self, number: signal.Signals) -> None:
        assert self.process
        self.process.send_signal(number)

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        """It answers nothing meanwhile and ends no connection, as behind a network that drops packets."""
        assert self.process
        family = _family(self.process.pid)
        for pid in family:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in family:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def children(self) -> set[int]:
        """Processes that the program started."""
        assert self.process
        return set(_family(self.process.pid)[1:])

    def kill_one_child(self) -> None:
        """SIGKILL to one of the processes that the program started."""
        assert self.process
        os.kill(_family(self.process.pid)[-1], signal.SIGKILL)

    def stop(self) -> None:
        """Asks it to end, and kills it where it does not listen."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._gone()

    def _gone(self) -> None:
        if self.process is not None:
            self.process.wait()
            self.leash.ended(self.process.pid)
            self.process = None


def _family(pid: int) -> list[int]:
    """A process, its children and theirs; where the system does not tell (no /proc), the process alone."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _exists(pid: int) -> bool:
    """Whether the process runs; one that has ended and was not yet asked for its status does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
