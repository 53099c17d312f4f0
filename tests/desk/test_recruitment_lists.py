"""Lists that a recruiter pastes: a signed link for each, or nobody of the list; neither list is stored."""

import csv
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from survey_site.recruitment.models import ExcludedId, Recruitment
from survey_site.recruitment.personal_links import BadList, read_list
from survey_site.studies.models import Study
from survey_site.trials.models import ExternalId
from tests import factories
from tests.desk.test_recruitment_page import FORM, address
from tests.studies.test_access import PEOPLE, person
from tests.trials.player import begin

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
PID = "5f0c9a1b2c3d4e5f60718293"


def part(study: Study, name: str) -> str:
    return reverse(f"admin:study_recruitment-{name}", args=[study.pk])


def test_a_list_becomes_links_of_which_each_lets_in_one_person(client: Client, admin_client: Client) -> None:
    study = factories.live()
    Recruitment.objects.create(study=study, provider="list")
    response = admin_client.post(part(study, "links"), {"people": "p-1\n p-2;\np-1\n"})
    rows = list(csv.DictReader(response.content.decode().splitlines()))
    assert [row["identifier"] for row in rows] == ["p-1", "p-2"]
    addresses = [begin(Client(), "test", "?" + row["link"].partition("?")[2]) for row in rows]
    assert len(set(addresses)) == 2
    assert list(ExternalId.objects.order_by("pk").values_list("value", flat=True)) == ["p-1", "p-2"]
    assert study.audit.get(verb="personal links made").detail == "2"


@pytest.mark.parametrize("line", ["ada@example.org", "Ada Lovelace", "=cmd", "-1", "a" * 61, "x/y"])
def test_names_addresses_and_formulas_are_no_identifiers(line: str) -> None:
    with pytest.raises(BadList, match="Line 2"):
        read_list(f"p-1\n{line}\n")


def test_an_empty_list_is_refused_in_words(admin_client: Client) -> None:
    study = factories.live()
    for name in ("links", "excluded"):
        response = admin_client.post(part(study, name), {"people": " \n"}, follow=True)
        assert "one identifier a line" in response.content.decode()
    assert not study.audit.filter(verb__startswith="personal").exists()


def test_people_of_a_list_may_not_take_part_and_the_list_is_not_kept(admin_client: Client) -> None:
    study = factories.live()
    Recruitment.objects.create(study=study, provider="prolific", completed_code="C")
    admin_client.post(part(study, "excluded"), {"people": f"{PID}\n{PID[:-1]}4\n{PID}"})
    assert ExcludedId.objects.count() == 2 and PID not in str(list(ExcludedId.objects.values()))
    admin_client.post(part(study, "excluded"), {"people": PID})
    assert Client().get(f"/s/test/?PROLIFIC_PID={PID}").status_code == 403
    admin_client.post(part(study, "excluded"), {"forget": "yes"})
    assert Client().get(f"/s/test/?PROLIFIC_PID={PID}").status_code == 200
    entries = study.audit.filter(verb__startswith="excluded").order_by("pk")
    assert list(entries.values_list("verb", "detail")) == [
        ("excluded ids added", "2"), ("excluded ids added", "0"), ("excluded ids forgotten", "2"),
    ]  # fmt: skip


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("name", ["links", "excluded"])
def test_lists_are_for_who_recruits(client: Client, who: str, name: str) -> None:
    study = factories.live()
    client.force_login(person(who, study))
    client.post(part(study, name), {"people": "p-1"})
    made = study.audit.filter(verb__in=["personal links made", "excluded ids added"])
    assert made.exists() == (who in ("owner", "editor", "assistant"))


def earlier(client: Client, study: Study, **fields: Any) -> set[str]:
    response = client.post(address(study), FORM | fields)
    assert response.status_code in (302, 422)
    chosen = Recruitment.objects.filter(study=study).values_list("earlier_studies__slug", flat=True)
    return {slug for slug in chosen if slug}


def test_only_studies_that_the_researcher_recruits_for_can_be_excluded(client: Client) -> None:
    study, mine, foreign = (factories.draft(slug) for slug in ("test", "mine", "foreign"))
    owner = person("owner", study)
    Study.objects.filter(pk=mine.pk).update(owner=owner)
    client.force_login(owner)
    assert earlier(client, study, earlier_studies=[mine.pk]) == {"mine"}
    assert earlier(client, study, earlier_studies=[mine.pk, foreign.pk]) == {"mine"}  # refused whole
    study.recruitment.earlier_studies.add(foreign)  # by somebody who sees more
    assert earlier(client, study, earlier_studies=[]) == {"foreign"}
