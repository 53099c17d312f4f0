"""Second factor, tokens, notifications and recruitment on desktop and tablet, light and dark, without JavaScript too.

With SCREENSHOTS=folder each page is saved there (`make screenshots`).
"""

import os
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice
from playwright.sync_api import Page

from survey_site.notifications.models import Delivery, Notification, Subscriber, Watch
from survey_site.studies.models import Study
from tests.browser.conftest import DESKTOP, NewPage
from tests.reports.factory import survey

pytestmark = [pytest.mark.looks, pytest.mark.django_db(transaction=True)]
TABLET = (820, 1180)
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],  # of what passes, one node for each rule
}


@pytest.fixture
def study(settings: Any) -> Study:
    settings.MAIL_IS_SENT = True
    user = User.objects.create_superuser("ada", "ada@example.org", "correct horse battery")
    study = survey("mine", owner=user).study
    Watch.objects.create(study=study, webhook_url="https://hooks.example.org/survey")
    Subscriber.objects.create(study=study, user=user)
    told = [
        ("target_reached", "24 participants have finished", "sent", ""),
        (
            "dropout_unusual",
            "25 of 40 participants dropped out",
            "failed",
            "The mail server refused the recipient (code 550).",
        ),
        ("test", "a test of the notifications", "queued", "hooks.example.org answered 503."),
    ]
    for kind, subject, state, reason in told:
        row = Notification.objects.create(
            study=study, kind=kind, occasion=kind, subject=f"{study.title}: {subject}", link="/admin/"
        )
        Delivery.objects.create(
            notification=row, address="mail:1", user=user, state=state, reason=reason, attempts=2
        )
        Delivery.objects.create(notification=row, address="webhook", state="sent")
    return study


def code(confirmed: bool) -> str:
    TOTPDevice.objects.update(last_t=-1)
    return f"{totp(TOTPDevice.objects.get(confirmed=confirmed).bin_key):06d}"


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
@pytest.mark.parametrize(
    ("size", "scheme"), [(DESKTOP, "light"), (DESKTOP, "dark"), (TABLET, "light"), (TABLET, "dark")]
)
def test_the_way_of_a_researcher(
    study: Study, live_server: Any, new_page: NewPage, size: tuple[int, int], scheme: str, scripts: bool
) -> None:
    if not scripts and (size, scheme) != (DESKTOP, "light"):
        pytest.skip("one size and scheme are enough without scripts")
    page = new_page(size, color_scheme=scheme, javascript=scripts)
    page.set_default_timeout(60_000)  # shared cores
    look = Look(page, f"account-{size[0]}x{size[1]}-{scheme}", scripts)
    page.goto(live_server.url + "/admin/second-factor/")
    page.fill("[name=username]", "ada")
    page.fill("[name=password]", "correct horse battery")
    page.click("#login-form button[type=submit]")
    look("second-factor-off")
    page.click("button[value=begin]")
    look("second-factor-begun")
    page.fill("[name=code]", code(confirmed=False))
    page.click("button[value=confirm]")
    page.locator(".survey-codes").wait_for()
    look("backup-codes")
    page.context.clear_cookies()
    page.goto(f"{live_server.url}/admin/studies/study/{study.pk}/notifications/")
    page.fill("[name=username]", "ada")
    page.fill("[name=password]", "correct horse battery")
    page.click("#login-form button[type=submit]")
    page.fill("[name=code]", "000000")
    page.click("form:has([name=next]) button[type=submit]")
    look("second-step-wrong")
    TOTPDevice.objects.update(throttling_failure_count=0)
    page.fill("[name=code]", code(confirmed=True))
    page.click("form:has([name=next]) button[type=submit]")
    page.locator("button[value=test]").wait_for()
    look("notifications")
    page.goto(f"{live_server.url}/admin/second-factor/")
    look("second-factor-on")
    page.goto(f"{live_server.url}/admin/studies/study/{study.pk}/recruitment/")
    look("recruitment")
    page.goto(f"{live_server.url}/admin/accounts/apitoken/add/")
    look("token-form")
    page.fill("[name=name]", "nightly export")
    page.check("[name=scopes][value=read]")
    page.check(f"[name=studies][value='{study.pk}']")
    page.click("[name=_save]")
    page.locator(".survey-secret").wait_for()
    look("token-made")
    page.goto(f"{live_server.url}/admin/accounts/apitoken/")
    look("tokens")
    page.goto(f"{live_server.url}/admin/auth/user/")
    look("researchers")


class Look:
    """Saves the page where screenshots are asked for, and checks what this project drew on it."""

    def __init__(self, page: Page, label: str, scripts: bool) -> None:
        self.page, self.label, self.scripts, self.number = page, label, scripts, 0
        self.folder = Path(os.environ["SCREENSHOTS"]) if os.environ.get("SCREENSHOTS") else None

    def __call__(self, name: str) -> None:
        self.page.wait_for_load_state()
        if not self.scripts:
            return  # axe is a script; that the way can be gone is what is tested
        self.number += 1
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(
                path=self.folder / f"{self.label}-{self.number:02d}-{name}.png", full_page=True
            )
        if self.page.locator(".survey-desk").count():
            found = Axe().run(self.page, context=".survey-desk", options=RULES)
            assert not found.response["violations"], f"{name} {self.label}\n{found.generate_report()}"
