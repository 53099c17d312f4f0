"""Turns tags into digests, those of docker-compose.yml and of the Dockerfile's base: `make pin` where a registry is reached.

Writes docker-compose.pinned.yml, which holds nothing but images by their digests, and what the site's own are built on:

    docker compose -f docker-compose.yml -f docker-compose.pinned.yml up -d
"""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
COMPOSE, PINNED = ROOT / "docker-compose.yml", ROOT / "docker-compose.pinned.yml"
DOCKERFILE = ROOT / "Dockerfile"


class NotFound(RuntimeError):
    """An image's digest could not be had; the message says which and why."""


def images(compose: Mapping[str, Any]) -> dict[str, str]:
    """Service → image, of those that are fetched rather than built."""
    services = compose["services"]
    return {name: given["image"] for name, given in services.items() if "build" not in given}


def base() -> str:
    """The image that the site's own are built on."""
    found = re.search(r"^ARG PYTHON=(\S+)$", DOCKERFILE.read_text("utf-8"), re.MULTILINE)
    assert found
    return found[1]


def pinned(compose: Mapping[str, Any]) -> dict[str, Any]:
    """What each service gets in the place of tags. Raises NotFound."""
    fetched = {name: {"image": f"{image}@{digest(image)}"} for name, image in images(compose).items()}
    python = f"{base()}@{digest(base())}"
    built = {
        name: {"build": {"args": {"PYTHON": python}}} for name in compose["services"] if name not in fetched
    }
    return fetched | built


def digest(image: str) -> str:
    """As the registry says now; of all machine types together where there are several. Raises NotFound."""
    command = ["docker", "buildx", "imagetools", "inspect", image, "--format", "{{json .Manifest}}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError as error:
        raise NotFound("there is no program docker here; run this where Docker is") from error
    if done.returncode:
        raise NotFound(f"{image}: {done.stderr.strip() or 'docker says nothing'}")
    return str(json.loads(done.stdout)["digest"])


def main() -> int:
    try:
        services = pinned(yaml.safe_load(COMPOSE.read_text("utf-8")))
    except NotFound as error:
        print(error, file=sys.stderr)
        return 1
    PINNED.write_text(yaml.safe_dump({"services": services}), "utf-8")
    print(f"{PINNED.name}: {', '.join(sorted(services))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
