"""The REST API: what it sends, to whom, and how it says no."""

import io
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from PIL import Image
from rest_framework.test import APIClient

from fixtures import write_replay
from survey_site.reports.exports.columns import responses_columns
from survey_site.stimuli.models import PrecomputeJob
from survey_site.studies.models import Study
from tests.api.keys import token_of
from tests.reports.factory import Survey, survey

pytestmark = pytest.mark.django_db

STUDY_VIEWS = (
    "api-study", "api-report", "api-responses", "api-participants", "api-stimuli", "api-jobs", "api-recruitment",
)  # fmt: skip


@pytest.fixture
def researcher(django_user_model: Any) -> Any:
    return django_user_model.objects.create_user("researcher", is_staff=True)


@pytest.fixture
def api(researcher: Any) -> APIClient:
    """A program that presents the researcher's token."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token_of(researcher)}")
    return client


@pytest.fixture
def own(researcher: Any) -> Survey:
    mine = survey("mine", owner=researcher)
    for choice in (0, 2):
        who = mine.participant()
        mine.matching(who, 0, choice)
        mine.rating(who, 1, 4)
    return mine


def test_the_root_names_the_ways(api: APIClient) -> None:
    assert reverse("api-root") == "/api/v1/"
    assert reverse("schema") == "/api/schema/"
    found = api.get("/api/v1/").json()
    assert found["studies"].endswith("/api/v1/studies/")


def test_studies_are_listed_with_conditions_and_hash(api: APIClient, own: Survey) -> None:
    (study,) = api.get("/api/v1/studies/").json()["results"]
    assert study["slug"] == "mine"
    assert study["protocol_hash"] == own.protocol.hash
    assert [c["column"] for c in study["conditions"]] == ["Grad-CAMs", "Ours 1"]


def test_the_report_of_the_replay_reproduces_the_paper(api: APIClient, researcher: Any) -> None:
    call_command("import_study", str(write_replay.FOLDER), "--owner", "researcher", stdout=io.StringIO())
    report = api.get(reverse("api-report", args=["feature-cam-table-1"])).json()
    assert [c["faith"]["text"] for c in report["columns"]] == ["48", "96", "92", "92", "80", "76"]
    assert [c["index"]["text"] for c in report["columns"]] == ["1.02", "4.05", "3.63", "3.47", "3.24", "3.30"]


def test_responses_have_the_columns_of_the_csv_with_null_for_missing(api: APIClient, own: Survey) -> None:
    rows = api.get(reverse("api-responses", args=["mine"])).json()["results"]
    assert list(rows[0]) == [column.name for column in responses_columns(own.study)]
    assert (rows[0]["task"], rows[0]["correct"], rows[0]["rating"]) == ("matching", True, None)
    assert (rows[1]["task"], rows[1]["correct"], rows[1]["rating"]) == ("rating", None, 4)
    assert rows[2]["choice"] == "cat-2"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("task=rating", 2), ("column=Ours 1", 2), ("column=Ours 1&task=matching", 0), ("participant=p01", 2),
        ("stimulus=cat-0", 4), ("stimulus=none", 0),
    ],
)  # fmt: skip
def test_filters_are_exact_and_combine(api: APIClient, own: Survey, query: str, count: int) -> None:
    assert len(api.get(reverse("api-responses", args=["mine"]) + f"?{query}").json()["results"]) == count


def test_pages_hold_every_row_once(api: APIClient, own: Survey) -> None:
    address, seen = reverse("api-responses", args=["mine"]) + "?page_size=1", []
    while address:
        page = api.get(address).json()
        seen += [row["trial"] for row in page["results"]]
        address = page["next"]
    assert seen == ["p01-0", "p01-1", "p02-0", "p02-1"]


def test_participants_come_without_links(api: APIClient, own: Survey) -> None:
    own.participant(state="withdrawn", code="gone")
    response = api.get(reverse("api-participants", args=["mine"]))
    assert [row["participant"] for row in response.json()["results"]] == ["p01", "p02"]
    assert "gone" not in response.content.decode()
    for who in own.study.participants.all():
        assert who.token not in response.content.decode()
        assert who.receipt not in response.content.decode()


@pytest.mark.parametrize("name", STUDY_VIEWS)
def test_without_a_token_nothing_is_told(own: Survey, name: str) -> None:
    response = APIClient().get(reverse(name, args=["mine"]))
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "not_authenticated"


@pytest.mark.parametrize("name", STUDY_VIEWS)
def test_who_is_no_researcher_is_refused(own: Survey, name: str, django_user_model: Any) -> None:
    client = APIClient()
    client.force_authenticate(django_user_model.objects.create_user("visitor"))
    assert client.get(reverse(name, args=["mine"])).status_code == 403


@pytest.mark.parametrize("name", STUDY_VIEWS)
def test_a_study_of_somebody_else_is_not_found(api: APIClient, own: Survey, name: str) -> None:
    survey("theirs")
    assert api.get(reverse(name, args=["theirs"])).status_code == 404


@pytest.mark.parametrize("name", ["api-stimuli", "api-regions", "api-jobs"])
def test_nothing_can_be_sent_to_a_study_of_somebody_else(api: APIClient, name: str) -> None:
    survey("theirs")
    assert api.post(reverse(name, args=["theirs"])).status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("task=drawing", "task"),
        ("tsak=rating", "tsak"),
        ("bots=yes", "bots"),
        ("participant=%00", "participant"),
    ],
)
def test_a_wrong_filter_is_named(api: APIClient, own: Survey, query: str, field: str) -> None:
    response = api.get(reverse("api-responses", args=["mine"]) + f"?{query}")
    assert response.status_code == 400
    assert field in response.json()["error"]["fields"]


def test_an_unknown_protocol_version_is_named(api: APIClient, own: Survey) -> None:
    response = api.get(reverse("api-report", args=["mine"]) + "?protocol=7")
    assert response.status_code == 404
    assert response.json()["error"]["message"] == "The study has no protocol of this version."


def picture(colour: str) -> io.BytesIO:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(file, "PNG")
    file.seek(0)
    file.name = f"{colour}.png"
    return file


@pytest.fixture
def draft(researcher: Any, media: Any) -> Study:
    return Study.objects.create(slug="draft", title="Draft", owner=researcher)


def test_pictures_are_uploaded_once(api: APIClient, draft: Study) -> None:
    address = reverse("api-stimuli", args=["draft"])
    sent = {"files": [picture("red"), picture("blue")], "stimulus_class": "colour"}
    response = api.post(address, sent, format="multipart")
    assert response.status_code == 201, response.content
    assert sorted(s["key"] for s in response.json()["added"]) == ["blue", "red"]
    again = api.post(address, {"files": [picture("red")]}, format="multipart")
    assert (again.json()["added"], len(again.json()["duplicates"])) == ([], 1)
    assert {s["stimulus_class"] for s in api.get(address).json()["results"]} == {"colour"}


def test_one_bad_picture_stores_none(api: APIClient, draft: Study) -> None:
    bad = io.BytesIO(b"no picture")
    bad.name = "bad.png"
    response = api.post(
        reverse("api-stimuli", args=["draft"]), {"files": [picture("red"), bad]}, format="multipart"
    )
    assert response.status_code == 400
    assert "bad.png" in response.json()["error"]["message"]
    assert not draft.stimuli.exists()


def test_regions_are_given_for_all_images_or_none(api: APIClient, draft: Study) -> None:
    sent = {"files": [picture("red"), picture("blue")]}
    api.post(reverse("api-stimuli", args=["draft"]), sent, format="multipart")
    address, head = reverse("api-regions", args=["draft"]), "file,left,top,right,bottom\n"

    def give(rows: str) -> Any:
        boxes = io.BytesIO((head + rows).encode())
        boxes.name = "boxes.csv"
        return api.post(address, {"files": [boxes]}, format="multipart")

    wrong = give("red.png,0,0,8,8\ngreen.png,0,0,8,8\n")
    assert wrong.status_code == 400
    assert "green.png: the study has no such image" in wrong.json()["error"]["message"]
    assert not draft.stimuli.exclude(region_sha256="").exists()
    right = give("red.png,0,0,8,8\n")
    assert (right.status_code, right.json()) == (200, {"stored": ["red"]})
    told = {
        s["key"]: s["region_sha256"]
        for s in api.get(reverse("api-stimuli", args=["draft"])).json()["results"]
    }
    assert told == {"red": draft.stimuli.get(key="red").region_sha256, "blue": ""} and told["red"]
    assert give("red.png,0,0,99,8\n").status_code == 400  # reaches out of the picture
    assert draft.stimuli.get(key="red").region_sha256 == told["red"]


def test_maps_are_queued_once(api: APIClient, draft: Study) -> None:
    api.post(reverse("api-stimuli", args=["draft"]), {"files": [picture("red")]}, format="multipart")
    address, wanted = (
        reverse("api-jobs", args=["draft"]),
        {"classifiers": ["MobileNetV2"], "methods": ["gradcam"]},
    )
    first = api.post(address, wanted, format="json")
    assert (first.status_code, first.json()) == (202, {"queued": 1})
    assert api.post(address, wanted, format="json").json() == {"queued": 0}
    (job,) = api.get(address + "?state=queued").json()["results"]
    assert (job["stimulus"], job["classifier"], job["state"]) == ("red", "MobileNetV2", "queued")
    assert "gradcam" in job["methods"]


@pytest.mark.parametrize(
    ("wanted", "field"), [({"classifiers": ["NoNet"]}, "classifiers"), ({"methods": ["x"]}, "methods")]
)
def test_unknown_names_queue_nothing(
    api: APIClient, draft: Study, wanted: dict[str, Any], field: str
) -> None:
    response = api.post(reverse("api-jobs", args=["draft"]), wanted, format="json")
    assert response.status_code == 400
    assert field in response.json()["error"]["fields"]
    assert not PrecomputeJob.objects.exists()


def test_a_page_takes_a_constant_number_of_queries(api: APIClient, own: Survey) -> None:
    def queries() -> list[int]:
        counts = []
        for name in STUDY_VIEWS:
            with CaptureQueriesContext(connection) as captured:
                assert api.get(reverse(name, args=["mine"])).status_code == 200
            counts.append(len(captured))
        return counts

    queries()  # the first notes the token's use and the exports
    few = queries()
    for _ in range(5):
        own.matching(own.participant(), 0, 1)
    assert queries() == few
    assert max(few) < 24
