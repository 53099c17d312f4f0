"""Simulated people never pass for people: every page, file and name says that they are there."""

import csv
import io
import json
import zipfile
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from survey_site.reports import figures
from survey_site.reports.analysis import analyse
from survey_site.reports.population import Population
from survey_site.reports.study_folder.write import write_folder
from survey_site.reports.supplement import supplement
from survey_site.studies.models import Study
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
MARK = "Simulated: 4 participants, all of them simulated by a program."


@pytest.fixture
def study() -> Study:
    study = factories.live(target_participants=6)
    call_command("simulate", "test", "--participants", "4", "--drop-out", "0", stdout=StringIO())
    return study


def body(client: Client, path: str) -> str:
    return client.get(f"/reports/test/{path}").getvalue().decode()  # type: ignore[attr-defined, no-any-return]


def test_the_page_and_every_format_of_table_1_say_so(admin_client: Client, study: Study) -> None:
    assert MARK in admin_client.get("/reports/test/?bots=1").content.decode()
    assert "Simulated:" not in admin_client.get("/reports/test/").content.decode()
    assert MARK in body(admin_client, "table1.tex?bots=1")
    report = json.loads(body(admin_client, "table1.json?bots=1"))
    assert report["banner"].startswith(MARK) and report["population"]["simulated"] == 4
    rows = list(csv.DictReader(io.StringIO(body(admin_client, "table1.csv?bots=1"))))
    assert {row["simulated_participants"] for row in rows} == {"4"}
    out = StringIO()
    call_command("report", "test", "--format", "text", "--include-bots", stdout=out)
    assert MARK in out.getvalue()


def test_people_among_them_are_counted_apart(admin_client: Client, study: Study) -> None:
    one = study.participants.order_by("pk")[0]
    one.kind = "person"
    one.save()
    said = "Simulated: 4 participants, 3 of them simulated by a program."
    assert said in admin_client.get("/reports/test/?bots=1").content.decode()
    assert "Simulated:" not in body(admin_client, "table1.tex")


@pytest.mark.parametrize(
    "name", ["table1.tex", "table1.csv", "table1.json", "responses.csv", "participants.csv"]
)
def test_the_name_of_a_download_says_so(admin_client: Client, study: Study, name: str) -> None:
    given = admin_client.get(f"/reports/test/{name}?bots=1")["Content-Disposition"]
    assert given == f'attachment; filename="test-simulated-{name}"'
    assert admin_client.get(f"/reports/test/{name}")["Content-Disposition"].endswith(f'"test-{name}"')


def test_each_answer_says_whose_it_is(admin_client: Client, study: Study) -> None:
    rows = list(csv.DictReader(io.StringIO(body(admin_client, "responses.csv?bots=1"))))
    assert rows and {row["kind"] for row in rows} == {"bot"}
    header = list(rows[0])
    assert header.index("kind") > header.index("exclusion_reason")


def test_figures_and_the_pdf_say_so(study: Study) -> None:
    whole = analyse(study, Population(bots=True))
    drawn = figures.draw("estimates", whole.report, whole.trials, {}, "svg")
    assert b"simulated participants" in drawn
    assert supplement(whole.report, whole.trials, {}).startswith(b"%PDF")
    assert whole.report["banner"] and whole.report["banner"].startswith(MARK)


def test_the_data_set_and_the_folder_keep_their_names_and_say_it_inside(
    admin_client: Client, study: Study, tmp_path: Path
) -> None:
    given = admin_client.get("/reports/test/psych-ds.zip?bots=1")
    assert "simulated" not in given["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(given.getvalue())) as archive:  # type: ignore[attr-defined]
        said = "4 of the participants were simulated by a program"
        assert said in json.loads(archive.read("dataset_description.json"))["description"]
        assert said in archive.read("README.md").decode()
    write_folder(study, tmp_path / "folder")
    assert json.loads((tmp_path / "folder" / "manifest.json").read_text())["simulated"] == 4
