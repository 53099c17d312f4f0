"""A part that answers whoever looks and refuses what a page asks of it: the page says which part, and is no 500."""

import errno
import os
from typing import Any

import pytest
from django.db import IntegrityError, InterfaceError, OperationalError
from django.test import Client
from django.urls import reverse
from kombu.exceptions import EncodeError
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import BusyLoadingError, DataError, ReadOnlyError, ResponseError

from survey_site.stimuli.storage import StorageAway
from survey_site.trials.views import health, home

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture(autouse=True)
def _looked_at_anew() -> None:
    health.LOOKS.forget()


def met(monkeypatch: pytest.MonkeyPatch, *errors: Exception) -> tuple[int, str]:
    """Status and text of the front page, which fails by the first of these, whose cause is the next."""

    def failing(*_: object, **__: object) -> None:
        error, *causes = errors
        raise error from (causes[0] if causes else None)

    monkeypatch.setattr(home.Study.objects, "filter", failing)
    answer = Client(raise_request_exception=False).get(reverse("home"))
    return answer.status_code, answer.content.decode()


def of_the_disk(number: int) -> OSError:
    return OSError(number, os.strerror(number), "/srv/survey/media/a.png")


@pytest.mark.parametrize(
    ("errors", "part", "why"),
    [
        ([of_the_disk(errno.ENOSPC)], "storage", "failed: OSError (No space left on device)"),
        ([of_the_disk(errno.EDQUOT)], "storage", "failed: OSError (Disk quota exceeded)"),
        ([of_the_disk(errno.EROFS)], "storage", "failed: OSError (Read-only file system)"),
        ([of_the_disk(errno.EACCES)], "storage", "failed: PermissionError (Permission denied)"),
        ([StorageAway("mount its disk again")], "storage", "mount its disk again"),
        ([OperationalError("disk full; password=x")], "database", "failed: OperationalError"),
        ([InterfaceError("connection closed")], "database", "failed: InterfaceError"),
        ([ReadOnlyError("of a replica")], "cache", "failed: ReadOnlyError"),
        ([BusyLoadingError("its file")], "cache", "failed: BusyLoadingError"),
        ([ResponseError("MISCONF Errors writing to the AOF file")], "cache", "failed: ResponseError"),
        ([BrokerError("away")], "broker", "failed: OperationalError"),
        ([ValueError("x"), of_the_disk(errno.EIO)], "storage", "failed: OSError (Input/output error)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_is_named_and_the_page_may_be_asked_again(
    monkeypatch: pytest.MonkeyPatch, errors: list[Exception], part: str, why: str
) -> None:
    assert health.refusing(errors[0] if len(errors) == 1 else _chained(*errors)) == {part: why}
    status, page = met(monkeypatch, *errors)
    assert (status, "reload this page" in page) == (503, True)
    assert "password" not in page and "/srv/" not in page


def _chained(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        FileNotFoundError(2, "gone"),
        IntegrityError("a row"),
        KeyError("broker"),
        EncodeError("no JSON"),
        DataError("no text"),
        ResponseError("WRONGTYPE of a key"),
    ],
)
def test_what_is_no_part_s_doing_stays_a_failure(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    assert met(monkeypatch, error)[0] == 500


def test_staff_of_the_desk_read_why(monkeypatch: pytest.MonkeyPatch, admin_client: Client) -> None:
    def failing(*_: Any) -> None:
        raise of_the_disk(errno.EDQUOT)

    monkeypatch.setattr("survey_site.desk.dashboard.visible_studies", failing)
    admin_client.raise_request_exception = False
    answer = admin_client.get("/admin/")
    assert answer.status_code == 503
    assert "Storage: failed: OSError (Disk quota exceeded)" in answer.content.decode()
