"""A save that would overwrite what somebody else saved since the form was opened is refused, with both values shown."""

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
from survey_site.recruitment.models import Recruitment
from survey_site.studies.models import AuditEntry, Study, StudyText
from tests import factories
from tests.desk.editors import Sent, of, opened, refused, saved_after, text_of
from tests.desk.test_audit_log import fields

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def study(admin_user: User) -> Study:
    study = factories.draft(owner=admin_user)
    StudyText.objects.create(study=study, key="debrief", language="en", markdown="Old\ntext.")
    return study


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
