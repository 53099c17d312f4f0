"""docker-compose.yml and Dockerfile: checked as text, since no engine runs here (docs/operations.md says so)."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def test_it_runs_web_workers_database_and_broker() -> None:
    assert set(COMPOSE["services"]) == {"web", "worker", "worker-gpu", "reports", "database", "redis"}
    assert COMPOSE["services"]["worker-gpu"]["profiles"] == ["gpu"]


def test_it_runs_the_commands_that_the_demo_runs() -> None:
    from survey_site.demo.management.commands.demo import server_arguments

    web = " ".join(COMPOSE["services"]["web"]["command"].split())
    demo = server_arguments(8000, "0.0.0.0")
    assert [part for part in demo if part != "-m" and part not in web and not part.isdigit()] == []
    assert COMPOSE["services"]["worker"]["command"] == "python -m saliency_worker worker"


def test_it_sets_only_variables_that_the_settings_read() -> None:
    settings = (ROOT / "survey_site" / "settings.py").read_text("utf-8")
    assert [name for name in COMPOSE["x-app"]["environment"] if f'"{name}"' not in settings] == []


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
