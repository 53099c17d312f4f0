"""The browser suite through the front server: `make test-front` puts nginx, as `deploy/` sets it up, before the tests' site.

Style sheets and pictures come from nginx then, forms through its buffers, as behind `make stack`.
"""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.management import call_command
from django.test import override_settings

from tests.front_server import nginx

VARIABLE = "BROWSER_FRONT"
PREFIX = "/protected/"


def wanted() -> bool:
    return bool(os.environ.get(VARIABLE))


class Fronted:
    """A live server as the browser finds it behind nginx; whatever else it is, it stays."""

    def __init__(self, live: Any, port: int) -> None:
        self._live, self.url = live, f"http://localhost:{port}"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._live, name)

    def __str__(self) -> str:
        return self.url

    def __add__(self, path: str) -> str:
        return self.url + path


class Fronts:
    """One nginx for the whole run, started with the first test that wants it."""

    def __init__(self, ending: ExitStack) -> None:
        self._ending = ending
        self._front: tuple[Fronted, Path, int] | None = None

    def before(self, live: Any) -> tuple[Fronted, Path]:
        self._front = self._front or self._ending.enter_context(_before(live))
        return self._front[:2]

    def let_go(self) -> None:
        """Ends the connections to the site that nginx keeps for its next request: a reload, which interrupts none."""
        if self._front:
            os.kill(self._front[2], signal.SIGHUP)


@contextmanager
def _before(live: Any) -> Iterator[tuple[Fronted, Path, int]]:
    """nginx before that server, the folder in which it looks for `static` and `media`, and its process."""
    os.umask(0o022)  # nginx's workers are somebody else
    with tempfile.TemporaryDirectory(prefix="fronted-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with override_settings(STATIC_ROOT=folder / "static"):
            call_command("collectstatic", interactive=False, verbosity=0)
        with nginx(urlsplit(live.url).port or 80, folder) as (port, process):
            yield Fronted(live, port), folder, process


def show(media: Path, folder: Path) -> None:
    """Lets nginx look into the media of this test."""
    for one in (media, *media.parents):
        if one.owner() != "root" or one == Path("/tmp"):
            break
        one.chmod(one.stat().st_mode | 0o055)
    link = folder / "media"
    link.unlink(missing_ok=True)
    link.symlink_to(media)
