"""Dashboard and alarms of `deploy/` name metrics that there are, and the docs say what to do about each alarm."""

import json
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml
from django.test import Client
from prometheus_client import REGISTRY

from survey_site.trials.views import health
from tests.site.markdown import ROOT, rows, section, text_of

ALERTS = yaml.safe_load(text_of("deploy/prometheus-alerts.yml"))["groups"][0]["rules"]
DASHBOARD: dict[str, Any] = json.loads(text_of("deploy/grafana-dashboard.json"))
EXPRESSIONS = [rule["expr"] for rule in ALERTS] + [
    target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]
]


@pytest.fixture(autouse=True)
def _look_anew() -> None:
    """What another test found of its own storage is kept for five seconds."""
    health.LOOKS.forget()


def names_and_labels(client: Client) -> dict[str, set[str]]:
    """Every metric by the name that Prometheus has for it, and its labels: those counted, and those asked at each look."""
    found: dict[str, set[str]] = {}
    for family in REGISTRY._collector_to_names:
        labels = set(getattr(family, "_labelnames", ()))
        for name in REGISTRY._collector_to_names[family]:
            found[name] = labels | ({"le"} if name.endswith("_bucket") else set())
    text = client.get("/metrics").content.decode()
    for name, labels_text in re.findall(r"^(survey_\w+)(\{[^}]*\})? ", text, re.MULTILINE):
        found.setdefault(name, set()).update(re.findall(r"(\w+)=", labels_text))
    return found


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_every_metric_and_label_of_dashboard_and_alarms_is_there(client: Client) -> None:
    there = names_and_labels(client)
    named = {name for text in EXPRESSIONS for name in re.findall(r"\bsurvey_\w+", text)}
    assert len(named) > 15
    assert sorted(named - set(there)) == []
    for text in EXPRESSIONS:
        for name, chosen in re.findall(r"\b(survey_\w+)\{([^}]*)\}", text):
            assert set(re.findall(r"(\w+)\s*=", chosen)) <= there[name], text
        asked = {
            label for group in re.findall(r"\b(?:by|on) \(([^)]*)\)", text) for label in group.split(", ")
        }
        known = set().union(*(there[name] for name in re.findall(r"\bsurvey_\w+", text)))
        assert asked <= known, text


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_every_metric_of_the_site_is_on_the_dashboard(client: Client) -> None:
    shown = " ".join(EXPRESSIONS)
    stems = {
        re.sub(r"_(total|bucket|sum|count|created)$", "", name)
        for name in names_and_labels(client)
        if name.startswith("survey_")
    }
    assert [stem for stem in sorted(stems) if stem not in shown] == []


def test_the_docs_say_what_to_do_about_each_alarm() -> None:
    table = rows(section(text_of("docs/operations.md"), "## Monitoring"))
    assert [row[0].strip("`") for row in table] == [rule["alert"] for rule in ALERTS]
    assert all(all(row) for row in table)


def test_prometheus_takes_the_alarms_and_the_places_to_ask() -> None:
    if not (promtool := shutil.which("promtool")):
        pytest.skip("needs promtool, of Debian's package prometheus")
    for what, file in (("config", "prometheus.yml"), ("rules", "prometheus-alerts.yml")):
        command = [promtool, "check", what, str(ROOT / "deploy" / file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
