"""The wheel: holds what the site needs, and runs where there is no checkout."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from survey_site import __version__
from tests import servers
from tests.site.locks import LOCKS, PLACES, pinned
from tests.stack.programs import answers
from tests.stack.waiting import until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


class Installed:
    """An environment of its own with the wheel in it, used from an empty folder outside the checkout."""

    def __init__(self, wheel: Path, folder: Path, requirements: Path | None = None) -> None:
        self.bin, self.home = folder / "env" / "bin", folder / "home"
        self.home.mkdir()
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
        if requirements:
            self._install("--require-hashes", "-r", str(requirements))
        else:  # the libraries of this environment, which holds none of the project's own code
            (site,) = (folder / "env").glob("lib/python*/site-packages")
            (site / "libraries.pth").write_text(sysconfig.get_path("purelib"), "utf-8")
        self._install("--no-deps", str(wheel))
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        self.environment = {**kept, "HOME": str(self.home), "TF_CPP_MIN_LOG_LEVEL": "3"}
        self.data = self.home / ".local/share/saliency-survey"

    def _install(self, *what: str) -> None:
        command = [
            sys.executable,
            "-m",
            "uv",
            "pip",
            "install",
            "-q",
            "--python",
            str(self.bin / "python"),
            *what,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise InstallFailed(done.stderr)

    def run(self, program: str, *arguments: str) -> str:
        """What the console command prints; a failure is the test's."""
        done = subprocess.run(
            [self.bin / program, *arguments],
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


class InstallFailed(RuntimeError):
    """The package index could not be reached, or lacks something."""


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    return Installed(wheel, tmp_path_factory.mktemp("installed"))


def test_the_wheel_holds_every_file_of_both_packages_and_the_fixtures_that_a_site_needs(wheel: Path) -> None:
    listed = ["git", "ls-files", "survey_site", "saliency_worker", "fixtures/weights", "fixtures/demo"]
    tracked = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\n")
    needed = {f"saliency_worker/{name}" if name.startswith("fixtures/") else name for name in tracked if name}
    needed.add("saliency_worker/fixtures/feature_cam_table_1/study.json")
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    assert sorted(needed - held) == []
    assert {name.split("/")[0] for name in held} == {
        "survey_site",
        "saliency_worker",
        f"saliency_survey-{__version__}.dist-info",
        f"saliency_survey-{__version__}.data",
    }


def test_what_an_operator_needs_lies_in_the_environment(installed: Installed) -> None:
    """The locks too: they fit the version that they come with."""
    there = installed.bin.parent / "share" / "saliency-survey"
    for folder in ("requirements", "deploy/systemd"):
        sources = [file for file in (ROOT / folder).iterdir() if file.is_file()]
        assert {file.name for file in sources} == {
            file.name for file in (there / Path(folder).name).iterdir()
        }
    unbuilt = {"__init__.py", "pin_images.py"}  # of the checkout alone
    for source in (
        file for file in (ROOT / "deploy").iterdir() if file.is_file() and file.name not in unbuilt
    ):
        assert (there / source.name).read_bytes() == source.read_bytes()


@pytest.mark.parametrize("extra", ["", "worker", "worker-gpu", "reports", "demo"])
def test_the_locks_hold_what_the_wheel_itself_asks_for(wheel: Path, extra: str) -> None:
    """So that an installation by the wheel's own metadata, `saliency-survey[demo]`, is another way to the same libraries."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        asked = message_from_bytes(archive.read(name)).get_all("Requires-Dist") or []
    (lock,) = (lock for lock in LOCKS if lock.stem == (extra or "web"))
    place = {**PLACES[0], "extra": extra}
    wanted = [Requirement(line) for line in asked]
    versions = pinned(lock, PLACES[0])
    chosen = [one for one in wanted if not one.marker or one.marker.evaluate(place)]
    assert len(chosen) > 20
    for one in chosen:
        assert one.name == "saliency-survey" or one.specifier.contains(versions[canonicalize_name(one.name)])


def test_the_version_stands_in_one_place(wheel: Path) -> None:
    assert wheel.name.startswith(f"saliency_survey-{__version__}-")
    assert f'"{__version__}"' not in (ROOT / "pyproject.toml").read_text("utf-8").partition("[project.")[0]


def test_the_console_commands_run_outside_the_checkout(installed: Installed) -> None:
    assert "gradcampp" in installed.run("saliency-worker", "methods")
    assert "hed_compact" in installed.run(
        "python",
        "-c",
        "from saliency_worker.saliency.bundled import bundled; print(bundled('hed_compact.weights.h5'))",
    )
    installed.run("saliency-survey", "migrate", "-v", "0")
    said = installed.run("saliency-survey", "import_study", str(ROOT / "fixtures" / "feature_cam_table_1"))
    assert "feature-cam-table-1" in said
    installed.run("saliency-survey", "collectstatic", "--noinput", "-v", "0")
    assert (installed.data / "static" / "staticfiles.json").is_file()


def test_its_data_lie_where_programs_keep_data_and_not_beside_the_code(installed: Installed) -> None:
    said = installed.run(
        "python",
        "-c",
        "import survey_site; from survey_site.settings import DATA_DIR; print(survey_site.__file__, DATA_DIR)",
    )
    code, data = said.split()
    assert code.startswith(str(installed.bin.parent))
    assert data == str(installed.data)


def test_the_documentation_is_at_hand(installed: Installed) -> None:
    script = (
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'survey_site.settings'; import django; django.setup()\n"
        "from survey_site.desk import documentation; print(*documentation.files())"
    )
    assert {"operations", "desk", "security"} <= set(installed.run("python", "-c", script).split())


def test_messages_are_translated(installed: Installed) -> None:
    script = (
        "import django; django.setup(); from django.utils.translation import gettext, override\n"
        "with override('fr'): print(gettext('Continue'))"
    )
    environment = {**installed.environment, "DJANGO_SETTINGS_MODULE": "survey_site.settings"}
    done = subprocess.run(
        [installed.bin / "python", "-c", script],
        env=environment,
        cwd=installed.home,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "Continuer"


def serve_the_demo(installed: Installed) -> None:
    """Runs the demo from the empty folder until its pages answer."""
    port = servers.free_port()
    log = installed.home / "demo.log"
    with log.open("wb") as out:
        demo = subprocess.Popen(
            [installed.bin / "saliency-survey", "demo", "--port", str(port)],
            cwd=installed.home,
            env=installed.environment,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        at = f"http://127.0.0.1:{port}"

        def served() -> bool:
            assert demo.poll() is None, log.read_text("utf-8")
            return answers(f"{at}/s/demo/")

        until(served, "the demo does not answer", 500)
        assert answers(f"{at}/readyz")
    finally:
        demo.terminate()
        demo.wait(60)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_demo_runs_outside_the_checkout(installed: Installed) -> None:
    serve_the_demo(installed)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_demo_runs_in_an_environment_made_of_the_locked_packages(wheel: Path, tmp_path: Path) -> None:
    """Nothing borrowed: every library comes from the package index, or pip's cache of it."""
    try:
        own = Installed(wheel, tmp_path, ROOT / "requirements" / "demo.txt")
    except InstallFailed as error:
        pytest.skip(f"the package index is not reached: {error}")
    serve_the_demo(own)
