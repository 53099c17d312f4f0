"""`/metrics`: who may read it, that every process counts, and that what it says is so."""

import re
import subprocess
import sys
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from survey_site.desk import site_metrics
from survey_site.notifications.models import Delivery
from survey_site.reports import cached_report
from survey_site.stimuli import leased_rows
from survey_site.stimuli.models import PrecomputeJob
from survey_site.trials.views import health
from tests import factories
from tests.site import running_site
from tests.trials.player import begin, fill, until_trial

TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def _look_anew() -> None:
    """What another test found of its own storage is kept for five seconds."""
    health.LOOKS.forget()


def samples(text: str) -> dict[str, float]:
    """`name{label="value"}` → value."""
    found = {}
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(one.labels.items()))
            found[f"{one.name}{{{labels}}}"] = one.value
    return found


def read(client: Client, **headers: str) -> dict[str, float]:
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    return samples(answer.content.decode())


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
class TestWhoMayRead:
    def test_without_a_token_this_machine_alone_and_not_through_a_front_server(self, settings: Any) -> None:
        settings.METRICS_TOKEN = ""
        assert Client().get("/metrics").status_code == 200
        assert Client(REMOTE_ADDR="203.0.113.7").get("/metrics").status_code == 404
        assert Client().get("/metrics", headers={"X-Forwarded-For": "203.0.113.7"}).status_code == 404

    def test_with_a_token_whoever_has_it(self, settings: Any) -> None:
        settings.METRICS_TOKEN = TOKEN
        abroad = Client(REMOTE_ADDR="203.0.113.7")
        assert Client().get("/metrics").status_code == 404
        for wrong in (f"Bearer {TOKEN}x", f"Token {TOKEN}", "Bearer ü"):
            assert abroad.get("/metrics", headers={"Authorization": wrong}).status_code == 404
        assert abroad.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_waiting_rows_and_the_age_of_the_oldest_are_those_of_the_database(client: Client) -> None:
    study = factories.draft()
    one, two, three = list(study.stimuli.all())[:3]
    old = PrecomputeJob.objects.create(stimulus=one, classifier="a", methods=["gradcam"])
    PrecomputeJob.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(seconds=500))
    PrecomputeJob.objects.create(stimulus=two, classifier="a", methods=["gradcam"])
    PrecomputeJob.objects.create(
        stimulus=three, classifier="a", methods=["gradcam"], state=PrecomputeJob.State.RUNNING
    )
    found = read(client)
    assert found["survey_rows{kind=precomputejob,state=queued}"] == 2
    assert found["survey_rows{kind=precomputejob,state=running}"] == 1
    assert 500 <= found["survey_rows_oldest_seconds{kind=precomputejob}"] < 600
    assert found["survey_rows_oldest_seconds{kind=delivery}"] == 0
    assert found["survey_ready{part=database}"] == 1
    assert found["survey_queue_messages{queue=saliency}"] >= 0
    assert 0 < found["survey_disk_free_bytes{place=data}"] <= found["survey_disk_size_bytes{place=data}"]


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("media")
def test_an_answer_counts_once_however_often_it_is_sent(client: Client) -> None:
    factories.live()
    address = begin(client, "test")
    before = counted("survey_answers_total", task="matching")
    fields = fill(until_trial(client, address))
    met = counted("survey_answers_total", task="matching") - before  # practice
    for _ in range(3):
        client.post(address, fields)
    assert counted("survey_answers_total", task="matching") - before == met + 1


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_lost_leases_failures_and_sweeps_are_counted() -> None:
    study = factories.draft()
    job = PrecomputeJob.objects.create(stimulus=study.stimuli.first(), classifier="a", methods=["gradcam"])
    names = (
        ("survey_leases_lost_total", {"kind": "precomputejob"}),
        ("survey_row_failures_total", {"kind": "precomputejob", "final": "no"}),
        ("survey_sweeps_total", {}),
        ("survey_rows_rung_again_total", {"kind": "precomputejob"}),
    )
    before = [counted(name, **labels) for name, labels in names]
    (row,) = leased_rows.claim(PrecomputeJob, [job.pk], "one")
    leased_rows.sweep([PrecomputeJob], timezone.now() + timedelta(hours=1))
    (row,) = leased_rows.claim(PrecomputeJob, [job.pk], "two")
    leased_rows.fail(row, "two", "why", permanent=False)
    after = [counted(name, **labels) for name, labels in names]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 1, 1]


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_a_row_whose_workers_all_died_has_failed_for_good() -> None:
    labels = {"kind": "precomputejob", "final": "yes"}
    before = counted("survey_row_failures_total", **labels)
    study = factories.draft()
    job = PrecomputeJob.objects.create(stimulus=study.stimuli.first(), classifier="a", methods=["gradcam"])
    later = timezone.now()
    for attempt in range(PrecomputeJob.LANE.most_attempts()):
        assert leased_rows.claim(PrecomputeJob, [job.pk], f"worker {attempt}", later)
        later += timedelta(hours=1)
        leased_rows.sweep([PrecomputeJob], later)
    job.refresh_from_db()
    assert job.state == PrecomputeJob.State.FAILED
    assert counted("survey_row_failures_total", **labels) == before + 1


FROM_ZERO = """
import django; django.setup()
from celery.signals import worker_ready
from prometheus_client import REGISTRY
from survey_site.celery import app
app.loader.import_default_modules()
worker_ready.send(sender=type("Consumer", (), {"app": app}))
for name, labels in (
    [("row_failures", {"kind": kind, "final": final}) for kind in KINDS for final in ("yes", "no")]
    + [(name, {"kind": kind}) for name in ("leases_lost", "rows_rung_again") for kind in KINDS]
    + [("task_failures", {"task": task}) for task in TASKS]
):
    print(name, *labels.values(), REGISTRY.get_sample_value(f"survey_{name}_total", labels))
"""


def test_what_alarms_watch_is_counted_from_zero_in_a_new_process(tmp_path: Path) -> None:
    """A series that is born as 1 has not grown, and the first failure would alarm nobody."""
    kinds = [kind._meta.model_name for kind in site_metrics.KINDS]
    tasks = [Delivery.LANE.task, cached_report.ANALYSIS.name]
    code = f"KINDS, TASKS = {kinds!r}, {tasks!r}\n{FROM_ZERO}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=running_site.environment(tmp_path, DJANGO_SETTINGS_MODULE="survey_site.settings"),
        cwd=running_site.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    values = {line.rpartition(" ")[0]: line.rpartition(" ")[2] for line in done.stdout.splitlines()}
    assert len(values) == 4 * len(kinds) + len(tasks)
    assert {name for name, value in values.items() if value != "0.0"} == set()


def fetched(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        return samples(answer.read().decode())


def requests(found: dict[str, float], view: str) -> float:
    return found.get(f"survey_request_seconds_count{{status=2xx,view={view}}}", 0)


def test_web_processes_add_up_and_keep_the_sum_when_one_is_replaced(tmp_path: Path) -> None:
    """Two server programs with one data folder, as in a rolling upgrade; at last both are gone, and it begins anew."""
    asked = 20
    with running_site.running(tmp_path) as first:
        for _ in range(asked):
            assert running_site.status(first, "/healthz") == 200
        with running_site.running(tmp_path) as second:
            before = requests(fetched(second), "healthz")
            assert before >= asked
            for _ in range(asked):
                assert running_site.status(second, "/healthz") == 200
            assert requests(fetched(first), "healthz") == before + asked
        assert requests(fetched(first), "healthz") == before + asked
    with running_site.running(tmp_path) as third:
        assert requests(fetched(third), "healthz") < asked
        assert running_site.status(third, "/metrics", **{"X-Forwarded-For": "203.0.113.7"}) == 404


def test_no_metric_has_an_address_of_a_participant_as_a_label(tmp_path: Path) -> None:
    with running_site.running(tmp_path) as port:
        assert running_site.status(port, "/p/a-secret-token/") == 404
        assert running_site.status(port, "/nothing/of/the/kind") == 404
        names = fetched(port)
    views = {found[1] for name in names if (found := re.search(r"view=([^,}]*)", name))}
    assert {"resume", "other"} <= views
    assert not [name for name in names if "secret" in name or "nothing" in name]
