"""Prolific's file beside our rows: who completed, who did not, what is missing."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from survey_site.recruitment.models import Recruitment
from survey_site.recruitment.reconcile import BadFile, Known, Submission, read_submissions, reconcile
from survey_site.trials.models import Participant
from tests import factories
from tests.trials.player import begin, play, step

CSV = """\
Submission id,Participant id,Status,Completion code
1,finished,AWAITING REVIEW,C1
2,half,AWAITING REVIEW,NOCODE
3,returned,RETURNED,
4,stranger,AWAITING REVIEW,C1
5,gone,AWAITING REVIEW,C1
"""


def test_it_reads_both_namings_of_the_columns() -> None:
    rows = read_submissions("\ufeffparticipant_id,status,entered_code\n a ,approved,X\n,active,\n".encode())
    assert rows == [Submission("a", "APPROVED", "X")]


@pytest.mark.parametrize("data", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b"Participant id\nx\n"])
def test_it_refuses_another_file(data: bytes) -> None:
    with pytest.raises(BadFile):
        read_submissions(data)


def test_each_person_appears_once_and_those_who_need_a_look_come_first() -> None:
    known = [
        Known("a", "p1", "completed", 8, 8),
        Known("b", "p2", "unfinished", 3, 8),
        Known("d", "p3", "completed", 8, 8),
    ]
    lines = reconcile(
        [Submission("a", "APPROVED"), Submission("b", "AWAITING REVIEW"), Submission("c", "RETURNED")], known
    )
    assert [(line.external_id, line.advice.split(":")[0]) for line in lines] == [
        ("b", "unfinished"), ("d", "not in Prolific's file"), ("a", "approve"), ("c", ""),
    ]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_the_page_compares_an_uploaded_file(client: Client, admin_client: Client) -> None:
    study = factories.live()
    for name in ("finished", "gone", "half"):
        address = begin(client, "test", f"?PROLIFIC_PID={name}")
        if name == "half":
            step(client, address)
            step(client, address)
        else:
            play(client, address)
    client.post(f"/w/{Participant.objects.get(external_id__value='gone').receipt}/")
    Recruitment.objects.create(study=study, provider="prolific", completed_code="C1")
    upload = SimpleUploadedFile("submissions.csv", CSV.encode(), "text/csv")
    response = admin_client.post("/recruitment/test/", {"submissions": upload})
    found = {
        line.external_id: (line.outcome, line.answered, line.advice.split(":")[0])
        for line in response.context["lines"]
    }
    assert found == {
        "finished": ("completed", 8, "approve"),
        "half": ("unfinished", 1, "unfinished"),
        "returned": ("", 0, ""),
        "stranger": ("", 0, "never arrived here"),
        "gone": ("withdrawn", 0, "withdrew"),
    }
    assert admin_client.get("/recruitment/test/").status_code == 200
    assert admin_client.post("/recruitment/test/").status_code == 422


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_it_is_for_signed_in_researchers_only(client: Client) -> None:
    factories.live()
    assert client.get("/recruitment/test/").status_code == 302


@pytest.mark.parametrize(
    "data",
    [
        b"Participant id,Status\n" + b'"' + b"x" * 200_000 + b'",APPROVED\n',
        b"Participant id,Status\na\0b,APPROVED\n",
        b"x" * 200_000 + b",Participant id,Status\n",
    ],
    ids=["a huge field", "NUL", "a huge name of a column"],
)
def test_a_file_that_is_no_csv_inside_is_refused_with_words(data: bytes) -> None:
    with pytest.raises(BadFile, match="export the submissions again"):
        read_submissions(data)
