"""Sharing a study by user name: nobody reads who else has an account."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from survey_site.studies.models import Membership, Study
from tests.desk.test_audit_log import fields

pytestmark = pytest.mark.django_db


@pytest.fixture
def address(client: Client) -> str:
    owner = User.objects.create_user("ada", is_staff=True)
    for name in ("eve", "mallory", "xerxes"):
        User.objects.create_user(name, is_staff=name != "mallory")
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    study = Study.objects.create(slug="mine", title="Mine", owner=owner)
    return f"/admin/studies/study/{study.pk}/change/"


def share(client: Client, address: str, name: str) -> Any:
    sent = fields(client.get(address))
    sent |= {"memberships-TOTAL_FORMS": "1", "memberships-0-user": name, "memberships-0-role": "editor"}
    return client.post(address, sent)


def test_an_owner_shares_with_who_is_named(client: Client, address: str) -> None:
    assert share(client, address, "eve").status_code == 302
    assert Membership.objects.get().user.username == "eve"
    page = client.get(address).content.decode()
    assert 'value="eve"' in page


def test_the_page_names_nobody_else(client: Client, address: str) -> None:
    page = client.get(address).content.decode()
    assert "xerxes" not in page
    assert "mallory" not in page


@pytest.mark.parametrize("name", ["nobody", "mallory", "1"])
def test_a_name_of_no_researcher_is_refused_in_words(client: Client, address: str, name: str) -> None:
    answer = share(client, address, name)
    assert answer.status_code == 200
    assert "No researcher has this user name" in answer.content.decode()
    assert not Membership.objects.exists()


def test_a_membership_that_stays_is_no_change(client: Client, address: str) -> None:
    share(client, address, "eve")
    assert client.post(address, fields(client.get(address))).status_code == 302
    assert Membership.objects.count() == 1
