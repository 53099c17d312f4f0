"""requirements/, read: what each lock installs where."""

import re
from pathlib import Path

from packaging.requirements import Requirement

from tests.site.markdown import ROOT

LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PLACES = [
    {
        "python_version": f"3.{minor}",
        "python_full_version": f"3.{minor}.{patch}",
        "sys_platform": system,
        "platform_machine": machine,
    }
    for minor, patch in ((11, 2), (11, 14), (12, 3), (13, 5), (14, 0))
    for system, machine in (
        ("linux", "x86_64"),
        ("linux", "aarch64"),
        ("darwin", "arm64"),
        ("win32", "AMD64"),
    )
]


def pinned(lock: Path, place: dict[str, str]) -> dict[str, str]:
    """Package → version, of those that are installed at such a place."""
    lines = re.findall(r"^([\w.\[\],-]+==[^\\\n]+)", lock.read_text("utf-8"), re.MULTILINE)
    wanted = [Requirement(line) for line in lines]
    return {
        one.name: str(one.specifier).removeprefix("==")
        for one in wanted
        if not one.marker or one.marker.evaluate(dict(place))
    }
