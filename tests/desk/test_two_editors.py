"""A save that would overwrite what somebody else saved since the form was opened is refused, with both values shown."""

import html
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse

from survey_site.desk import page_table
from survey_site.notifications.models import Watch
from survey_site.recruitment.models import Recruitment
from survey_site.stimuli.models import OwnModel, Stimulus
from survey_site.studies.models import AuditEntry, Membership, Study, StudyText
from tests import factories
from tests.desk.test_audit_log import fields

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
Sent = dict[str, Any]


@pytest.fixture
def study(admin_user: User) -> Study:
    study = factories.draft(owner=admin_user)
    StudyText.objects.create(study=study, key="debrief", language="en", markdown="Old\ntext.")
    return study


def of(study: Study, page: str = "") -> str:
    return (
        reverse(f"admin:study_{page}", args=[study.pk])
        if page
        else f"/admin/studies/study/{study.pk}/change/"
    )


def opened(client: Client, address: str) -> Sent:
    """What a browser would send of the page as it is now."""
    page = client.get(address)
    if "adminform" in page.context:
        return fields(page)
    form = page.context["form"]
    pairs = [(form[name].html_name, form[name].value()) for name in form.fields]
    return {name: value for name, value in pairs if value is not None}


def text_of(response: Any) -> str:
    return html.unescape(response.content.decode())


def refused(response: Any, theirs: str, mine: str) -> str:
    """The page that says no, and shows both values."""
    assert response.status_code != 302
    page = text_of(response)
    assert f"Now stored: {theirs}. Yours: {mine}." in page
    assert "Nothing was saved" in page
    return page


def saved_after(client: Client, address: str, name: str, theirs: Any, mine: Any) -> Any:
    """Two editors open the page; the first saves `theirs` in a field, the second sends `mine`."""
    first, second = opened(client, address), opened(client, address)
    assert client.post(address, first | {name: theirs}).status_code == 302
    return client.post(address, second | {name: mine})


@pytest.mark.parametrize(
    ("name", "theirs", "mine", "words"),
    [
        ("title", "Theirs", "Mine", ("“Theirs”", "“Mine”")),
        ("target_participants", 30, 40, ("“30”", "“40”")),
        ("rules-failed_checks", 3, 4, ("“3”", "“4”")),
        ("plan-resamples", 500, 600, ("“500”", "“600”")),
        ("colour_map", "turbo", "viridis", ("“turbo”", "“viridis”")),
        ("trial_timeout_s", 5, 9, ("“5”", "“9”")),
        ("matching-pool_size", 3, 4, ("“3”", "“4”")),
        ("conditions-1-column", "Theirs", "Mine", ("“Theirs”", "“Mine”")),
    ],
)
def test_every_field_of_a_study_and_its_rows(
    name: str, theirs: Any, mine: Any, words: tuple[str, str], admin_client: Client, study: Study
) -> None:
    refused(saved_after(admin_client, of(study), name, theirs, mine), *words)
    assert str(opened(admin_client, of(study))[name]).replace("\r", "") == str(theirs).replace("\r", "")
    assert AuditEntry.objects.filter(verb="form saved").count() == 1


def test_what_the_second_left_alone_is_not_put_back(admin_client: Client, study: Study) -> None:
    first, second = opened(admin_client, of(study)), opened(admin_client, of(study))
    admin_client.post(of(study), first | {"title": "Theirs", "require_rehearsal": "on"})
    response = admin_client.post(of(study), second | {"target_participants": 40})
    page = refused(response, "“Theirs”", f"“{study.title}”")
    assert "Now stored: yes. Yours: no." in page
    again = fields(response)
    assert (again["title"], again["target_participants"], again["require_rehearsal"]) == (
        "Theirs",
        "40",
        True,
    )
    assert admin_client.post(of(study), again).status_code == 302
    study.refresh_from_db()
    assert (study.title, study.target_participants, study.require_rehearsal) == ("Theirs", 40, True)


def test_saving_once_more_is_a_decision(admin_client: Client, study: Study) -> None:
    response = saved_after(admin_client, of(study), "conditions-0-column", "Theirs", "Mine")
    assert admin_client.post(of(study), fields(response)).status_code == 302
    assert study.conditions.filter(column="Mine").count() == 1


@pytest.mark.parametrize(
    ("form", "name", "theirs", "mine", "words"),
    [
        ("facts", "facts-ids_erased_on", "2998-01-01", "2997-01-01", ("“2998-01-01”", "“2997-01-01”")),
        ("facts", "facts-languages", ["en"], ["fr"], ('“["en"]”', '“["fr"]”')),
        ("texts", "debrief", "Theirs\r\nlong.", "Mine", ("“Theirs\nlong.”", "“Mine”")),
        ("texts", "welcome", "Theirs", "Mine", ("“Theirs”", "“Mine”")),
    ],
)
def test_the_facts_and_each_text(
    form: str, name: str, theirs: Any, mine: Any, words: tuple[str, str], admin_client: Client, study: Study
) -> None:
    """Also of a text that was at its default when both began."""
    address = of(study, "texts")

    def seen() -> Sent:
        shown = admin_client.get(address).context[f"{form}_form"]
        pairs = [(shown[field].html_name, shown[field].value()) for field in shown.fields]
        return {key: value for key, value in pairs if value is not None}

    first, second = seen(), seen()
    assert admin_client.post(address, first | {name: theirs}).status_code == 302
    response = admin_client.post(address, second | {name: mine})
    refused(response, *words)
    shown = response.context[f"{form}_form"]
    again = {shown[field].html_name: shown[field].value() for field in shown.fields}
    assert (
        admin_client.post(
            address, {key: value for key, value in again.items() if value is not None}
        ).status_code
        == 302
    )
    assert str(seen()[name]) == str(mine)


def test_the_same_value_twice_and_other_rows_are_nothing_to_refuse(
    admin_client: Client, study: Study
) -> None:
    assert saved_after(admin_client, of(study), "title", "Same", "Same").status_code == 302
    stale = opened(admin_client, of(study))
    study.conditions.create(column="Theirs", classifier="VGG16", base="gradcam")
    before = study.conditions.count()
    assert admin_client.post(of(study), stale | {"title": "New"}).status_code == 302
    assert study.conditions.count() == before


def test_a_row_that_both_add(admin_client: Client, study: Study) -> None:
    stale, n = opened(admin_client, of(study)), study.conditions.count()
    study.conditions.create(column="New", column_order=3, classifier="VGG16", base="gradcam")
    row = {"column": "New", "column_order": "4", "classifier": "VGG16", "base": "gradcam", "method": ""}
    sent = {f"conditions-{n}-{name}": value for name, value in row.items()}
    page = text_of(admin_client.post(of(study), stale | sent | {"conditions-TOTAL_FORMS": str(n + 1)}))
    assert "Now stored: “3”. Yours: “4”." in page
    assert "Somebody else added “New: VGG16 gradcam” meanwhile" in page
    assert study.conditions.get(column="New").column_order == 3


def test_a_row_that_one_deletes_and_the_other_changes(admin_client: Client, study: Study) -> None:
    stale, last = opened(admin_client, of(study)), study.conditions.count() - 1
    row = study.conditions.all()[last]
    study.conditions.filter(pk=row.pk).update(column="Theirs")
    refused(admin_client.post(of(study), stale | {f"conditions-{last}-DELETE": "on"}), "“Theirs”", "“–”")
    assert study.conditions.get(pk=row.pk).column == "Theirs"
    stale = opened(admin_client, of(study))
    study.conditions.filter(pk=row.pk).delete()
    page = text_of(admin_client.post(of(study), stale | {f"conditions-{last}-column": "Mine"}))
    assert "Somebody else deleted this row meanwhile" in page and "“Mine”" in page
    assert not study.conditions.filter(pk=row.pk).exists()


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


def test_a_program_that_looked_at_nothing_means_what_it_says(admin_client: Client, study: Study) -> None:
    assert admin_client.post(of(study, "recruitment"), {"provider": "link", "quota": 5}).status_code == 302
    assert admin_client.post(of(study, "recruitment"), {"provider": "link", "quota": 6}).status_code == 302
    assert Recruitment.objects.get().quota == 6


def test_a_damaged_hidden_field_is_none(admin_client: Client, study: Study) -> None:
    for damaged in ("[1]", "{", json.dumps({"quota": {"a": 1}})):
        sent = opened(admin_client, of(study, "recruitment")) | {"seen": damaged, "quota": 5}
        assert admin_client.post(of(study, "recruitment"), sent).status_code in (302, 422)


EDITS: dict[str, Callable[[Study], str]] = {
    "study": of,
    "image": lambda study: reverse("admin:stimuli_stimulus_change", args=[study.stimuli.all()[0].pk]),
    **{name: lambda study, name=name: of(study, name) for name in ("recruitment", "notifications", "texts")},  # type: ignore[misc]
}


@pytest.mark.parametrize("edits", EDITS)
def test_every_form_of_a_study_carries_what_it_showed(edits: str, admin_client: Client, study: Study) -> None:
    assert 'name="seen"' in admin_client.get(EDITS[edits](study)).content.decode()


# Pages whose posts add, ask or take a step: nothing that is stored is put in the place of something else.
ADDING = {"preview", "monitor", "images", "precompute", "upload-maps", "check", "live", "copy"}


def test_every_page_of_the_desk_is_known_here() -> None:
    # tests/studies/test_ownership.py, tests/protocols/test_amendments.py, tests/desk/test_pools_page.py, the models above
    tested_elsewhere = {"ending", "amend", "models", "pools"}
    assert {page.name for page in page_table.PAGES} - tested_elsewhere == ADDING | set(EDITS) - {
        "study",
        "image",
    } | {"conditions"}


@pytest.mark.django_db(transaction=True)
def test_of_two_saves_at_once_one_is_refused(admin_client: Client, admin_user: User) -> None:
    study = factories.draft(owner=admin_user)
    sent = opened(admin_client, of(study))
    barrier = Barrier(2)

    def save(title: str) -> int:
        client = Client()
        client.cookies = admin_client.cookies
        try:
            barrier.wait(30)
            return client.post(of(study), sent | {"title": title}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        statuses = list(threads.map(save, ["One", "Two"]))
    assert sorted(statuses) == [200, 302]
    assert Study.objects.get().title == ["One", "Two"][statuses.index(302)]
