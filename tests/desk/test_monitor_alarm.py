"""Too many starts show on the monitor, and one click there pauses the study."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from survey_site.notifications.models import Notification
from survey_site.notifications.outbox import look, watch_of
from survey_site.studies.models import Study
from survey_site.trials.models import Participant
from tests import factories
from tests.studies.test_access import PEOPLE, person
from tests.trials.player import begin

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def monitor(study: Study, part: str = "monitor") -> str:
    return reverse(f"admin:study_{part}", args=[study.pk])


def rush(study: Study, starts: int) -> None:
    protocol = study.protocols.get()
    Participant.objects.bulk_create(
        Participant(study=study, protocol=protocol, state="consented", consented_at=timezone.now())
        for _ in range(starts)
    )


def test_a_rush_is_an_alarm_on_the_monitor_and_a_notification(admin_client: Client) -> None:
    study = factories.live()
    watch_of(study)
    rush(study, 40)
    assert (
        "Began in the last ten minutes: 40"
        in admin_client.get(monitor(study, "monitor-live")).content.decode()
    )
    rush(study, 1)
    page = admin_client.get(monitor(study)).content.decode()
    assert "41 people began in the last ten minutes" in page and 'value="pause"' in page
    look()
    assert Notification.objects.get(kind="starts_unusual").link == monitor(study)


def test_one_click_pauses_the_study_and_one_resumes_it(admin_client: Client, client: Client) -> None:
    study = factories.live()
    admin_client.post(monitor(study), {"verb": "pause"})
    study.refresh_from_db()
    assert study.state == "paused" and client.get("/s/test/").status_code == 403
    assert study.audit.filter(verb="state: pause").exists()
    page = admin_client.get(monitor(study)).content.decode()
    assert 'value="resume"' in page and 'value="pause"' not in page
    admin_client.post(monitor(study), {"verb": "resume"})
    begin(client, "test")


@pytest.mark.parametrize("who", PEOPLE)
def test_pausing_is_for_who_edits(client: Client, who: str) -> None:
    study = factories.live()
    client.force_login(person(who, study))
    page = client.get(monitor(study))
    client.post(monitor(study), {"verb": "pause"})
    study.refresh_from_db()
    edits = who in ("owner", "editor")
    assert study.state == ("paused" if edits else "live")
    assert ('value="pause"' in page.content.decode()) is edits


def test_no_other_step_is_taken_there(admin_client: Client) -> None:
    study = factories.live()
    response = admin_client.post(monitor(study), {"verb": "close"}, follow=True)
    study.refresh_from_db()
    assert study.state == "live" and "Choose one of the buttons" in response.content.decode()
