"""docker-compose.yml, Dockerfile and systemd units: held to their schemas and to what `make stack` runs natively.

No engine runs here (docs/operations.md says so); where one is, `docker compose config` reads the file too.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import yaml

from deploy import pin_images
from tests import servers
from tests.site.compose import COMPOSE, ROOT
from tests.stack.stack import Stack

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def test_it_is_a_compose_file_by_its_schema() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run(
        [*command, str(ROOT / "docker-compose.yml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_docker_compose_reads_it_with_all_profiles(tmp_path: Path) -> None:
    if not (program := compose_program()):
        pytest.skip("needs docker compose")
    given = {"SECRET_KEY": "x", "POSTGRES_PASSWORD": "y", "REDIS_PASSWORD": "z"}
    command = [*program, "-f", str(ROOT / "docker-compose.yml"), "--profile", "gpu", "--profile", "objects"]
    done = subprocess.run(
        [*command, "config"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **given},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(yaml.safe_load(done.stdout)["services"]) == set(COMPOSE["services"])


def compose_program() -> list[str] | None:
    for program in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(program[0]):
            asked = subprocess.run([*program, "version"], capture_output=True, check=False)
            if asked.returncode == 0:
                return program
    return None


# What compose calls the parts of `make stack`. Beside them: `prepare`, as Stack.start does it, and the worker on a GPU.
SERVICES = {
    "PostgreSQL": "database", "Redis": "redis", "object store": "objects", "web-1": "web", "web-2": "web",
    "worker": "worker", "reports": "reports", "scheduler": "scheduler", "nginx": "front",
}  # fmt: skip


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """The one that `make stack` starts; its parts are named, none is started."""
    if missing := [name for name in ("initdb", "redis-server", "nginx") if not servers.find(name)]:
        pytest.skip(f"needs {', '.join(missing)}")
    made = Stack(tmp_path, webs=2, processes=2, front=True, objects=True)
    yield made
    made.leash.close()


def test_it_runs_the_parts_that_make_stack_runs(stack: Stack) -> None:
    parts = {SERVICES[part.name] for part in stack.parts()}
    assert parts | {"prepare", "worker-gpu"} == set(COMPOSE["services"])
    profiles = {name: given["profiles"] for name, given in COMPOSE["services"].items() if "profiles" in given}
    assert profiles == {"worker-gpu": ["gpu"], "objects": ["objects"]}


def plain(command: Sequence[str]) -> list[str]:
    """Without what differs by place: the path of Python, address, port, level of the log."""
    text = " ".join(command)
    for name in ("host", "port", "log-level"):
        text = re.sub(rf" --{name} \S+", "", text)
    text = re.sub(r"--workers \S+", "--workers 2", text)
    return re.sub(r"^\S*python\S* ", "python ", text).split()


@pytest.mark.parametrize("part", ["web-1", "web-2", "worker", "reports", "scheduler"])
def test_it_runs_them_by_the_same_commands(stack: Stack, part: str) -> None:
    (native,) = [one.command for one in stack.parts() if one.name == part]
    assert plain(shlex.split(COMPOSE["services"][SERVICES[part]]["command"])) == plain(native)
    assert COMPOSE["services"]["worker-gpu"]["command"] == COMPOSE["services"]["worker"]["command"]


UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))


def test_the_units_of_systemd_run_the_same_commands() -> None:
    for name in ("web", "worker", "reports", "scheduler"):
        unit = (ROOT / "deploy" / "systemd" / f"saliency-survey-{name}.service").read_text("utf-8")
        (command,) = re.findall(r"^ExecStart=(.+)$", unit, re.MULTILINE)
        command = command.replace("/bin/saliency-survey ", "/bin/python manage.py ")
        assert plain(command.split()) == plain(shlex.split(COMPOSE["services"][name]["command"]))
        assert (
            f"saliency-survey-{name}.service" in (ROOT / "deploy/systemd/saliency-survey.target").read_text()
        )
    assert len(UNITS) == 5  # one more for each GPU


def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    if not (program := shutil.which("systemd-analyze")):
        pytest.skip("needs systemd-analyze")
    for unit in UNITS:
        # The programs lie elsewhere here.
        there = re.sub(r"/opt/saliency-survey/bin/\S+", sys.executable, unit.read_text("utf-8"))
        (tmp_path / unit.name).write_text(there)
    shutil.copy(ROOT / "deploy/systemd/saliency-survey.target", tmp_path)
    done = subprocess.run(
        [program, "verify", "--man=no", *map(str, sorted(tmp_path.glob("saliency-survey*")))],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "saliency-survey" in line]
    assert ours == []


@pytest.mark.parametrize(
    "name", [name for name in COMPOSE["services"] if "build" in COMPOSE["services"][name]]
)
def test_every_folder_that_a_setting_names_is_there(name: str) -> None:
    """YAML merges no lists: a service with volumes of its own has those alone."""
    given = COMPOSE["services"][name]
    made = {"/dev/shm", *re.findall(r"mkdir (/\S+) (/\S+)", DOCKERFILE)[0], *given["tmpfs"]}
    mounted = {re.sub(r":r[ow]$", "", volume).rpartition(":")[2] for volume in given["volumes"]}
    folders = [
        str(value) for value in given["environment"].values() if re.match("/(?!protected)", str(value))
    ]
    missing = [
        folder
        for folder in folders
        if not {"/" + folder.split("/")[1], folder.rpartition("/")[0]} & (made | mounted)
    ]
    assert missing == []
    assert {"/weights", "/models", "/data", "/tmp"} <= mounted


def test_images_that_are_fetched_have_a_version_and_the_site_s_programs_fit_the_database() -> None:
    fetched = list(pin_images.images(COMPOSE).values())
    bases = re.findall(r"^FROM (\S+:\S+) AS", DOCKERFILE, re.MULTILINE)
    assert len(fetched) == 4
    assert [image for image in (*fetched, *bases) if not re.search(r":v?\d+\.\d+", image)] == []
    # pg_dump reads no newer server; Debian's client of each release:
    client = {"bookworm": 15, "trixie": 17}[bases[0].rpartition("-")[2]]
    assert COMPOSE["services"]["database"]["image"].startswith(f"postgres:{client}.")


def test_the_example_of_settings_names_what_the_file_reads_and_nothing_else() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    read = dict.fromkeys(re.findall(r"\$\{(\w+)", text), "")
    read |= dict(re.findall(r"\$\{(\w+):-([^}]*)\}", text))
    example = dict(re.findall(r"^(\w+)=(.*)$", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE))
    assert example == read


def test_digests_take_the_place_of_tags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "docker"
    program.write_text('#!/bin/sh\necho "{\\"digest\\": \\"sha256:$(echo $4 | cksum | cut -c1-8)\\"}"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(pin_images, "PINNED", tmp_path / "pinned.yml")
    assert pin_images.main() == 0
    pinned = yaml.safe_load((tmp_path / "pinned.yml").read_text())["services"]
    assert set(pinned) == {"front", "database", "redis", "objects"}
    for name, given in pinned.items():
        assert re.fullmatch(re.escape(COMPOSE["services"][name]["image"]) + r"@sha256:\d+", given["image"])
    program.write_text("#!/bin/sh\necho no such host >&2\nexit 1\n")
    assert pin_images.main() == 1
    assert "no such host" in capsys.readouterr().err


def test_it_sets_only_variables_that_the_settings_read() -> None:
    settings = (ROOT / "survey_site" / "settings.py").read_text("utf-8")
    elsewhere = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "KERAS_HOME"}  # read by libraries
    named = set(COMPOSE["x-app"]["environment"]) - elsewhere
    assert [name for name in sorted(named) if f'"{name}"' not in settings] == []


def test_each_built_service_has_a_target_and_the_web_image_has_no_tensorflow() -> None:
    targets = {service["build"]["target"] for service in COMPOSE["services"].values() if "build" in service}
    assert targets <= set(re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.MULTILINE))
    web = (ROOT / "requirements" / "web.txt").read_text("utf-8")
    assert not re.search(r"^(tensorflow|opencv|scipy|statsmodels|pandas|matplotlib)", web, re.MULTILINE)


def test_locks_carry_hashes_and_no_index_address() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text("utf-8")
        assert "http" not in text, lock
        pinned = re.findall(r"^[\w.\[\]-]+==", text, re.MULTILINE)
        assert len(pinned) > 20
        assert text.count("--hash=sha256:") >= len(pinned)
