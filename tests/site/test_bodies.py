"""How much may be sent where: a form from anybody, files from researchers to the pages that take them, and no more."""

import io
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from survey_site import bodies
from tests import factories
from tests.api.keys import token_of
from tests.site.wsgi_call import Unread, call, signed_in

TEMPLATES = Path(bodies.__file__).parent
LARGE = 300_000
MULTIPART = "multipart/form-data; boundary=x"
PARTS = (
    b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.zip"\r\n\r\n'
    + b"x" * LARGE
    + b"\r\n--x--\r\n"
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.mark.parametrize(
    "path", ["/admin/login/", "/admin/", "/recruitment/test/", "/reports/test/", "/s/test/"]
)
def test_whoever_is_not_signed_in_sends_forms_and_no_files(path: str) -> None:
    factories.live()
    body = Unread(PARTS)
    assert call("POST", path, body, content_type=MULTIPART).status == 413
    assert body.taken == 0


def test_the_page_for_an_address_that_is_none_reads_nothing(admin_client: Client) -> None:
    body = Unread(PARTS)
    answer = call("POST", "/no/such/page", body, content_type=MULTIPART, **signed_in(admin_client))
    assert (answer.status, body.taken) == (404, 0)


def test_the_api_refuses_in_its_own_shape(client: Client) -> None:
    factories.live()
    body = Unread(PARTS)
    answer = call("POST", "/api/v1/studies/test/stimuli/", body, content_type=MULTIPART)
    assert (answer.status, body.taken) == (413, 0)
    assert b'"too_large"' in answer.body
    wrong = Unread(PARTS)
    token = {"HTTP_AUTHORIZATION": "Token sv_wrong"}
    assert call("POST", "/api/v1/studies/test/stimuli/", wrong, content_type=MULTIPART, **token).status == 401
    assert wrong.taken == 0


class Leaving(io.BytesIO):
    """A sender that leaves in the middle, as rsgi.py tells of it."""

    def read(self, size: int | None = -1, /) -> bytes:
        if data := super().read(size):
            return data
        raise ConnectionResetError("The sender left in the middle of an upload.")


@pytest.mark.parametrize("api", [False, True])
def test_of_an_upload_that_breaks_off_nothing_is_stored(
    admin_client: Client, admin_user: User, api: bool
) -> None:
    study = factories.draft()
    key = study.stimuli.order_by("key").values_list("key", flat=True)[0]
    path = (
        reverse("api-regions", args=[study.slug]) if api else reverse("admin:study_images", args=[study.pk])
    )
    name = "files" if api else "regions"
    head = f'--x\r\nContent-Disposition: form-data; name="{name}"; filename="boxes.csv"\r\n\r\n'
    half = Leaving(f"{head}{key},0,0,1,12".encode())
    given = {"HTTP_AUTHORIZATION": f"Token {token_of(admin_user)}"} if api else signed_in(admin_client)
    answer = call("POST", path, half, content_type=MULTIPART, CONTENT_LENGTH=str(LARGE), **given)
    assert answer.status == 400
    assert not api or b"send it again" in answer.body
    assert not study.stimuli.exclude(region_path="").exists()


def test_researchers_send_files_where_a_form_asks_for_them(admin_client: Client) -> None:
    study = factories.draft()
    session = signed_in(admin_client)
    for path in (
        reverse("admin:studies_study_add"),
        reverse("admin:study_images", args=[study.pk]),
        reverse("admin:study_upload-maps", args=[study.pk]),
        reverse("admin:study_models", args=[study.pk]),
        reverse("reconciliation", args=["test"]),
        reverse("api-stimuli", args=["test"]),
    ):
        answer = call("POST", path, PARTS, content_type=MULTIPART, **session)
        assert answer.status in (200, 400, 422), path  # read, and found to be no such file
    for path in ("/admin/", reverse("admin:studies_study_change", args=[study.pk])):
        body = Unread(PARTS)
        assert call("POST", path, body, content_type=MULTIPART, **session).status == 413, path
        assert body.taken == 0


def test_there_is_an_end_for_researchers_too(admin_client: Client, settings: object) -> None:
    study = factories.draft()
    settings.MAX_UPLOAD_MB = settings.ARCHIVE_TIMES = 1  # type: ignore[attr-defined]
    body = Unread(b"x" * (2 * bodies.MEGABYTE + 1))
    path = reverse("admin:study_images", args=[study.pk])
    answer = call("POST", path, body, content_type=MULTIPART, **signed_in(admin_client))
    assert (answer.status, body.taken) == (413, 0)


def test_every_form_with_files_is_named() -> None:
    forms = [p for p in TEMPLATES.rglob("*.html") if re.search("multipart/form-data", p.read_text())]
    named = ["images", "models", "new_study", "reconciliation", "study_from_file", "upload_maps"]
    assert sorted(p.stem for p in forms) == named
    assert bodies.most_bytes("admin:login", researcher=True) == bodies.most_bytes("", researcher=False)
