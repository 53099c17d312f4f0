"""The same of what is no field of the study: roles, images, recruitment, lists, models, amendments, conditions."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from survey_site.notifications.models import Watch
from survey_site.recruitment.models import Recruitment
from survey_site.stimuli.models import OwnModel, Stimulus
from survey_site.studies.models import AuditEntry, Membership, Study, StudyText
from tests import factories
from tests.desk.editors import Sent, of, opened, refused, saved_after, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def study(admin_user: User) -> Study:
    study = factories.draft(owner=admin_user)
    StudyText.objects.create(study=study, key="debrief", language="en", markdown="Old\ntext.")
    return study


def test_a_role(admin_client: Client, study: Study) -> None:
    member = Membership.objects.create(
        study=study, user=User.objects.create_user("eve", is_staff=True), role="editor"
    )
    stale = opened(admin_client, of(study))
    Membership.objects.update(role="analyst")
    refused(
        admin_client.post(of(study), stale | {"memberships-0-role": "assistant"}), "“analyst”", "“assistant”"
    )
    member.refresh_from_db()
    assert member.role == "analyst"


def test_an_image(admin_client: Client, study: Study) -> None:
    address = reverse("admin:stimuli_stimulus_change", args=[study.stimuli.all()[0].pk])
    refused(saved_after(admin_client, address, "stimulus_class", "cat", "dog"), "“cat”", "“dog”")
    assert Stimulus.objects.filter(stimulus_class="cat").count() == 1


def test_recruitment(admin_client: Client, study: Study) -> None:
    """Also where nothing was stored when both began."""
    address = of(study, "recruitment")
    refused(saved_after(admin_client, address, "quota", 10, 20), "“10”", "“20”")
    response = saved_after(admin_client, address, "completed_code", "THEIRS", "MINE")
    refused(response, "“THEIRS”", "“MINE”")
    stored = Recruitment.objects.get()
    assert (stored.quota, stored.completed_code) == (10, "THEIRS")


def test_the_earlier_studies_whose_people_are_left_out(admin_client: Client, study: Study) -> None:
    """A choice of several, of which one only sees what one may."""
    first, second = (Study.objects.create(slug=f"s{n}", title=f"Study {n}") for n in (1, 2))
    address = of(study, "recruitment")
    before = opened(admin_client, address)
    response = saved_after(admin_client, address, "earlier_studies", [first.pk], [second.pk])
    page = refused(response, '“["Study 1"]”', '“["Study 2"]”')
    assert f'value="{second.pk}"' in page
    left_alone = admin_client.post(address, before | {"quota": 5})
    refused(left_alone, '“["Study 1"]”', "“[]”")
    again = left_alone.context["form"]
    sent = {name: again[name].value() for name in again.fields if again[name].value() is not None}
    assert admin_client.post(address, sent).status_code == 302
    stored = Recruitment.objects.get()
    assert list(stored.earlier_studies.all()) == [first] and stored.quota == 5


def test_a_list_that_somebody_has_added_to_is_not_forgotten(admin_client: Client, study: Study) -> None:
    address = reverse("admin:study_recruitment-excluded", args=[study.pk])
    admin_client.post(address, {"people": "a1\nb2"})
    assert 'name="seen" value="2"' in admin_client.get(of(study, "recruitment")).content.decode()
    admin_client.post(address, {"people": "c3"})
    told = admin_client.post(address, {"forget": "yes", "seen": "2"}, follow=True)
    assert "It held 2 and holds 3 now." in told.content.decode()
    assert study.excluded_ids.count() == 3
    admin_client.post(address, {"forget": "yes", "seen": "3"})
    assert not study.excluded_ids.exists()


@pytest.mark.parametrize("verb", ["accept", "change", "remove"])
def test_a_model_that_somebody_has_changed_since_its_preview(
    verb: str, admin_client: Client, study: Study
) -> None:
    """Who accepts has looked at the maps of one layer, and means that one."""
    found = {"layer": "conv_a", "input": [8, 8], "classes": 2, "previews": []}
    row = OwnModel.objects.create(
        study=study, name="net", source="folder", path="net", layer="conv_a", state="done", found=found
    )
    ((_model, _form, seen),) = admin_client.get(of(study, "models")).context["models"]
    OwnModel.objects.update(layer="conv_b", found=found | {"layer": "conv_b"})
    sent = {"verb": verb, "model": row.pk, "seen": seen, f"model-{row.pk}-layer": "conv_c"}
    page = text_of(admin_client.post(of(study, "models"), sent, follow=True))
    assert "Somebody else saved this meanwhile" in page and "conv_b" in page
    assert ("conv_c" if verb == "change" else f"Yours: “{verb}”") in page
    row.refresh_from_db()
    assert (row.layer, row.state, row.accepted_at) == ("conv_b", "done", None)


def test_an_amendment(admin_client: Client, admin_user: User) -> None:
    study = factories.live("sealed", owner=admin_user)
    address = of(study, "amend")
    first, second = opened(admin_client, address), opened(admin_client, address)
    theirs = first | {"verb": "amend", "reason": "Theirs.", "contact": "theirs@example.org"}
    assert admin_client.post(address, theirs).status_code == 302
    mine = second | {"verb": "amend", "reason": "Mine.", "title": "My title", "contact": "mine@example.org"}
    response = admin_client.post(address, mine)
    refused(response, "“theirs@example.org”", "“mine@example.org”")
    assert study.protocols.count() == 2
    form = response.context["form"]
    again = {
        form[name].html_name: form[name].value() for name in form.fields if form[name].value() is not None
    }
    assert (again["title"], again["contact"], again["reason"]) == ("My title", "mine@example.org", "Mine.")
    assert admin_client.post(address, again | {"verb": "amend"}).status_code == 302
    study.refresh_from_db()
    assert (study.title, study.contact, study.protocols.count()) == ("My title", "mine@example.org", 3)


def test_what_is_sealed_is_what_was_looked_at(admin_client: Client, study: Study) -> None:
    address = of(study, "live")
    seen = admin_client.get(address).context["seen"]
    Study.objects.update(target_participants=99)
    told = admin_client.post(address, {"verb": "live", "seen": seen}, follow=True)
    assert "Somebody changed the study after this page was opened" in text_of(told)
    assert not study.protocols.exists()
    admin_client.post(address, {"verb": "live", "seen": told.context["seen"]})
    assert study.protocols.get().document["design"]["target_participants"] == 99


def test_notifications_and_the_secret_of_the_webhook(admin_client: Client, study: Study) -> None:
    address = of(study, "notifications")
    first = opened(admin_client, address) | {"verb": "save", "webhook_url": "https://93.184.215.14/a"}
    second = opened(admin_client, address) | {"verb": "save", "webhook_url": "https://93.184.215.14/b"}
    assert admin_client.post(address, first).status_code == 302
    page = refused(
        admin_client.post(address, second), "“https://93.184.215.14/a”", "“https://93.184.215.14/b”"
    )
    seen = admin_client.get(address).context["secret_seen"]
    assert f'name="secret_seen" value="{seen}"' in page
    for _ in range(2):  # the second stands on a page that shows the secret before
        admin_client.post(address, {"verb": "secret", "secret_seen": seen})
        made = Watch.objects.get().webhook_secret
    assert admin_client.get(address).context["secret"] == made
    assert AuditEntry.objects.filter(verb="webhook secret renewed").count() == 1


def ticked(page: Any) -> Sent:
    """What the form of the matrix would send."""
    rows = [row for _title, group, *_open in page.context["groups"] for row in group]
    sent: Sent = {f"column:{row.key}": row.column for row in rows}
    ticks = [f"{row.key}|{name}" for row in rows for name in sorted(row.ticked)]
    return sent | {"tick": ticks, "seen": page.context["seen"]}


def test_the_matrix_of_conditions(admin_client: Client, study: Study) -> None:
    address = of(study, "conditions")
    page = admin_client.get(address)
    first, second = ticked(page), ticked(page)
    first["tick"], second["tick"] = first["tick"][:2], second["tick"][:1]
    assert admin_client.post(address, first).status_code == 302
    stored = [f"{c.column}: {c.classifier} {c.key}" for c in study.conditions.all()]
    response = admin_client.post(address, second)
    assert response.status_code == 409
    refused(response, f"“{'; '.join(stored)}”", f"“{stored[0]}”")
    assert study.conditions.count() == 2
    assert ticked(response)["tick"] == second["tick"]  # nobody has to tick again
    assert admin_client.post(address, ticked(response)).status_code == 302
    assert study.conditions.count() == 1


def test_a_preset_over_numbers_that_somebody_has_set(admin_client: Client, study: Study) -> None:
    address = of(study, "conditions")
    page = admin_client.get(address)
    seen = {"seen": page.context["seen"], "seen_design": page.context["seen_design"], "preset": "feature-cam"}
    Study.objects.update(target_participants=77)
    response = admin_client.post(address, seen)
    assert response.status_code == 409
    assert '"target_participants": 77' in text_of(response) and "Yours: “feature-cam”" in text_of(response)
    study.refresh_from_db()
    assert study.target_participants == 77 and study.conditions.count() == 3
