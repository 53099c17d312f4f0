"""`make lint`: asks the public index of advisories (osv.dev) about every locked package, and says so where it cannot."""

import json
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path

LOCKS = Path(__file__).resolve().parents[1] / "requirements"
INDEX = "https://api.osv.dev/v1/querybatch"
PINNED = re.compile(r"^([\w.-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)
AT_ONCE = 900  # the index takes a thousand


def locked(folder: Path = LOCKS) -> list[tuple[str, str]]:
    """Name and version of every package of every lock file."""
    return sorted(
        {found for lock in folder.glob("*.txt") for found in PINNED.findall(lock.read_text("utf-8"))}
    )


def known(packages: list[tuple[str, str]], index: str = INDEX) -> list[str]:
    """A line for each package with advisories. Raises OSError where the index cannot be reached."""
    lines = []
    for begin in range(0, len(packages), AT_ONCE):
        asked = packages[begin : begin + AT_ONCE]
        queries = [
            {"package": {"name": name, "ecosystem": "PyPI"}, "version": version} for name, version in asked
        ]
        request = urllib.request.Request(
            index, json.dumps({"queries": queries}).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            results = json.load(answer)["results"]
        for (name, version), result in zip(asked, results, strict=True):
            if ids := [one["id"] for one in result.get("vulns", [])]:
                lines.append(f"{name} {version}: {', '.join(ids)}")
    return lines


def main() -> int:
    packages = locked()
    try:
        lines = known(packages)
    except (OSError, ValueError, KeyError) as error:
        print(
            f"Advisories: NOT CHECKED, {INDEX} did not answer ({type(error).__name__}); {len(packages)} packages are locked"
        )
        return 0
    print("\n".join(lines) or f"Advisories: none for {len(packages)} locked packages")
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
