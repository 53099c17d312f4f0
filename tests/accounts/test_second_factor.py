"""A researcher's second factor: enrolled by a code, renewed, switched off, demanded, and removed when it is lost."""

import io
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django_otp.plugins.otp_totp.models import TOTPDevice

from survey_site.accounts import second_factor
from survey_site.accounts.models import BackupCode, MustUseSecondFactor
from survey_site.studies.models import AuditEntry
from tests.accounts.two_steps import ENROL, STEP, code_of, current, password, wrong

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_waiting")]


def test_a_researcher_enrols_by_a_code_and_gets_backup_codes_once(client: Client, user: User) -> None:
    client.force_login(user)
    assert "is off" in client.get(ENROL).content.decode()
    page = client.post(ENROL, {"verb": "begin"}, follow=True).content.decode()
    device = TOTPDevice.objects.get(user=user, confirmed=False)
    assert "<svg" in page
    assert "<script" not in page[page.index("<svg") : page.index("</svg>")]
    refused = client.post(ENROL, {"verb": "confirm", "code": wrong(device)})
    assert refused.status_code == 422
    assert second_factor.device_of(user) is None
    page = client.post(ENROL, {"verb": "confirm", "code": f" {code_of(device)} "}).content.decode()
    codes = re.findall(r"<li><code>([a-z2-9-]{19})</code>", page)
    assert len(set(codes)) == 10
    assert not BackupCode.objects.filter(digest__in=codes).exists()  # hashes only
    assert client.get("/admin/").status_code == 200  # this session has shown the factor
    assert codes[0] not in client.get(ENROL).content.decode()
    assert AuditEntry.objects.get(verb="second factor enrolled").user == user


def test_the_key_is_shown_until_it_is_confirmed_and_never_again(client: Client, user: User) -> None:
    client.force_login(user)
    client.post(ENROL, {"verb": "begin"})
    first = TOTPDevice.objects.get(user=user)
    client.post(ENROL, {"verb": "begin"})
    second = TOTPDevice.objects.get(user=user)
    assert first.key != second.key
    client.post(ENROL, {"verb": "confirm", "code": code_of(second)})
    page = client.get(ENROL)
    assert "<svg viewBox" not in page.content.decode().replace('width="', "")
    assert "otpauth" not in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    client.post(ENROL, {"verb": "begin"})
    assert TOTPDevice.objects.get(user=user).key == second.key  # an open session cannot replace the device


def test_backup_codes_are_renewed_with_a_code(client: Client, enrolled: User) -> None:
    password(client)
    client.post(STEP, {"code": current(enrolled)})
    old = set(BackupCode.objects.values_list("digest", flat=True))
    assert client.post(ENROL, {"verb": "codes", "code": "000"}).status_code == 422
    assert set(BackupCode.objects.values_list("digest", flat=True)) == old
    TOTPDevice.objects.update(last_t=-1)
    assert client.post(ENROL, {"verb": "codes", "code": current(enrolled)}).status_code == 200
    assert not old & set(BackupCode.objects.values_list("digest", flat=True))


def test_it_is_switched_off_with_a_code_unless_it_is_demanded(client: Client, enrolled: User) -> None:
    password(client)
    client.post(STEP, {"code": current(enrolled)})
    client.post(ENROL, {"verb": "off", "code": "no"})
    assert second_factor.device_of(enrolled)
    MustUseSecondFactor.objects.create(user=enrolled)
    TOTPDevice.objects.update(last_t=-1)
    client.post(ENROL, {"verb": "off", "code": current(enrolled)})
    assert second_factor.device_of(enrolled)
    MustUseSecondFactor.objects.all().delete()
    TOTPDevice.objects.update(last_t=-1)
    client.post(ENROL, {"verb": "off", "code": current(enrolled)})
    assert second_factor.device_of(enrolled) is None
    assert not BackupCode.objects.exists()
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize(
    ("setting", "superuser", "single", "asked"),
    [
        ("nobody", True, False, False), ("nobody", False, True, True), ("superusers", True, False, True),
        ("superusers", False, False, False), ("staff", False, False, True),
    ],
)  # fmt: skip
def test_who_is_obliged_enrols_before_anything_else(
    client: Client, user: User, settings: Any, setting: str, superuser: bool, single: bool, asked: bool
) -> None:
    settings.SECOND_FACTOR_REQUIRED = setting
    User.objects.filter(pk=user.pk).update(is_superuser=superuser)
    if single:
        MustUseSecondFactor.objects.create(user=user)
    password(client)
    assert (client.get("/admin/").status_code == 302) is asked
    if asked:
        page = client.get("/admin/", follow=True)
        assert page.redirect_chain[-1][0] == ENROL
        client.post(ENROL, {"verb": "begin"})
        client.post(ENROL, {"verb": "confirm", "code": code_of(TOTPDevice.objects.get())})
        assert client.get("/admin/").status_code == 200


def test_a_superuser_removes_a_lost_one_and_it_is_recorded(admin_client: Client, enrolled: User) -> None:
    url = reverse("admin:auth_user_changelist")
    assert "Second factor" in admin_client.get(url).content.decode()
    admin_client.post(url, {"action": "remove_second_factor", "_selected_action": [enrolled.pk]})
    assert second_factor.device_of(enrolled) is None
    entry = AuditEntry.objects.get(verb="second factor removed")
    assert (entry.study, entry.detail, entry.user.username) == (None, "ada", "admin")  # type: ignore[union-attr]
    log = admin_client.get(reverse("admin:studies_auditentry_changelist")).content.decode()
    assert "second factor removed" in log
    assert admin_client.get(reverse("admin:studies_auditentry_change", args=[entry.pk])).status_code == 200


def test_nobody_else_may_remove_it_or_read_the_sites_audit_log(client: Client, enrolled: User) -> None:
    from django.contrib.auth.models import Permission

    helper = User.objects.create_user("helper", is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    client.force_login(helper)
    url = reverse("admin:auth_user_changelist")
    client.post(url, {"action": "remove_second_factor", "_selected_action": [enrolled.pk]})
    assert second_factor.device_of(enrolled)
    entry = AuditEntry.objects.create(verb="second factor removed", detail="Grace Hopper")
    assert "Grace Hopper" not in client.get(reverse("admin:studies_auditentry_changelist")).content.decode()
    assert client.get(reverse("admin:studies_auditentry_change", args=[entry.pk])).status_code != 200


def test_the_keys_of_others_are_in_no_page_of_the_admin(admin_client: Client, enrolled: User) -> None:
    assert admin_client.get("/admin/otp_totp/totpdevice/").status_code == 404
    page = admin_client.get(reverse("admin:auth_user_change", args=[enrolled.pk])).content.decode()
    assert TOTPDevice.objects.get().key not in page


def test_the_command_removes_and_demands(enrolled: User) -> None:
    out = io.StringIO()
    call_command("second_factor", "ada", "--remove", stdout=out)
    call_command("second_factor", "ada", "--require", stdout=out)
    call_command("second_factor", "ada", "--no-require", stdout=out)
    assert out.getvalue().splitlines() == [
        "second factor of ada: off",
        "second factor of ada: off, demanded",
        "second factor of ada: off",
    ]
    assert AuditEntry.objects.filter(study=None, detail__startswith="ada (manage.py, ").count() == 3
    with pytest.raises(CommandError, match="no second factor"):
        call_command("second_factor", "ada", "--remove")
    with pytest.raises(CommandError, match="no user"):
        call_command("second_factor", "nobody")
