"""docker-compose.yml, for the tests that hold it to something."""

import re
from collections.abc import Sequence
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))


def plain(command: Sequence[str]) -> list[str]:
    """Without what differs by place: the path of Python, address, port, level of the log."""
    text = " ".join(command)
    for name in ("host", "port", "log-level"):
        text = re.sub(rf" --{name} \S+", "", text)
    text = re.sub(r"--workers \S+", "--workers 2", text)
    return re.sub(r"^\S*python\S* ", "python ", text).split()
