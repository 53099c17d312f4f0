"""The report page and the downloads: what they show and who gets them."""

import csv
import io
import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from survey_site.studies.models import Study
from tests.reports.factory import Survey, survey

pytestmark = pytest.mark.django_db

ADDRESSES = (
    "report",
    "responses_csv",
    "responses_checksum",
    "participants_csv",
    "psych_ds",
    "table1_json",
    "table1_csv",
    "table1_tex",
)


@pytest.fixture
def own(researcher: Any) -> Survey:
    """A study of the researcher with one finished participant: faith 100 % and index 4.00 in the first column."""
    mine = survey("mine", owner=researcher)
    who = mine.participant()
    mine.matching(who, 0, 0)
    mine.rating(who, 0, 4)
    return mine


def body(client: Client, name: str, slug: str) -> bytes:
    response = client.get(reverse(name, args=[slug]))
    assert response.status_code == 200
    return b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[attr-defined]


def test_the_page_shows_table_1_with_n(desk: Client, own: Survey) -> None:
    page = body(desk, "report", "mine").decode()
    table = page[page.index('id="table1"') : page.index("</table>", page.index('id="table1"'))]
    assert 'data-column="Grad-CAMs">100</td>' in table
    assert 'data-column="Grad-CAMs">4.00</td>' in table
    assert 'data-column="Ours 1">n/a</td>' in table
    assert "<td>1 / 1</td>" in table
    assert "1 in 4" in page


def test_the_paper_stands_beside_a_study_that_replicates_it_and_no_other(desk: Client, own: Survey) -> None:
    page = body(desk, "report", "mine").decode()
    assert own.protocol.hash in page
    assert "<td>48</td>" not in page
    Study.objects.filter(pk=own.study.pk).update(replicates_paper=True)
    page = body(desk, "report", "mine").decode()
    assert "<td>48</td>" in page
    assert "<td>1.02</td>" in page


def test_the_addresses_are_the_fixed_ones() -> None:
    assert reverse("report", args=["demo"]) == "/reports/demo/"
    assert reverse("responses_csv", args=["demo"]) == "/reports/demo/responses.csv"


def test_the_download_streams_and_is_named_after_the_study(desk: Client, own: Survey) -> None:
    response = desk.get(reverse("responses_csv", args=["mine"]))
    assert response.streaming
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="mine-responses.csv"'
    data = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    assert len(list(csv.DictReader(io.StringIO(data.decode())))) == 2


def test_the_checksum_is_that_of_the_download(desk: Client, own: Survey) -> None:
    import hashlib

    data = body(desk, "responses_csv", "mine")
    response = desk.get(reverse("responses_checksum", args=["mine"]))
    assert response.content.decode() == f"{hashlib.sha256(data).hexdigest()}  mine-responses.csv\n"
    assert response["X-Row-Count"] == "2"


def test_table_1_is_offered_as_json_csv_and_latex(desk: Client, own: Survey) -> None:
    report = json.loads(body(desk, "table1_json", "mine"))
    assert report["columns"][0]["faith"]["percent"] == 100.0
    rows = list(csv.DictReader(io.StringIO(body(desk, "table1_csv", "mine").decode())))
    assert [(r["column"], r["measure"], r["text"]) for r in rows[:2]] == [
        ("Grad-CAMs", "faith", "100"),
        ("Grad-CAMs", "index", "4.00"),
    ]
    assert "Grad-CAMs & Ours 1" in body(desk, "table1_tex", "mine").decode()


def test_bots_are_counted_only_where_asked(desk: Client, own: Survey) -> None:
    own.rating(own.participant(kind="bot"), 0, 0)
    assert json.loads(body(desk, "table1_json", "mine"))["columns"][0]["index"]["n"] == 1
    asked = desk.get(reverse("table1_json", args=["mine"]) + "?bots=1")
    assert json.loads(asked.content)["columns"][0]["index"]["n"] == 2


@pytest.mark.parametrize("name", ADDRESSES)
def test_who_is_not_signed_in_is_sent_to_the_login(client: Client, own: Survey, name: str) -> None:
    response = client.get(reverse(name, args=["mine"]))
    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_user_who_is_no_researcher_gets_nothing(
    client: Client, own: Survey, name: str, django_user_model: Any
) -> None:
    client.force_login(django_user_model.objects.create_user("visitor"))
    assert client.get(reverse(name, args=["mine"])).status_code == 302


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_study_of_somebody_else_is_not_found(desk: Client, own: Survey, name: str) -> None:
    survey("theirs")
    assert desk.get(reverse(name, args=["theirs"])).status_code == 404
    assert desk.get(reverse(name, args=["never-was"])).status_code == 404


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_superuser_sees_every_study(admin_client: Client, own: Survey, name: str) -> None:
    assert admin_client.get(reverse(name, args=["mine"])).status_code == 200


@pytest.mark.parametrize("asked", ["2", "x", "-1"])
def test_an_unknown_protocol_version_is_not_found(desk: Client, own: Survey, asked: str) -> None:
    assert desk.get(reverse("report", args=["mine"]) + f"?protocol={asked}").status_code == 404


def test_reading_changes_nothing_and_only_reading_is_allowed(desk: Client, own: Survey) -> None:
    assert desk.post(reverse("report", args=["mine"])).status_code == 405


def test_a_title_cannot_inject_markup(desk: Client, researcher: Any) -> None:
    evil = survey("evil", owner=researcher, columns=(("<script>x</script>", "gradcam", ""),))
    evil.rating(evil.participant(), 0, 1)
    assert "<script>x" not in body(desk, "report", "evil").decode()


def test_links_switch_who_counts_and_keep_the_other_choices(desk: Client, own: Survey) -> None:
    page = desk.get(reverse("report", args=["mine"]) + "?bots=1").content.decode()
    assert 'href="?bots=1&amp;unfinished=1"' in page
    assert 'href="?" aria-current="true"' in page


def test_every_protocol_version_can_be_chosen(desk: Client, own: Survey) -> None:
    assert "protocol=1" not in desk.get(reverse("report", args=["mine"])).content.decode()
    own.study.protocols.create(version=2, hash="cd" * 32, document=own.protocol.document, pilot=True)
    page = desk.get(reverse("report", args=["mine"])).content.decode()
    assert 'href="?protocol=1" aria-current="true"' in page
    assert 'href="?protocol=2"' in page
