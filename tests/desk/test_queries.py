"""Every page of the desk asks the database as often for many rows as for few, and fewer than thirty times."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from survey_site.studies.models import Study
from tests.desk import crowd
from tests.desk.pages import each_page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
MOST = 30
MANY = 5  # times as many rows
# Rows that no page of the desk lists, and Django's own tables that have no rows of ours.
APART = {
    "sessions",
    "contenttypes",
    "axes.accessattemptexpiration",
    "auth.permission",
    "stimuli.stimulusfeatures",
}


def counts() -> dict[str, int]:
    """Rows of every model but those apart."""
    return {
        model._meta.label_lower: model._default_manager.count()
        for model in apps.get_models()
        if not {model._meta.app_label, model._meta.label_lower} & APART and model._meta.managed
    }


def queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


@pytest.fixture
def study(admin_user: object) -> Study:
    """One of a few studies, with more than one row of everything."""
    few = crowd.grow(2, admin_user)
    for each in few:
        crowd.more_of(each, admin_user, times=2)
    return few[0]


def test_every_page_asks_as_often_for_five_times_the_rows(
    admin_client: Client, admin_user: object, study: Study
) -> None:
    found, before = {}, {}
    for name, path in each_page(study, admin_client):  # just fetched: what outlives a request is filled
        found[name], before[name] = path, queries(admin_client, path)
    rows = counts()
    crowd.grow(2 * MANY, admin_user)
    for number in range(2 * MANY):
        crowd.add_participant(study, f"more-{number}", finished=True)
    crowd.more_of(study, admin_user, times=MANY)
    fewer = {label for label, n in counts().items() if n < MANY * (rows[label] or 1) and n < 4 * MANY}
    assert not fewer, "tests/desk/crowd.py makes no rows of these models"
    after = {name: queries(admin_client, path) for name, path in found.items()}
    for name, path in found.items():
        if after[name] > before[name]:  # what outlives a request was not filled
            after[name] = queries(admin_client, path)
    grown = {name: (before[name], n) for name, n in after.items() if n > before[name]}
    assert not grown, "queries grow with the rows"
    assert not {name: n for name, n in after.items() if n >= MOST}
    assert len(found) > 3 * len(admin.site._registry)
