"""Whoever may change users makes nobody a superuser, themselves least of all."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(client: Client) -> User:
    """Staff with every right to users and groups that Django's permissions know."""
    user = User.objects.create_user("manager", password="m", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="auth"))
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return user


def fields(user: User, **changed: Any) -> dict[str, Any]:
    """What the form of an account sends."""
    joined = user.date_joined
    return {
        "username": user.username,
        "email": "",
        "is_active": "on",
        "is_staff": "on",
        "date_joined_0": f"{joined:%Y-%m-%d}",
        "date_joined_1": f"{joined:%H:%M:%S}",
        **changed,
    }


def test_nobody_gives_themselves_rights(client: Client, manager: User) -> None:
    group = Group.objects.create(name="all")
    every = [str(p.pk) for p in Permission.objects.all()]
    sent = fields(manager, is_superuser="on", groups=[group.pk], user_permissions=every, first_name="Known")
    response = client.post(f"/admin/auth/user/{manager.pk}/change/", sent)
    assert response.status_code == 302
    changed = User.objects.get(pk=manager.pk)
    assert changed.first_name == "Known"
    assert not changed.is_superuser
    assert not changed.groups.exists()
    assert changed.user_permissions.count() < len(every)


def test_nobody_sets_a_superuser_s_password_or_name(client: Client, manager: User, admin_user: User) -> None:
    before = User.objects.get(pk=admin_user.pk).password
    new = {
        "password1": "a-new-long-passphrase",
        "password2": "a-new-long-passphrase",
        "usable_password": "true",
    }
    assert client.post(f"/admin/auth/user/{admin_user.pk}/password/", new).status_code == 403
    assert client.post(f"/admin/auth/user/{admin_user.pk}/change/", fields(admin_user)).status_code == 403
    client.post(f"/admin/auth/user/{admin_user.pk}/delete/", {"post": "yes"})
    chosen = {"action": "delete_selected", "_selected_action": [admin_user.pk], "post": "yes"}
    client.post("/admin/auth/user/", chosen)
    assert User.objects.get(pk=admin_user.pk).password == before


def test_groups_are_for_superusers(client: Client, manager: User, admin_client: Client) -> None:
    group = Group.objects.create(name="all")
    for path in ("/admin/auth/group/", "/admin/auth/group/add/", f"/admin/auth/group/{group.pk}/change/"):
        assert client.get(path).status_code == 403
        assert admin_client.get(path).status_code == 200


def test_a_manager_still_sets_the_password_of_a_researcher(client: Client, manager: User) -> None:
    other = User.objects.create_user("other", is_staff=True)
    new = {
        "password1": "a-new-long-passphrase",
        "password2": "a-new-long-passphrase",
        "usable_password": "true",
    }
    assert client.post(f"/admin/auth/user/{other.pk}/password/", new).status_code == 302
    assert User.objects.get(pk=other.pk).check_password("a-new-long-passphrase")


def test_a_superuser_gives_rights(admin_client: Client, manager: User) -> None:
    admin_client.post(f"/admin/auth/user/{manager.pk}/change/", fields(manager, is_superuser="on"))
    assert User.objects.get(pk=manager.pk).is_superuser
