"""The whole path on real input: the demo's pictures, its maps by the worker's task, a person in Chromium, Table 1."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page

from saliency_worker import tasks
from survey_site.demo import study as demo_study
from survey_site.protocols import freeze, masking
from survey_site.stimuli import jobs
from survey_site.stimuli.models import PrecomputeJob
from survey_site.studies.models import Study
from survey_site.trials.models import Response
from tests.browser import walking

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.tensorflow]
COLUMNS = ["Grad-CAMs", "Ours 1", "Ours 2", "Ours 3", "Ours 4", "Ours 5"]


@pytest.fixture
def demo(transactional_db: None, media: Path) -> Study:
    """The demo study, live, with maps computed for real by the bundled networks."""
    study = demo_study.load("demo-cnn", "hed")
    jobs.request(study, metrics=False)
    job = PrecomputeJob.objects.all()[0]  # of one classifier all have the same settings
    PrecomputeJob.objects.update(settings=job.settings | {"samples": 3})  # noisy copies; the default is 25
    tasks.explain(list(PrecomputeJob.objects.values_list("pk", flat=True)))
    assert set(PrecomputeJob.objects.values_list("state", "reason")) == {("done", "")}
    freeze.go_live(study)
    masking.open_names(study, None, "as the demo does")
    return study


def sign_in(page: Page, url: str) -> None:
    User.objects.create_superuser("ada", password="correct horse battery")
    page.goto(f"{url}/admin/login/")
    page.locator("[name=username]").fill("ada")
    page.locator("[name=password]").fill("correct horse battery")
    page.locator("button[type=submit]").click()
    page.wait_for_url(f"{url}/admin/")


def test_a_persons_answers_are_in_table_1_and_in_the_csv(demo: Study, page: Page, live_server: Any) -> None:
    walking.start(page, live_server.url, "demo")
    walking.to_end(page)
    code = walking.participant(page).code
    answers = {r.trial.position: r for r in Response.objects.select_related("trial")}

    sign_in(page, live_server.url)
    page.goto(f"{live_server.url}/reports/demo/")
    for column in COLUMNS:
        assert page.get_by_role("columnheader", name=column).first.is_visible()

    table = page.request.get(f"{live_server.url}/reports/demo/table1.json").json()
    assert [column["column"] for column in table["columns"]] == COLUMNS
    for column in table["columns"]:
        given = [
            r for r in answers.values() if r.trial.condition and r.trial.condition.column == column["column"]
        ]
        counted = [r for r in given if r.trial.block == "matching"]
        assert (column["faith"]["correct"], column["faith"]["n"]) == (
            sum(r.score == 1 for r in counted),
            1,
        )
        rated = [r.score for r in given if r.trial.block == "rating"]
        assert (column["index"]["mean"], column["index"]["n"]) == (rated[0], 1)

    text = page.request.get(f"{live_server.url}/reports/demo/responses.csv").text()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["participant"] for row in rows} == {code}
    assert sorted({row["column"] for row in rows if row["column"]}) == sorted(COLUMNS)
    ratings = [row["rating"] for row in rows if row["task"] == "rating" and row["block"] == "rating"]
    stored = [r for r in answers.values() if r.trial.block == "rating"]
    assert ratings == [str(r.answer["rating"]) for r in sorted(stored, key=lambda r: r.trial.position)]
    choices = [row["choice"] for row in rows if row["block"] == "matching"]
    picked = sorted(
        (r for r in answers.values() if r.trial.block == "matching"), key=lambda r: r.trial.position
    )
    assert choices == [r.answer["choice"] for r in picked]
