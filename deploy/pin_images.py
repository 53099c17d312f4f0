"""Turns the tags of docker-compose.yml into digests: `make pin` on a machine with Docker whose registry is reached.

Writes docker-compose.pinned.yml beside it, which holds nothing but images by their digests:

    docker compose -f docker-compose.yml -f docker-compose.pinned.yml up -d
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
COMPOSE, PINNED = ROOT / "docker-compose.yml", ROOT / "docker-compose.pinned.yml"


class NotFound(RuntimeError):
    """An image's digest could not be had; the message says which and why."""


def images(compose: Mapping[str, Any]) -> dict[str, str]:
    """Service → image, of those that are fetched rather than built."""
    services = compose["services"]
    return {name: given["image"] for name, given in services.items() if "build" not in given}


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
    found = images(yaml.safe_load(COMPOSE.read_text("utf-8")))
    try:
        pinned = {name: {"image": f"{image}@{digest(image)}"} for name, image in found.items()}
    except NotFound as error:
        print(error, file=sys.stderr)
        return 1
    PINNED.write_text(yaml.safe_dump({"services": pinned}), "utf-8")
    print(f"{PINNED.name}: {', '.join(sorted(pinned))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
