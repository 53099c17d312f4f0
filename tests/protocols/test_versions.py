"""A sealed study is read, not changed; a new version says what changed."""

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.urls import reverse

from survey_site.desk.study_inlines import ConditionForm
from survey_site.protocols import freeze, life, versions
from survey_site.stimuli.intake import ImagesRefused, add_images
from survey_site.stimuli.models import MapPicture, Stimulus
from survey_site.studies.models import Study, StudyText
from tests import factories
from tests.factories import change_task
from tests.studies.sample import ready_study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def again(study: Study) -> Study:
    return Study.objects.get(pk=study.pk)


def test_the_live_page_lists_what_each_version_changed(admin_client: Client) -> None:
    study = ready_study()
    freeze.go_live(study, pilot=True)
    life.step(study, "version")
    Study.objects.filter(pk=study.pk).update(lease_minutes=30)
    StudyText.objects.create(study=study, key="welcome", language="en", markdown="Good day")
    freeze.go_live(again(study))
    page = admin_client.get(reverse("admin:study_live", args=[study.pk])).content.decode()
    assert "2 changes since version 1" in page
    assert "<code>design.lease_minutes</code>: <del>60</del> → <ins>30</ins>" in page
    assert "Good day" in page


def test_a_draft_is_compared_with_the_newest_version_and_its_own_image_size_is_no_change() -> None:
    study = ready_study()
    freeze.go_live(study)
    life.step(study, "version")
    draft, sealed = versions.listed(again(study), freeze.draft_of(again(study)).document)
    assert (draft.protocol, draft.before, draft.changes) == (None, 1, [])
    assert (sealed.before, sealed.changes) == (None, [])
    change_task(again(study), "matching", pool_size=2)
    Study.objects.filter(pk=study.pk).update(seed=8)
    changed = versions.listed(again(study), freeze.draft_of(again(study)).document)[0].changes
    assert {c.path for c in changed} >= {"tasks.matching.pool_size", "design.seed"}


def test_a_pilot_and_its_live_version_differ_in_nothing_that_was_not_changed() -> None:
    study = ready_study()
    freeze.go_live(study, pilot=True)
    freeze.go_live(study)
    assert versions.listed(study)[0].changes == []
    assert [p.pilot for p in study.protocols.order_by("version")] == [True, False]


@pytest.mark.parametrize("state", ["pilot", "live", "closed"])
def test_nothing_of_a_sealed_study_can_be_changed_in_the_desk(admin_client: Client, state: str) -> None:
    study = ready_study()
    freeze.go_live(study, pilot=state == "pilot")
    Study.objects.filter(pk=study.pk).update(state=state)
    before = freeze.draft_of(again(study)).hash
    stimulus = study.stimuli.all()[0]
    form = {"title": "Other", "target_participants": 99, "pool_size": 2, "seed": 1, "languages": "[]"}
    form |= {"conditions-TOTAL_FORMS": 1, "conditions-INITIAL_FORMS": 0, "conditions-0-column": "New"}
    form |= {
        "texts-TOTAL_FORMS": 1,
        "texts-INITIAL_FORMS": 0,
        "texts-0-key": "welcome",
        "texts-0-markdown": "Hi",
    }
    form |= {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
    admin_client.post(reverse("admin:studies_study_change", args=[study.pk]), form)
    url = reverse("admin:stimuli_stimulus_change", args=[stimulus.pk])
    refused = admin_client.post(url, {"key": "other", "stimulus_class": "x", "role": "reserve"})
    assert refused.status_code == 403
    url = reverse("admin:stimuli_stimulus_delete", args=[stimulus.pk])
    admin_client.post(url, {"post": "yes"})  # says on the image's page why it stays
    picked = {"action": "delete_selected", "_selected_action": [stimulus.pk], "post": "yes"}
    admin_client.post(reverse("admin:stimuli_stimulus_changelist"), picked)
    for name, data in (("conditions", {"preset": "pilot"}), ("upload-maps", {})):
        admin_client.post(reverse(f"admin:study_{name}", args=[study.pk]), data)
    with pytest.raises(ImagesRefused, match="new version"):
        add_images(again(study), [])
    assert freeze.draft_of(again(study)).hash == before


def test_the_live_page_says_that_a_sealed_study_needs_a_new_version(admin_client: Client) -> None:
    study = ready_study()
    url = reverse("admin:study_live", args=[study.pk])
    admin_client.post(url, {"verb": "live"})
    page = " ".join(admin_client.get(url).content.decode().split())
    assert "a change of anything else needs a new version" in page


def test_conditions_that_people_were_shown_stay_and_others_may_go(admin_client: Client) -> None:
    study = factories.live()
    factories.participant(study)
    life.step(study, "version")
    url = reverse("admin:study_conditions", args=[study.pk])
    shown = {"tick": ["gradcam|MobileNetV2"], "column:gradcam": "Column 0"}
    page = admin_client.post(url, shown, follow=True).content.decode()
    assert "Participants of an earlier version were shown Column 1" in page
    assert study.conditions.count() == 3
    more = {"tick": [f"{key}|MobileNetV2" for key in (*factories.METHODS, "edges")]}
    more |= {f"column:{key}": f"Column {n}" for n, key in enumerate(factories.METHODS)}
    ids = set(study.conditions.values_list("pk", flat=True))
    admin_client.post(url, more)
    assert study.conditions.count() == 4
    assert ids < set(study.conditions.values_list("pk", flat=True))  # the same rows, under the same answers


def test_the_form_of_a_condition_that_people_were_shown_keeps_what_it_is() -> None:
    study = factories.live()
    factories.participant(study)
    condition = study.conditions.all()[0]
    data = {"column": "New", "column_order": 0, "classifier": "MobileNetV2", "base": "gradcam", "method": ""}
    form = ConditionForm(data, instance=condition)
    assert "keep it as it is" in str(form.errors)
    condition.refresh_from_db()
    assert ConditionForm(data | {"column": condition.column}, instance=condition).is_valid()


def test_the_key_of_an_image_is_fixed_once_a_protocol_names_it() -> None:
    study = ready_study()
    model_admin = site._registry[Stimulus]
    request = RequestFactory().get("/")
    request.user = User(is_superuser=True, is_staff=True, is_active=True)
    stimulus = study.stimuli.all()[0]
    assert "key" not in model_admin.get_readonly_fields(request, stimulus)
    freeze.go_live(study)
    life.step(study, "version")
    stimulus = study.stimuli.all()[0]
    assert "key" in model_admin.get_readonly_fields(request, stimulus)
    assert model_admin.has_change_permission(request, stimulus)


def test_a_changed_map_is_one_line_for_its_method_and_a_condition_is_named() -> None:
    study = ready_study()
    freeze.go_live(study)
    life.step(study, "version")
    MapPicture.objects.filter(saliency_map__method="gradcam").update(sha256="0" * 64)
    study.conditions.filter(method="add-edges").update(column="Edges added")
    changes = versions.listed(again(study), freeze.draft_of(again(study)).document)[0].changes
    assert [(c.path, c.old is None, c.new is None) for c in changes] == [
        ("conditions.Edges added: MobileNetV2 gradcam.add-edges", True, False),
        ("conditions.Ours 1: MobileNetV2 gradcam.add-edges", False, True),
        ("maps.MobileNetV2 gradcam", False, False),
    ]
