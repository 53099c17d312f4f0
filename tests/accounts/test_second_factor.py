"""Log-in in two steps: enrolling, backup codes, throttling, losing the phone, and every door that it closes."""

import io
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from survey_site.accounts import second_factor
from survey_site.accounts.models import BackupCode, MustUseSecondFactor
from survey_site.protocols import freeze
from survey_site.stimuli.models import MapPicture
from survey_site.studies.models import AuditEntry, Study
from survey_site.trials.models import Participant
from tests.studies.sample import ready_study

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
LOGIN, STEP, ENROL = "/admin/login/", "/admin/login/second-step/", "/admin/second-factor/"


@pytest.fixture(autouse=True)
def _no_waiting(settings: Any) -> None:
    settings.OTP_TOTP_THROTTLE_FACTOR = (
        0  # django-otp's own pause after a wrong code; axes counts all the same
    )


@pytest.fixture
def user() -> User:
    return User.objects.create_user("ada", password=PASSWORD, is_staff=True)


@pytest.fixture
def enrolled(user: User) -> User:
    enrol(user)
    return user


def enrol(user: User) -> list[str]:
    device = second_factor.begin(user)
    codes = second_factor.confirm(user, code_of(device))
    assert codes
    TOTPDevice.objects.update(last_t=-1)  # the test goes on within the same 30 seconds
    return codes


def code_of(device: TOTPDevice) -> str:
    return f"{totp(device.bin_key):06d}"


def wrong(device: TOTPDevice) -> str:
    near = {totp(device.bin_key, t0=30 * n) for n in (-1, 0, 1)}
    return next(f"{n:06d}" for n in range(9) if n not in near)


def current(user: User) -> str:
    return code_of(TOTPDevice.objects.get(user=user, confirmed=True))


def password(client: Client, name: str = "ada", next_page: str = "/admin/") -> Any:
    return client.post(f"{LOGIN}?next={next_page}", {"username": name, "password": PASSWORD})


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


def test_log_in_asks_for_the_code_and_then_goes_where_one_wanted(client: Client, enrolled: User) -> None:
    wanted = reverse("admin:studies_study_changelist")
    response = client.post(
        f"{LOGIN}?next={wanted}", {"username": "ada", "password": PASSWORD, "next": wanted}, follow=True
    )
    assert response.redirect_chain[-1][0].startswith(STEP)
    assert f'value="{wanted}"' in response.content.decode()
    key = client.session.session_key
    response = client.post(STEP, {"code": current(enrolled), "next": wanted})
    assert (response.status_code, response["Location"]) == (302, wanted)
    assert client.session.session_key != key
    assert client.get(wanted).status_code == 200


def test_the_way_on_stays_on_this_site(client: Client, enrolled: User) -> None:
    password(client)
    response = client.post(STEP, {"code": current(enrolled), "next": "https://elsewhere.example/"})
    assert response["Location"] == "/admin/"


def test_a_code_works_once(client: Client, enrolled: User) -> None:
    code = current(enrolled)
    for expected in (302, 422):
        password(client)
        assert client.post(STEP, {"code": code}).status_code == expected
        client.logout()


def test_a_backup_code_works_once_however_it_is_typed(client: Client, user: User) -> None:
    code = enrol(user)[3]
    for expected in (302, 422):
        password(client)
        assert client.post(STEP, {"code": f" {code.upper().replace('-', ' ')}"}).status_code == expected
        client.logout()
    assert BackupCode.objects.filter(user=user, used_at=None).count() == 9


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


def test_wrong_codes_lock_the_name_like_wrong_passwords(
    client: Client, enrolled: User, settings: Any
) -> None:
    device = TOTPDevice.objects.get()
    password(client)
    answers = [
        client.post(STEP, {"code": wrong(device)}).status_code for _ in range(settings.AXES_FAILURE_LIMIT)
    ]
    assert set(answers) <= {422, 429}
    assert client.post(STEP, {"code": current(enrolled)}).status_code == 429
    assert client.get("/admin/").status_code == 302
    assert password(Client()).status_code == 429  # nor is the password accepted elsewhere


def test_the_second_step_is_for_who_gave_the_password(client: Client, enrolled: User) -> None:
    assert client.get(STEP)["Location"].startswith(LOGIN)
    assert client.post(STEP, {"code": current(enrolled)})["Location"].startswith(LOGIN)
    assert client.get(ENROL)["Location"].startswith(LOGIN)
    other = User.objects.create_user("bob", password=PASSWORD, is_staff=True)
    enrol(other)
    password(client, "bob")
    assert client.post(STEP, {"code": current(enrolled)}).status_code == 422  # somebody else's code


def test_who_stands_at_the_second_step_can_leave(client: Client, enrolled: User) -> None:
    password(client)
    assert client.post(STEP, {"verb": "leave"})["Location"] == LOGIN
    assert "username" in client.get(LOGIN).content.decode()


def test_whoever_is_not_enrolled_logs_in_as_ever(client: Client, user: User) -> None:
    assert password(client)["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200
    assert client.get(STEP)["Location"] == "/admin/"


def doors(study: Study) -> dict[str, str]:
    """Every kind of address that admits by session."""
    stimulus = study.stimuli.all()[0]
    picture = MapPicture.objects.filter(saliency_map__stimulus=stimulus)[0]
    pages = (
        "images",
        "conditions",
        "precompute-status",
        "live",
        "monitor-live",
        "notifications",
        "recruitment",
    )
    exports = ("responses_csv", "responses_checksum", "psych_ds", "table1_json", "table1_tex")
    api = ("study", "report", "responses", "participants", "stimuli", "jobs", "recruitment")
    return {
        **{f"admin {name}": reverse(f"admin:study_{name}", args=[study.pk]) for name in pages},
        "index": reverse("admin:index"),
        "change": reverse("admin:studies_study_change", args=[study.pk]),
        "users": reverse("admin:auth_user_changelist"),
        "tokens": reverse("admin:accounts_apitoken_changelist"),
        "password": reverse("admin:password_change"),
        "stimulus picture": reverse("admin:stimulus_picture", args=[stimulus.pk]),
        "map picture": reverse("admin:map_picture", args=[picture.pk]),
        "report": reverse("report", args=[study.slug]),
        "statistics": reverse("report_statistics", args=[study.slug]),
        **{name: reverse(name, args=[study.slug]) for name in exports},
        "reconciliation": reverse("reconciliation", args=[study.slug]),
        "api root": reverse("api-root"),
        "api studies": reverse("api-studies"),
        **{f"api {name}": reverse(f"api-{name}", args=[study.slug]) for name in api},
        "schema": reverse("schema"),
        "api docs": reverse("api-docs"),
    }


@pytest.fixture
def study(media: Any) -> Study:
    found = ready_study()
    freeze.go_live(found)
    return found


def test_no_door_opens_before_the_second_step_and_all_do_after_it(client: Client, study: Study) -> None:
    user = User.objects.create_superuser("root", password=PASSWORD)
    enrol(user)
    password(client, "root")
    for name, url in doors(study).items():
        response = client.get(url)
        assert response.status_code in (302, 401, 403), name
        if response.status_code == 302:
            assert response["Location"].startswith(LOGIN), name
    assert client.post(reverse("api-jobs", args=[study.slug]), {}).status_code in (401, 403)
    assert client.post(reverse("admin:study_live", args=[study.pk]), {"verb": "close"}).status_code == 302
    study.refresh_from_db()
    assert study.state == "live"
    client.post(STEP, {"code": current(user)})
    for name, url in doors(study).items():
        response = client.get(url)
        assert response.status_code == 200, name
        b"".join(response) if response.streaming else None


def test_half_a_log_in_opens_no_preview(client: Client, study: Study, enrolled: User) -> None:
    Study.objects.update(owner=enrolled)
    password(client)
    client.post(f"/s/{study.slug}/?preview=1", {"consent": "yes", "preview": "1", "nonce": "x" * 32})
    assert not Participant.objects.filter(kind="preview").exists()


def test_a_session_from_before_the_enrolment_owes_the_second_step_too(client: Client, user: User) -> None:
    client.force_login(user)
    assert client.get("/admin/").status_code == 200
    enrol(user)
    assert client.get("/admin/").status_code == 302


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


def test_a_participants_page_asks_nothing_about_sessions(
    client: Client, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        client.get("/healthz")
