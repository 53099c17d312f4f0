"""The whole product on one machine, as docker-compose.yml has it: each program a part that can be killed and started.

Everything lies in one folder and listens on the loopback address alone. What was in the folder is gone on with.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests import servers
from tests.stack import programs
from tests.stack.leash import Leash
from tests.stack.part import ROOT, Part

KEPT = ("PATH", "HOME", "LANG", "PYTHONPYCACHEPREFIX", "LD_LIBRARY_PATH")


class Stack:
    """PostgreSQL, Redis, web processes, a saliency and a reports worker; front server and object store where asked for.

    webs: programs that serve pages; processes: of each. workers: whether there are any. postgres: further settings of
    the server. variables: for all programs of the site.
    """

    def __init__(
        self,
        folder: Path,
        *,
        webs: int = 1,
        processes: int = 2,
        front: bool = False,
        objects: bool = False,
        workers: bool = True,
        leash: Leash | None = None,
        postgres: dict[str, str] | None = None,
        variables: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.leash, self._workers = leash or Leash(), workers
        for name in ("postgres", "redis", "site", "nginx", "log"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)  # PostgreSQL and nginx run as others, and own what lies below
        self.database, url = programs.database(
            folder / "postgres", self._log("postgres"), self.leash, postgres or {}
        )
        self.objects: Part | None = None
        stored: dict[str, str] = {}
        if objects:
            self.objects, stored = programs.objects(self._log("objects"), self.leash)
        self.redis, self.redis_url = programs.broker(folder / "redis", self._log("redis"), self.leash)
        self.environment = {name: os.environ[name] for name in KEPT if name in os.environ} | {
            "DATA_DIR": str(folder / "site"),
            "DATABASE_URL": url,
            "CELERY_BROKER_URL": self.redis_url("broker", 0),
            "CACHE_URL": self.redis_url("cache", 1),
            "DJANGO_SETTINGS_MODULE": "survey_site.settings",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            **({"X_ACCEL_PREFIX": "/protected/"} if front else {}),
            **stored,
            **(variables or {}),
        }
        ports = [servers.free_port() for _ in range(webs)]
        self.webs = [self._web(number, port, processes) for number, port in enumerate(ports, 1)]
        self.worker = self.celery("worker", programs.WORKER)
        self.reports = self.celery("reports", programs.REPORTS)
        self.scheduler = self.celery("scheduler", programs.SCHEDULER)
        self.front: Part | None = None
        self.ports, at = ports, ports[0]
        if front:
            self.front, at, self.send_to = programs.front(
                folder / "nginx", self._log("nginx"), self.leash, folder / "site"
            )
            self.send_to(ports)
        self.url = f"http://127.0.0.1:{at}"

    def _log(self, name: str) -> Path:
        return self.folder / "log" / f"{name}.log"

    def _web(self, number: int, port: int, processes: int) -> Part:
        name = f"web-{number}"
        return programs.web(name, port, self._log(name), self.leash, self.environment, processes)

    def celery(self, name: str, arguments: tuple[str, ...]) -> Part:
        """A worker beside those that are there; not started."""
        environment = self.environment | {"METRICS_PORT": str(servers.free_port())}
        return programs.celery(name, arguments, self._log(name), self.leash, environment)

    def parts(self) -> Iterator[Part]:
        """In the order in which they start."""
        yield from (self.database, self.redis)
        if self.objects:
            yield self.objects
        yield from self.webs
        if self._workers:
            yield from (self.worker, self.reports, self.scheduler)
        if self.front:
            yield self.front

    def start(self) -> None:
        """Everything, the database brought up to date; returns when all of it works."""
        for part in (self.database, self.redis, self.objects):
            if part:
                part.start()
        self.manage("migrate", "-v", "0")
        self.manage("collectstatic", "--noinput", "-v", "0")
        begun = [part for part in self.parts() if not part.is_running()]
        for part in begun:
            part.begin()
        for part in begun:
            part.wait()

    def manage(self, *command: str) -> str:
        """What `manage.py command` prints; raises CalledProcessError where it fails."""
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            env=self.environment,
            cwd=ROOT,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout

    def replace_web(self, number: int, **variables: str) -> None:
        """One web program after another is stopped and started anew, with no request of anybody cut off or refused."""
        self.send_to([port for place, port in enumerate(self.ports) if place != number])
        self.webs[number].stop()
        self.webs[number].start(**variables)
        self.send_to(self.ports)

    def stop(self) -> None:
        """Everything, the front first."""
        for part in reversed(list(self.parts())):
            part.stop()
        self.leash.close()

    def __enter__(self) -> "Stack":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
