"""Prolific's file beside our rows: who completed, who did not, what is missing."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from survey_site.recruitment.completion import Outcome
from survey_site.recruitment.models import Recruitment
from survey_site.recruitment.reconcile import Known, reconcile
from survey_site.recruitment.submissions import BadFile, Submission, read_submissions
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


CODES: dict[Outcome, str] = {"completed": "C1", "screened_out": "S1", "failed_attention": ""}
TABLE = "Participant id,Status,Completion code\nä,Timed-Out,C1\n"


def test_it_reads_both_namings_of_the_columns() -> None:
    rows = read_submissions("\ufeffparticipant_id,status,entered_code\n a ,approved,X\n,active,\n".encode())
    assert rows == [Submission("a", "APPROVED", "X")]


@pytest.mark.parametrize(
    "data",
    [
        TABLE.encode("utf-8-sig"),
        TABLE.encode("utf-16"),
        TABLE.encode("utf-16-le"),
        TABLE.encode("utf-16-be"),
        TABLE.encode("latin-1"),
        TABLE.replace(",", ";").encode(),
        TABLE.replace(",", "\t").encode("utf-16"),
        ("sep=;\n" + TABLE.replace(",", ";")).encode(),
        ("sep=,\r\n" + TABLE.replace("\n", "\r\n")).encode("utf-8-sig"),
        TABLE.replace("\n", "\r").encode(),
        ("\n\n" + TABLE).encode(),
        TABLE.replace("Participant id", '"PARTICIPANT_ID"').encode(),
    ],
)
def test_it_reads_what_spreadsheet_programs_make_of_the_file(data: bytes) -> None:
    assert read_submissions(data) == [Submission("ä", "TIMED OUT", "C1")]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "empty"),
        (b"sep=;\n", "empty"),
        (b"a,b\n1,2\n", "first line here is “a,b”"),
        (b"Participant id\nx\n", "needs the columns"),
        (b"\xff\xfe\x00", "cut off"),
        (b"PK\x03\x04workbook", "workbook"),
        (b"Participant id,Status\n5.00E+23,APPROVED\n", "has made the number 5.00E\\+23 of an identifier"),
        (b"Participant id;Status\n1,2346E+23;APPROVED\n", "identifier"),
    ],
)
def test_it_refuses_another_file_in_words(data: bytes, told: str) -> None:
    with pytest.raises(BadFile, match=told):
        read_submissions(data)


def advice(outcome: str, *submissions: tuple[str, str]) -> str:
    known = [Known("a", "p1", outcome, 8, 8)] if outcome else []
    rows = [Submission("a", status, code) for status, code in submissions]
    (group,) = reconcile(rows, known, CODES)
    return group.advice.text


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_submissions_of_one_person_the_live_one_decides(order: int) -> None:
    returned, waiting = ("RETURNED", ""), ("AWAITING REVIEW", "C1")
    assert advice("completed", *[returned, waiting][::order]) == "approve"
    assert advice("completed", *[("TIMED OUT", ""), ("APPROVED", "C1")][::order]) == "approved already"
    assert advice("unfinished", *[returned, ("ACTIVE", "")][::order]) == "nothing to do"
    assert "pay one" in advice("completed", *[("APPROVED", "C1"), waiting][::order])
    assert "“lost”" in advice("completed", *[returned, ("LOST", "")][::order])


@pytest.mark.parametrize(
    ("outcome", "status", "code", "told"),
    [
        ("completed", "AWAITING REVIEW", "C1", "approve"),
        ("completed", "AWAITING REVIEW", "", "code was not entered: approve"),
        ("completed", "AWAITING REVIEW", "NOCODE", "code was not entered: approve"),
        ("completed", "AWAITING REVIEW", "typo", "another code: approve"),
        ("completed", "AWAITING REVIEW", "S1", "the code for “screened out”"),
        ("completed", "APPROVED", "C1", "approved already"),
        ("completed", "PARTIALLY APPROVED", "C1", "bonus"),
        ("completed", "ACTIVE", "", "not handed in there yet"),
        ("completed", "RESERVED", "", "not handed in there yet"),
        ("completed", "RETURNED", "", "bonus"),
        ("completed", "TIMED OUT", "", "bonus"),
        ("completed", "REJECTED", "C1", "bonus"),
        ("completed", "SCREENED OUT", "S1", "bonus"),
        ("failed_attention", "AWAITING REVIEW", "C1", "study's rule"),
        ("failed_attention", "RETURNED", "", "nothing to do"),
        ("withdrawn", "AWAITING REVIEW", "C1", "withdrew"),
        ("withdrawn", "APPROVED", "C1", "nothing to do"),
        ("unfinished", "AWAITING REVIEW", "", "answers are missing"),
        ("unfinished", "AWAITING REVIEW", "C1", "without finishing here"),
        ("unfinished", "APPROVED", "", "unfinished here"),
        *[("unfinished", status, "", "nothing to do") for status in ("ACTIVE", "RESERVED", "RETURNED", "SCREENED OUT")],
        ("", "AWAITING REVIEW", "C1", "never took part here"),
        ("", "AWAITING REVIEW", "", "never arrived here"),
        ("", "APPROVED", "", "approved there, never arrived here"),
        *[("", status, "", "nothing to do") for status in ("ACTIVE", "RESERVED", "RETURNED", "SCREENED OUT")],
        ("turned_away", "AWAITING REVIEW", "S1", "the code for “screened out”: pay"),
        ("turned_away", "AWAITING REVIEW", "C1", "never took part here"),
        ("turned_away", "SCREENED OUT", "S1", "nothing to do"),
    ],
)  # fmt: skip
def test_each_outcome_and_status_has_its_advice(outcome: str, status: str, code: str, told: str) -> None:
    assert told in advice(outcome, (status, code))


def test_each_person_appears_once_in_groups_with_those_who_need_a_look_first() -> None:
    known = [
        Known("a", "p1", "completed", 8, 8),
        Known("b", "p2", "unfinished", 3, 8),
        Known("d", "p3", "completed", 8, 8),
        Known("e", "p4", "completed", 8, 8),
    ]
    rows = [
        Submission("e", "AWAITING REVIEW", "C1"),
        Submission("a", "AWAITING REVIEW", "C1"),
        Submission("b", "AWAITING REVIEW"),
        Submission("c", "RETURNED"),
    ]
    groups = reconcile(rows, known, CODES)
    assert [(group.ids.split("\n"), group.advice.text.split(":")[0], group.advice.approve) for group in groups] == [
        (["d"], "not in Prolific's file", False), (["b"], "unfinished", False), (["a", "e"], "approve", True),
        (["c"], "nothing to do", False),
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
        person.external_id: (person.outcome, person.answered, group.advice.text.split(":")[0])
        for group in response.context["groups"]
        for person in group.people
    }
    assert found == {
        "finished": ("completed", 8, "approve"),
        "half": ("unfinished", 1, "unfinished"),
        "returned": ("", 0, "nothing to do"),
        "stranger": ("", 0, "entered the completion code, never took part here"),
        "gone": ("withdrawn", 0, "withdrew"),
    }
    page = response.content.decode()
    assert re.search(r"<textarea[^>]*readonly>finished</textarea>", page)
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
