"""Early stopping on a study's form: its fields write the analysis plan, and refuse nonsense beside the field."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from survey_site.desk.stopping_fields import NAMES, initial, sentences
from survey_site.studies.models import Study
from tests.desk.test_audit_log import fields
from tests.studies.sample import ready_study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
RULE = {"stop-outcome": "faith", "stop-column": "Ours 1", "stop-looks": "4, 8 12", "stop-spending": "pocock"}


@pytest.fixture
def study() -> Study:
    return ready_study(target_participants=12, analysis_plan={"resamples": 99})


def saved(client: Client, study: Study, **values: Any) -> dict[str, list[str]]:
    """Posts the form as it is shown with these values; gives the errors by field."""
    address = reverse("admin:studies_study_change", args=[study.pk])
    response = client.post(address, fields(client.get(address)) | values)
    return {} if response.status_code == 302 else dict(response.context["adminform"].form.errors)


def plan(study: Study) -> dict[str, Any]:
    return Study.objects.get(pk=study.pk).analysis_plan


def test_an_untouched_form_leaves_the_plan_as_it_was(admin_client: Client, study: Study) -> None:
    assert saved(admin_client, study) == {}
    assert plan(study) == {"resamples": 99}


def test_the_fields_write_the_plan_and_show_it_again(admin_client: Client, study: Study) -> None:
    assert saved(admin_client, study, **RULE, **{"plan-level": "99"}) == {}
    assert plan(study) == {
        "resamples": 99,
        "level": 0.99,
        "stopping": {"outcome": "faith", "column": "Ours 1", "looks": [4, 8, 12], "spending": "pocock"},
    }
    assert saved(admin_client, study) == {}, "shown and saved again it stays"
    assert plan(study)["stopping"]["looks"] == [4, 8, 12]
    assert saved(admin_client, study, **{"stop-outcome": "", "stop-looks": "", "stop-column": ""}) == {}
    assert plan(study) == {"resamples": 99, "level": 0.99}


def test_families_are_chosen(admin_client: Client, study: Study) -> None:
    assert saved(admin_client, study, **{"stop-families": "together"}) == {}
    assert plan(study)["families"] == "together"


@pytest.mark.parametrize(
    ("values", "field", "told"),
    [
        ({"stop-looks": "12"}, "stop-looks", "two to 10 looks"),
        ({"stop-looks": "8, 4, 12"}, "stop-looks", "more participants than the one before"),
        ({"stop-looks": "often"}, "stop-looks", "whole numbers"),
        ({"stop-looks": "4; 8; 1e9"}, "stop-looks", "whole numbers"),
        ({"stop-looks": "-4, 12"}, "stop-looks", "whole numbers"),
        ({"stop-looks": ""}, "stop-looks", "two to 10 looks"),
        ({"stop-looks": "1, 12"}, "stop-looks", "after 3 participants at least"),
        ({"stop-looks": "4, 8"}, "stop-looks", "12 are wanted"),
        ({"stop-outcome": "speed"}, "stop-outcome", "speed"),
        ({"stop-outcome": ""}, "stop-outcome", "Choose the measure"),
        ({"stop-families": "together"}, "stop-families", "one measure"),
    ],
)
def test_nonsense_is_refused_beside_the_field_and_nothing_is_saved(
    admin_client: Client, study: Study, values: dict[str, str], field: str, told: str
) -> None:
    errors = saved(admin_client, study, **(RULE | values))
    assert told in " ".join(errors[field]), errors
    assert plan(study) == {"resamples": 99}


def test_the_form_and_the_page_of_the_seal_say_the_rule_in_a_sentence(
    admin_client: Client, study: Study
) -> None:
    rule = {"outcome": "faith", "looks": [4, 12], "column": "Ours 1", "spending": "pocock"}
    told = sentences({"stopping": rule, "families": "by_measure"})
    assert told[1].startswith("The study stops when the contrast of Ours 1")
    assert sentences({}) == sentences(None) and "Nothing stops" in sentences({})[1]
    assert "looks" in sentences({"stopping": {"outcome": "faith"}})[1], (
        "a damaged plan is told, and breaks no page"
    )
    Study.objects.filter(pk=study.pk).update(state="live", analysis_plan={"stopping": rule})
    page = admin_client.get(reverse("admin:studies_study_change", args=[study.pk])).content.decode()
    assert "after 4 and 12 participants" in page


@pytest.mark.parametrize("plan", [None, [], "x", {"stopping": 3}, {"stopping": {"looks": "often"}}])
def test_a_damaged_plan_breaks_no_form(plan: Any) -> None:
    assert set(initial(plan)) == set(NAMES)
