"""What no version of the site has written is said in words, and keeps nobody from hearing of the rest."""

import io
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from survey_site.protocols.models import Protocol
from survey_site.reports import verify
from survey_site.studies.models import Study
from survey_site.trials.models import Participant, Response, Trial
from tests.reports.alterations.altered import found_after

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("files")]


def elsewhere_too() -> None:
    """Another thing that is wrong, which is looked at later."""
    first = Response.objects.order_by("pk").values_list("pk", flat=True)[0]
    Response.objects.filter(pk=first).update(score=0.5)


def documents(change: Any) -> None:
    protocol = Protocol.objects.earliest("pk")
    Protocol.objects.filter(pk=protocol.pk).update(document=change(protocol.document))


def no_number() -> None:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("UPDATE trials_trial SET pool_index = 'many' WHERE issued_at IS NOT NULL")
    else:
        Response.objects.filter(pk=Response.objects.latest("pk").pk).update(score=float("nan"), rt_ms=1)


ALTERATIONS = {
    "a pool that is no list": lambda: Trial.objects.exclude(issued_at=None).update(pool=5),
    "no number": no_number,
    "a document without its maps' hashes": lambda: documents(
        lambda document: {**document, "maps": [{"stimulus": "x"}]}
    ),
    "a document that is a list": lambda: documents(lambda document: []),
    "answers that are no objects": lambda: Response.objects.update(answer=[1]),
}


@pytest.mark.parametrize("what", ALTERATIONS)
def test_it_is_found_and_so_is_what_comes_after_it(study: Study, what: str) -> None:
    def alter() -> None:
        ALTERATIONS[what]()
        elsewhere_too()

    found = found_after(study, alter, all_of_it=True)
    assert found
    assert any("score" in problem or "was changed" in problem for problem in found)


def test_the_command_tells_it_in_lines(study: Study) -> None:
    ALTERATIONS["a pool that is no list"]()
    err = io.StringIO()
    with pytest.raises(CommandError, match=r"test: [0-9]+ of [0-9]+ differ"):
        call_command("verify", "test", stdout=io.StringIO(), stderr=err)
    assert "it is not laid out as the site writes it (TypeError: " in err.getvalue()


def test_a_receipt_whose_answers_cannot_be_read_says_that_they_were_changed(study: Study) -> None:
    person = Participant.objects.filter(study=study, state="finished").get()
    with connection.cursor() as cursor:
        changed = "rt_ms = 'many'" if connection.vendor == "sqlite" else "score = 'NaN'"
        cursor.execute(f"UPDATE trials_response SET {changed} WHERE participant_id = %s", [person.pk])
    page = Client().get(f"/w/{person.receipt}/")
    assert page.status_code == 200 and page.context["changed"]


def test_a_disk_that_fails_is_said_of_each_file(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError(5, "Input/output error")

    away = SimpleNamespace(open=broken, exists=default_storage.exists)
    monkeypatch.setattr(verify, "default_storage", away)
    problems = [thing.problem for thing in verify.files(study)]
    assert problems and all("cannot be read: [Errno 5] Input/output error" in problem for problem in problems)
