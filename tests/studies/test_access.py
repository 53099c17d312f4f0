"""Nobody sees a study that is not shared with them: every address, for every role."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from survey_site.protocols import freeze
from survey_site.stimuli.models import MapPicture
from survey_site.studies.access import ROLES, visible_studies
from survey_site.studies.models import Membership, Study
from survey_site.tasks import registry
from tests.studies.sample import ready_study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
PEOPLE = ("owner", "editor", "analyst", "assistant", "stranger", "participant")
# address → who gets a page; everybody else gets 404, 403 or the login.
SEEN = {
    "change": {"owner", "editor", "analyst", "assistant"},
    "images": {"owner", "editor"},
    "conditions": {"owner", "editor"},
    "check": {"owner", "editor"},
    "precompute": {"owner", "editor"},
    "precompute-status": {"owner", "editor"},
    "live": {"owner", "editor"},
    "monitor": {"owner", "editor", "analyst", "assistant"},
    "monitor-live": {"owner", "editor", "analyst", "assistant"},
    "preview": {"owner", "editor", "analyst", "assistant"},
    "preview-upcoming": {"owner", "editor", "analyst", "assistant"},
    "rehearsal": {"owner", "editor"},
    "upload-maps": {"owner", "editor"},
    "power": {"owner", "editor"},
    "notifications": {"owner", "editor", "analyst", "assistant"},
    "recruitment": {"owner", "editor", "assistant"},
    "stimulus": {"owner", "editor", "analyst", "assistant"},
    "stimulus picture": {"owner", "editor", "analyst", "assistant"},
    "map picture": {"owner", "editor", "analyst", "assistant"},
    "report": {"owner", "editor", "analyst"},
    "responses": {"owner", "editor", "analyst"},
    "table1": {"owner", "editor", "analyst"},
}


@pytest.fixture
def study() -> Study:
    study = ready_study()
    freeze.go_live(study)
    return study


def person(name: str, study: Study) -> User:
    """A user in this role; `participant` is signed in without being staff."""
    user = User.objects.create_user(name, password="correct horse", is_staff=name != "participant")
    if name == "owner":
        Study.objects.filter(pk=study.pk).update(owner=user)
    elif name in Membership.Role.values:
        Membership.objects.create(study=study, user=user, role=name)
    return user


def addresses(study: Study) -> dict[str, str]:
    stimulus = study.stimuli.all()[0]
    picture = MapPicture.objects.filter(saliency_map__stimulus=stimulus)[0]
    own = {name: reverse(f"admin:study_{name}", args=[study.pk]) for name in list(SEEN)[1:16]}
    return own | {
        "change": reverse("admin:studies_study_change", args=[study.pk]),
        "stimulus": reverse("admin:stimuli_stimulus_change", args=[stimulus.pk]),
        "stimulus picture": reverse("admin:stimulus_picture", args=[stimulus.pk]),
        "map picture": reverse("admin:map_picture", args=[picture.pk]),
        "report": reverse("report", args=[study.slug]),
        "responses": reverse("responses_csv", args=[study.slug]),
        "table1": reverse("table1_json", args=[study.slug]),
    }


@pytest.mark.parametrize("who", PEOPLE)
def test_each_role_sees_what_it_may_and_nothing_else(client: Client, study: Study, who: str) -> None:
    client.force_login(person(who, study))
    found = {name: client.get(url).status_code for name, url in addresses(study).items()}
    assert set(found) == set(SEEN)
    assert {name for name, status in found.items() if status == 200} == {
        n for n, people in SEEN.items() if who in people
    }
    assert set(found.values()) <= {200, 302, 403, 404}


@pytest.mark.parametrize("who", ["analyst", "assistant", "stranger"])
@pytest.mark.parametrize("name", ["images", "conditions", "precompute", "live"])
def test_a_post_by_somebody_who_may_not_edit_changes_nothing(
    client: Client, study: Study, who: str, name: str
) -> None:
    client.force_login(person(who, study))
    response = client.post(addresses(study)[name], {"verb": "close", "preset": "pilot"})
    assert response.status_code == 404
    study.refresh_from_db()
    assert study.state == Study.State.LIVE
    assert study.conditions.count() == 2


def test_lists_hold_the_studies_that_are_shared_only(client: Client, study: Study) -> None:
    ready_study(slug="other")
    client.force_login(person("analyst", study))
    page = client.get(reverse("admin:studies_study_changelist")).content.decode()
    assert page.count("field-shown_state") <= 1 or "other" not in page
    stimuli = client.get(reverse("admin:stimuli_stimulus_changelist")).context["cl"].queryset
    assert set(stimuli.values_list("study__slug", flat=True)) == {"sample"}


def test_a_study_belongs_to_who_makes_it(client: Client, study: Study) -> None:
    client.force_login(person("stranger", study))
    form = {
        "title": "Mine",
        "slug": "mine",
        "target_participants": 4,
        "matching-pool_size": 3,
        "matching-pool_strategy": "random",
        "matching-fixed_pools": "[]",
        "matching-headline": "image",
    }
    form |= {f"{task.name}-trials_per_column": 1 for task in registry.installed()} | {"practice_trials": 0}
    form |= {"attention_checks": 0, "lease_minutes": 60, "resume_days": 7, "seed": 1}
    form |= {"edges": "hed", "colour_map": "jet", "exclusion_rules": "{}"}
    form |= {"analysis_plan": "{}", "languages": "[]"}
    for prefix in ("conditions", "texts", "memberships"):
        form |= {f"{prefix}-TOTAL_FORMS": 0, f"{prefix}-INITIAL_FORMS": 0}
    response = client.post(reverse("admin:studies_study_add"), form)
    assert response.status_code == 302, response.context["errors"]
    assert Study.objects.get(slug="mine").owner == User.objects.get(username="stranger")


def test_a_superuser_sees_all_and_an_inactive_owner_nothing(study: Study) -> None:
    owner = person("owner", study)
    assert visible_studies(owner, "edit").count() == 1
    owner.is_active = False
    assert visible_studies(owner, "view").count() == 0
    assert visible_studies(User.objects.create_superuser("root"), "edit").count() == 1


def test_every_role_is_named_in_the_rules() -> None:
    assert set().union(*ROLES.values()) == set(Membership.Role.values)
