"""What opens a door or shows what is not everybody's leaves a line in the audit log; looking again and again one line."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from survey_site.recruitment.models import Recruitment
from survey_site.studies.models import AuditEntry, Study
from tests import factories
from tests.api.keys import token_of
from tests.reports.test_study_folder import erase
from tests.stimuli.pictures import encoded, zipped
from tests.stimuli.test_arrays import npy, numbers

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
BACKEND = "django.contrib.auth.backends.ModelBackend"


def lines(verb: str, study: Study | None = None) -> list[str]:
    return list(
        AuditEntry.objects.filter(verb=verb, study=study).order_by("pk").values_list("detail", flat=True)
    )


@pytest.fixture
def study() -> Study:
    study = factories.live()
    Recruitment.objects.create(study=study, provider="prolific", completed_code="C1")
    return study


def test_reading_external_ids(admin_client: Client, study: Study) -> None:
    for _ in range(3):
        admin_client.get("/recruitment/test/")
    admin_client.post("/recruitment/test/", {})
    assert lines("external ids read", study) == [""]


def test_opening_a_report(admin_client: Client, admin_user: User, client: Client, study: Study) -> None:
    for query in ("", "", "?bots=1"):
        admin_client.get(f"/reports/test/{query}")
    assert lines("report opened", study) == ["", "bots=1"]
    token = {"Authorization": f"Token {token_of(admin_user)}"}
    for _ in range(2):
        assert client.get("/api/v1/studies/test/report/", headers=token).status_code == 200
    assert len(lines("report opened", study)) == 3
    assert "API" in lines("report opened", study)[-1]


def test_exports_by_page_and_api(admin_client: Client, study: Study) -> None:
    list(admin_client.get("/reports/test/responses.csv").streaming_content)  # type: ignore[arg-type]
    admin_client.get("/api/v1/studies/test/responses/")
    assert lines("exported", study) == ["responses", "API responses"]


@pytest.mark.parametrize(
    ("command", "verb", "detail"),
    [
        (["export_data", "test", "--out", "{}"], "exported", "tables as csv"),
        (["export_data", "test", "--out", "{}", "--format", "psych-ds"], "exported", "tables as psych-ds"),
        (["export_study", "test", "--out", "{}/new"], "exported", "study folder"),
        (["report", "test", "--points-only"], "report opened", "text"),
        (["exclude", "test", "--apply"], "participants excluded", "0"),
        (["precompute", "test"], "jobs: request", "9"),
    ],
)
def test_commands_leave_their_line_too(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], verb: str, detail: str
) -> None:
    monkeypatch.setenv("LOGNAME", "operator")
    call_command(*(part.format(tmp_path) for part in command), stdout=io.StringIO(), stderr=io.StringIO())
    assert lines(verb, study) == [f"{detail} (manage.py, operator)"]


def test_so_do_commands_that_bring_something_in(tmp_path: Path, study: Study) -> None:
    factories.draft("other")
    (tmp_path / "a.png").write_bytes(encoded(99))
    call_command("add_images", "other", str(tmp_path / "a.png"), stdout=io.StringIO())
    other = Study.objects.get(slug="other")
    assert [line.partition(" (")[0] for line in lines("images added", other)] == ["1"]
    call_command("export_study", "test", "--out", str(tmp_path / "folder"), stdout=io.StringIO())
    erase(study)
    call_command("import_study", str(tmp_path / "folder"), stdout=io.StringIO())
    back = Study.objects.get(slug="test")
    assert [line.partition(" (")[0] for line in lines("imported", back)] == ["folder"]


def test_opening_the_names(admin_client: Client, study: Study) -> None:
    admin_client.post(reverse("admin:study_monitor", args=[study.pk]))
    assert lines("names opened", study) == ["monitor"]


def test_uploading_images_and_maps(admin_client: Client) -> None:
    study = factories.draft()
    picture = SimpleUploadedFile("a.png", encoded(1))
    images = admin_client.post(
        reverse("admin:study_images", args=[study.pk]), {"pictures": picture, "role": "main"}
    )
    assert images.status_code == 302
    manifest = b"file,stimulus,method\nm.npy,image-000,Extremal perturbations\n"
    archive = SimpleUploadedFile(
        "maps.zip", zipped({"m.npy": npy(numbers().astype("<f4")), "manifest.csv": manifest})
    )
    maps = admin_client.post(reverse("admin:study_upload-maps", args=[study.pk]), {"archive": archive})
    assert maps.status_code == 302
    assert (lines("images added", study), lines("maps uploaded", study)) == (["1"], ["1 from maps.zip"])


def test_signing_in_and_out_without_an_address() -> None:
    User.objects.create_user("ada", password="correct horse battery", is_staff=True)
    client = Client()
    client.post(
        "/admin/login/", {"username": "ada", "password": "correct horse battery"}, REMOTE_ADDR="198.51.100.7"
    )
    client.post("/admin/logout/")
    (told,) = lines("signed in")
    assert told.startswith("ada from fd")
    assert "198.51" not in told
    assert lines("signed out") == ["ada"]


def test_accounts_and_their_passwords(admin_client: Client, admin_user: User) -> None:
    new = {"username": "eve", "password1": "a-new-long-passphrase", "password2": "a-new-long-passphrase"}
    admin_client.post("/admin/auth/user/add/", new | {"usable_password": "true"})
    eve = User.objects.get(username="eve")
    admin_client.post(f"/admin/auth/user/{eve.pk}/password/", {**new, "usable_password": "true"})
    admin_client.post(f"/admin/auth/user/{eve.pk}/delete/", {"post": "yes"})
    assert lines("account saved") == ["eve: new"]
    assert lines("password set") == ["eve"]
    assert lines("account deleted") == ["eve"]


def test_a_saved_form_says_from_what_to_what(admin_client: Client) -> None:
    study = factories.draft()
    address = f"/admin/studies/study/{study.pk}/change/"
    sent = fields(admin_client.get(address))
    sent |= {"title": "Dogs", "closes_on": "2099-01-31", "rules-failed_checks": "3"}
    assert admin_client.post(address, sent).status_code == 302
    (told,) = lines("form saved", study)
    assert f"title: {study.title} → Dogs" in told
    assert "closes_on: – → 2099-01-31" in told
    assert "exclusion_rules.failed_checks: – → 3" in told
    admin_client.post(address, fields(admin_client.get(address)))
    assert lines("form saved", study)[1:] == ["nothing changed"]


def test_conditions_taken_away_on_the_form_are_named(admin_client: Client) -> None:
    study = factories.draft()
    address = f"/admin/studies/study/{study.pk}/change/"
    condition = study.conditions.first()
    assert condition is not None
    was = f"gone: {condition.column}: {condition.classifier} {condition.key} (0, reference)"
    admin_client.post(address, fields(admin_client.get(address)) | {"conditions-0-DELETE": "on"})
    assert lines("conditions saved", study) == [was]


def test_an_image_that_is_relabelled_is_named_with_both_classes(admin_client: Client) -> None:
    study = factories.draft()
    image = study.stimuli.get(key="image-000")
    was = image.stimulus_class
    address = reverse("admin:stimuli_stimulus_change", args=[image.pk])
    sent = fields(admin_client.get(address)) | {"stimulus_class": "borzoi"}
    admin_client.post(address, sent)
    (told,) = lines("stimulus saved", study)
    assert f"stimulus_class: {was} → borzoi" in told and "image-000" in told


def test_rights_are_told_and_an_address_is_not(admin_client: Client) -> None:
    eve = User.objects.create_user("eve", "eve@example.org", "x", is_staff=False)
    address = f"/admin/auth/user/{eve.pk}/change/"
    sent = fields(admin_client.get(address)) | {"is_staff": "on", "email": "new@example.org"}
    sent |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    assert admin_client.post(address, sent).status_code == 302
    (told,) = lines("account saved")
    assert "is_staff: false → true" in told and "email (not shown)" in told
    assert "example.org" not in told


def test_sharing_a_study(admin_client: Client, admin_user: User) -> None:
    study = Study.objects.create(slug="mine", title="Mine", owner=admin_user)
    User.objects.create_user("eve", is_staff=True)
    address = f"/admin/studies/study/{study.pk}/change/"
    sent = fields(admin_client.get(address))
    sent |= {"memberships-TOTAL_FORMS": "1", "memberships-0-user": "eve", "memberships-0-role": "editor"}
    admin_client.post(address, sent)
    assert lines("shared", study) == ["eve as editor"]


def fields(page: Any) -> dict[str, Any]:
    """What a browser would send of the page's forms."""
    forms = [page.context["adminform"].form]
    for inline in page.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    pairs = [(form[name].html_name, form[name].value()) for form in forms for name in form.fields]
    return {name: value for name, value in pairs if value is not None}
