"""The proof of the desk: from an empty installation to a live study by mouse, in at most thirty clicks.

Typing and choosing files are no clicks; a choice in a list is one, beside the one that opens it. The worker is played by the
test, which stores what a worker would: that real ones do is shown by tests/browser/test_demo_study.py.
"""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from survey_site.celery import app
from survey_site.reports import tasks
from survey_site.stimuli import storage
from survey_site.stimuli.models import MapPicture, PrecomputeJob, SaliencyMap
from survey_site.studies.models import Study
from tests.browser.test_every_desk_page import WCAG
from tests.stimuli.pictures import encoded, zipped

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]
MOST = 30
PATIENCE = 20_000  # ms
CLASSES = ("owl", "cat", "bridge", "cup", "tree", "boat")


class Mouse:
    """Clicks, and counts them; after each page it asks axe."""

    def __init__(self, page: Page) -> None:
        self.page, self.clicks = page, 0
        self.faults: list[str] = []

    def click(self, target: Locator) -> None:
        self.clicks += 1
        target.click()

    def look(self) -> None:
        found = Axe().run(self.page, options=WCAG).response["violations"]
        self.faults += [f"{self.page.title()}: {one['id']} {one['nodes'][0]['html'][:120]}" for one in found]

    def on(self) -> None:
        """To the next step, which the page offers."""
        self.look()
        before = self.page.url
        self.click(self.page.locator("#next-step"))
        self.page.wait_for_url(lambda url: url != before)


def work_off() -> None:
    """What a worker leaves: a map, its picture and a finished job for all that was asked for."""
    for job in PrecomputeJob.objects.select_related("stimulus"):
        for number, method in enumerate(job.methods):
            path, digest = storage.put("maps", encoded(1000 * job.pk + number, size=(48, 48)), ".png")
            row = SaliencyMap.objects.create(
                stimulus=job.stimulus,
                classifier=job.classifier,
                method=method,
                class_name="owl",
                parameters_hash=digest,
                array_sha256=digest,
                provenance={},
            )
            MapPicture.objects.create(saliency_map=row, colour_map="jet", sha256=digest, path=path)
    PrecomputeJob.objects.update(state=PrecomputeJob.State.DONE)


@pytest.mark.timeout(600)
def test_from_an_empty_installation_to_a_live_study_in_thirty_clicks(
    live_server: Any, page: Page, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server answers in threads, so the cache must be one that threads share.
    backend = "django.core.cache.backends.filebased.FileBasedCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": str(tmp_path / "cache")}}
    sent: list[Any] = []
    monkeypatch.setattr(app, "send_task", lambda name, args, **_: sent.append((name, args)))
    User.objects.create_superuser("ada", password="correct horse battery")
    archive = tmp_path / "pictures.zip"
    archive.write_bytes(
        zipped({f"{c}/{c}-{n}.png": encoded(100 * k + n) for k, c in enumerate(CLASSES) for n in range(6)})
    )
    mouse = Mouse(page)

    page.goto(f"{live_server.url}/admin/")
    page.locator("[name=username]").fill("ada")
    page.locator("[name=password]").fill("correct horse battery")
    mouse.click(page.locator("button[type=submit]"))
    page.wait_for_url(f"{live_server.url}/admin/")
    mouse.look()
    mouse.click(page.get_by_role("link", name="New study"))

    page.locator("[name=title]").fill("What did it see?")
    page.locator("[name=pictures]").set_input_files(archive)
    mouse.click(page.get_by_role("radio", name="Pilot"))
    mouse.click(page.locator("main summary").first)
    mouse.click(page.locator("[name=classifier]"))
    mouse.clicks += 1
    page.locator("[name=classifier]").select_option("demo-cnn")
    mouse.look()
    mouse.click(page.get_by_role("button", name="Create the study"))
    expect(page).to_have_title("Images · What did it see?", timeout=PATIENCE)

    mouse.click(page.get_by_role("button", name="Set 10 aside"))
    expect(page.get_by_text("10 images set aside")).to_be_visible(timeout=PATIENCE)
    mouse.on()
    expect(page).to_have_title("Conditions · What did it see?", timeout=PATIENCE)
    mouse.on()
    mouse.click(page.get_by_role("button", name="Compute what is missing"))
    expect(page.get_by_text("0 of 36 done")).to_be_visible(timeout=PATIENCE)
    work_off()
    expect(page.locator("li.here.done")).to_be_visible(timeout=PATIENCE)  # the page follows by itself
    mouse.on()
    page.locator("[name=facts-controller]").fill("Perception Lab")
    page.locator("[name=facts-contact]").fill("lab@example.org")
    page.locator("[name=facts-ethics_number]").fill("REB 1")
    page.locator("[name=facts-ids_erased_on]").fill("2999-03-01")
    page.locator("[name=welcome]").fill("Hello **there**.")
    expect(page.locator("#shown-welcome strong")).to_have_text("there", timeout=PATIENCE)
    mouse.click(page.get_by_role("button", name="Save", exact=True))
    expect(page.locator("li.here.done")).to_be_visible(timeout=PATIENCE)
    mouse.on()
    expect(page.get_by_text("The design can be carried out")).to_be_visible(timeout=PATIENCE)
    mouse.on()
    mouse.on()
    mouse.look()
    mouse.click(page.locator("summary", has_text="Seal the protocol and go live"))
    expect(page.get_by_text("26 for counted trials, 10 for practice and checks").first).to_be_visible(
        timeout=PATIENCE
    )
    mouse.look()
    mouse.click(page.get_by_role("button", name="Yes, seal it and go live"))
    expect(page.get_by_role("heading", name="Going live")).to_be_visible(timeout=PATIENCE)
    ((_name, arguments),) = [one for one in sent if one[0] == "reports.seal"]
    tasks.seal(*arguments)
    expect(page.get_by_role("heading", name="The participants' link")).to_be_visible(timeout=PATIENCE)
    mouse.look()
    study = Study.objects.get()
    assert study.state == "live"
    expect(page.locator(".survey-secret")).to_have_text(f"{live_server.url}/s/{study.slug}/")
    print(f"\nFrom an empty installation to a live study: {mouse.clicks} clicks.")
    assert mouse.clicks <= MOST
    assert not mouse.faults, "\n".join(mouse.faults)
