"""docker-compose.yml and Dockerfile: held to their schemas and to what `make stack` runs natively.

No engine runs here (docs/operations.md says so); where one is, `docker compose config` reads the file too.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from deploy import pin_images
from tests import servers
from tests.site.compose import COMPOSE, ROOT, plain
from tests.site.markdown import rows, section, text_of
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
    services = yaml.safe_load(done.stdout)["services"]
    assert set(services) == set(COMPOSE["services"])
    assert services["web"]["environment"]["DATABASE_URL"] == "postgres://survey:y@database:5432/survey"


def compose_program() -> list[str] | None:
    """Of version 2 or later: those before know no default within a default."""
    for program in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(program[0]):
            asked = subprocess.run(
                [*program, "version", "--short"], capture_output=True, text=True, check=False
            )
            if asked.returncode == 0 and not asked.stdout.startswith("1."):
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


@pytest.mark.parametrize("part", ["web-1", "web-2", "worker", "reports", "scheduler"])
def test_it_runs_them_by_the_same_commands(stack: Stack, part: str) -> None:
    (native,) = [one.command for one in stack.parts() if one.name == part]
    assert plain(shlex.split(COMPOSE["services"][SERVICES[part]]["command"])) == plain(native)
    assert COMPOSE["services"]["worker-gpu"]["command"] == COMPOSE["services"]["worker"]["command"]


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
    assert len(fetched) == 4
    assert [image for image in (*fetched, pin_images.base()) if not re.search(r":v?\d+\.\d+", image)] == []
    # pg_dump reads no newer server; Debian's client of each release:
    client = {"bookworm": 15, "trixie": 17}[pin_images.base().rpartition("-")[2]]
    assert COMPOSE["services"]["database"]["image"].startswith(f"postgres:{client}.")


def test_the_example_of_settings_names_what_the_file_reads_and_nothing_else() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    read = dict.fromkeys(re.findall(r"\$\{(\w+)", text), "")
    read |= dict(re.findall(r"\$\{(\w+):-([^}]*)\}", text))
    read |= {name: "" for name, default in read.items() if "${" in default}  # empty: that default
    example = dict(re.findall(r"^(\w+)=(.*)$", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE))
    assert example == read


def test_the_front_server_lets_through_what_the_site_takes() -> None:
    given = dict(re.findall(r"^(\w+)=(\d+)$", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE))
    most = max(32 * int(given["MAX_UPLOAD_MB"]), int(given["MAX_MODEL_MB"]))
    assert int(given["UPLOAD_MB"]) == most + 1


def test_what_lies_beside_the_code_is_not_built_into_images() -> None:
    """Passwords of `make stack`, certificates, backups: all that git does not keep and a machine may have here."""
    left_out = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    private = {".env", ".data", ".stack", ".soak", "tls", "objects", "backups", "weights", "models"}
    assert private <= set(left_out)
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text("utf-8").splitlines()}
    assert private <= ignored


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
    assert set(pinned) == set(COMPOSE["services"])
    fetched = {name: given["image"] for name, given in pinned.items() if "image" in given}
    assert set(fetched) == {"front", "database", "redis", "objects"}
    for name, image in fetched.items():
        assert re.fullmatch(re.escape(COMPOSE["services"][name]["image"]) + r"@sha256:\d+", image)
    built = {given["build"]["args"]["PYTHON"] for given in pinned.values() if "build" in given}
    assert [bool(re.fullmatch(re.escape(pin_images.base()) + r"@sha256:\d+", one)) for one in built] == [True]
    program.write_text("#!/bin/sh\necho no such host >&2\nexit 1\n")
    assert pin_images.main() == 1
    assert "no such host" in capsys.readouterr().err


def test_it_hands_over_every_setting_that_is_documented() -> None:
    """But for what is none of a container's: Django's debug pages, the demo's port, tracebacks of the command line."""
    documented = {row[0].strip("`") for row in rows(section(text_of("docs/operations.md"), "## Environment"))}
    assert documented - set(COMPOSE["x-app"]["environment"]) == {"DEBUG", "PORT", "SALIENCY_TRACEBACK"}


def test_it_sets_only_variables_that_the_settings_read() -> None:
    settings = (ROOT / "survey_site" / "settings.py").read_text("utf-8")
    # Read by libraries, or by the worker.
    elsewhere = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "KERAS_HOME", "SALIENCY_MODEL_CODE"}
    named = set(COMPOSE["x-app"]["environment"]) - elsewhere
    assert [name for name in sorted(named) if f'"{name}"' not in settings] == []


def test_each_built_service_has_a_target_and_the_web_image_has_no_tensorflow() -> None:
    targets = {service["build"]["target"] for service in COMPOSE["services"].values() if "build" in service}
    assert targets <= set(re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.MULTILINE))
    web = (ROOT / "requirements" / "web.txt").read_text("utf-8")
    assert not re.search(r"^(tensorflow|opencv|scipy|statsmodels|pandas|matplotlib)", web, re.MULTILINE)
