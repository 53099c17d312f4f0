"""Log-in in two steps: codes that work once, throttling, and every door that is closed before the second step."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django_otp.plugins.otp_totp.models import TOTPDevice

from survey_site.accounts.models import BackupCode
from survey_site.protocols import freeze
from survey_site.stimuli.models import MapPicture
from survey_site.studies.models import Study
from survey_site.trials.models import Participant
from tests.accounts.two_steps import ENROL, LOGIN, PASSWORD, STEP, current, enrol, password, wrong
from tests.studies.sample import ready_study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_waiting")]


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


def test_a_participants_page_asks_nothing_about_sessions(
    client: Client, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        client.get("/healthz")
