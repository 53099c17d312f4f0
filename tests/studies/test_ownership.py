"""A study is handed over by page and command; who owned it before stays as an editor."""

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from survey_site.studies.access import may
from survey_site.studies.models import AuditEntry, Membership, Study

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> dict[str, User]:
    return {
        name: User.objects.create_user(name, is_staff=name != "mallory") for name in ("ada", "eve", "mallory")
    }


@pytest.fixture
def study(people: dict[str, User]) -> Study:
    study = Study.objects.create(slug="mine", title="Mine", owner=people["ada"])
    Membership.objects.create(study=study, user=people["eve"], role="analyst")
    return study


@pytest.fixture
def client(people: dict[str, User]) -> Client:
    client = Client()
    client.force_login(people["ada"], backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_by_the_page(client: Client, study: Study, people: dict[str, User]) -> None:
    address = reverse("admin:study_ending", args=[study.pk])
    sent = {"verb": "hand-over", "user": "eve", "owner_seen": people["ada"].pk}
    assert "belongs to eve now" in client.post(address, sent, follow=True).content.decode()
    study.refresh_from_db()
    assert study.owner == people["eve"]
    assert list(study.memberships.values_list("user__username", "role")) == [("ada", "editor")]
    assert not may(people["ada"], "own", study.pk) and may(people["eve"], "own", study.pk)
    entry = AuditEntry.objects.get(verb="owner changed")
    assert (entry.user, entry.study, entry.detail) == (people["ada"], study, "ada → eve")
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nobody", "No researcher"),
        ("mallory", "No researcher"),
        ("", "No researcher"),
        ("ada", "belongs to ada already"),
    ],
)
def test_a_refusal_is_one_line_and_changes_nothing(
    name: str, says: str, client: Client, study: Study
) -> None:
    address = reverse("admin:study_ending", args=[study.pk])
    assert says in client.post(address, {"verb": "hand-over", "user": name}, follow=True).content.decode()
    with pytest.raises(CommandError, match=says):
        call_command("hand_over", "mine", name)
    assert Study.objects.get().owner.username == "ada"  # type: ignore[union-attr]
    assert Membership.objects.count() == 1


def test_two_who_hand_it_over_at_once(study: Study, people: dict[str, User], admin_client: Client) -> None:
    """A superuser's page shows an owner who is none any more: both names are said."""
    User.objects.create_user("xia", is_staff=True)
    call_command("hand_over", "mine", "eve")
    sent = {"verb": "hand-over", "user": "xia", "owner_seen": people["ada"].pk}
    page = admin_client.post(reverse("admin:study_ending", args=[study.pk]), sent, follow=True)
    assert "it belongs to eve now, and not to xia" in page.content.decode()
    assert Study.objects.get().owner == people["eve"]


def test_by_the_command_with_a_line_in_the_log(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("hand_over", "mine", "eve")
    assert "mine belongs to eve" in capsys.readouterr().out
    assert AuditEntry.objects.get().detail == "ada → eve"


def test_the_form_of_the_study_shows_the_owner_and_does_not_change_them(client: Client, study: Study) -> None:
    page = client.get(f"/admin/studies/study/{study.pk}/change/")
    assert "owner" not in page.context["adminform"].form.fields
