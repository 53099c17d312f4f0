"""The systemd units: what they run is what compose runs, systemd takes them, and a wrong setting is not tried for ever."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.site.compose import COMPOSE, ROOT, plain
from tests.site.markdown import text_of

FOLDER = ROOT / "deploy" / "systemd"
UNITS = {
    file.stem.removeprefix("saliency-survey-"): file.read_text("utf-8") for file in FOLDER.glob("*.service")
}
TARGET = (FOLDER / "saliency-survey.target").read_text("utf-8")
# A program by its own name runs under the path of the version that it was installed into; `current` leads elsewhere later.
PROGRAMS = {
    "granian": "python -m granian",
    "celery": "python -m celery",
    "saliency-worker": "python -m saliency_worker",
    "saliency-survey": "python manage.py",
}


def line(unit: str, key: str) -> str:
    (found,) = re.findall(rf"^{key}=(.+)$", UNITS[unit], re.MULTILINE)
    return str(found)


def as_compose(command: str) -> list[str]:
    """With the programs as docker-compose.yml has them."""
    return plain(
        re.sub(r"^/opt/saliency-survey/current/bin/(\S+)", lambda found: PROGRAMS[found[1]], command).split()
    )


def web_condition(python: str) -> list[str]:
    """What systemd runs before the web program, with that Python; `$$` in a unit is one `$`."""
    command = line("web@", "ExecCondition").replace("$$", "$")
    return shlex.split(command.replace("/opt/saliency-survey/current/bin/python", python))


@pytest.mark.parametrize(
    ("unit", "service"),
    [
        ("web@", "web"),
        ("worker", "worker"),
        ("worker@", "worker"),
        ("reports", "reports"),
        ("scheduler", "scheduler"),
    ],
)
def test_they_run_the_commands_of_compose(unit: str, service: str) -> None:
    assert as_compose(line(unit, "ExecStart")) == plain(shlex.split(COMPOSE["services"][service]["command"]))
    assert len(UNITS) == 5


def test_the_target_starts_all_and_two_web_programs_where_nginx_and_prometheus_look() -> None:
    wanted = set(re.findall(r"saliency-survey-(\S+)\.service", TARGET))
    assert wanted == {"web@8001", "web@8002", "worker", "reports", "scheduler"}
    assert "SITE_ADDRESS='127.0.0.1:8001; server 127.0.0.1:8002'" in text_of("deploy/nginx.conf.template")
    assert '"127.0.0.1:8001"' in text_of("deploy/prometheus.yml")


def test_no_unit_has_a_setting_that_commands_by_hand_would_miss() -> None:
    """Those lie in /etc/saliency-survey.env; what is here tells processes apart."""
    own = {"DJANGO_SETTINGS_MODULE", "METRICS_DIR", "METRICS_PORT", "CUDA_VISIBLE_DEVICES"}
    for unit in UNITS:
        assert {word.partition("=")[0] for word in line(unit, "Environment").split()} <= own
        assert line(unit, "EnvironmentFile") == "/etc/saliency-survey.env"
    page = text_of("docs/university-server.md")
    assert "\nDATA_DIR=/srv/survey\n" in page
    assert "--property=EnvironmentFile=/etc/saliency-survey.env" in page


@pytest.mark.parametrize("unit", UNITS)
def test_a_wrong_setting_is_said_once_and_not_every_three_seconds(unit: str, tmp_path: Path) -> None:
    """Status 2, at which systemd starts nothing again; of granian, which ends otherwise, of the look before it."""
    key = "ExecCondition" if unit == "web@" else "ExecStart"
    if key == "ExecStart":
        assert line(unit, "RestartPreventExitStatus") == "2"
        started = [sys.executable, *as_compose(line(unit, key))[1:]]
    else:
        started = web_condition(sys.executable)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPYCACHEPREFIX") if name in os.environ}
    done = subprocess.run(
        started,
        cwd=ROOT,
        env={**kept, "DJANGO_SETTINGS_MODULE": "survey_site.settings", "DATA_DIR": str(tmp_path), "LOG_FORMAT": "xml"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )  # fmt: skip
    # systemd skips a unit, and says so once, at a condition that ends with 1 to 254.
    assert done.returncode == (1 if unit == "web@" else 2), done.stderr
    assert done.stderr.startswith("saliency-survey: LOG_FORMAT='xml'")


@pytest.mark.parametrize(("status", "skipped"), [(0, False), (1, False), (2, True), (137, False)])
def test_a_web_program_that_fails_for_another_reason_than_a_setting_is_tried_again(
    tmp_path: Path, status: int, skipped: bool
) -> None:
    """A disk that is not there yet, too little memory: what a condition refuses, systemd would never start again."""
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nexit {status}\n")
    python.chmod(0o755)
    assert subprocess.run(web_condition(str(python)), check=False).returncode == (1 if skipped else 0)
    assert line("web@", "Restart") == "always"


def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    if not (program := shutil.which("systemd-analyze")):
        pytest.skip("needs systemd-analyze")
    for unit, text in UNITS.items():
        # The programs lie elsewhere here.
        there = re.sub(r"/opt/saliency-survey/current/bin/\S+", sys.executable, text)
        (tmp_path / f"saliency-survey-{unit}.service").write_text(there)
    (tmp_path / "saliency-survey.target").write_text(TARGET)
    done = subprocess.run(
        [program, "verify", "--man=no", *map(str, sorted(tmp_path.glob("saliency-survey*")))],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "saliency-survey" in line]
    assert ours == []
