"""Methods side by side: chosen by the address, original and edges beside them, provenance one link away."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from survey_site.stimuli.models import MapPicture, SaliencyMap, Stimulus
from survey_site.studies.models import Study
from tests.studies.sample import CLASSIFIER, add_maps, ready_study
from tests.trials.player import Form

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def study() -> Study:
    return ready_study(images=2, reserve=0, columns=6)


def at(stimulus: Stimulus, *methods: str) -> str:
    url = reverse("admin:stimulus_compare", args=[stimulus.pk])
    return url + "?" + "&".join(f"m={CLASSIFIER}%7C{method}" for method in methods)


def pictures(html: str) -> list[str]:
    """Methods of the pictures shown, in order."""
    shown = [src.removesuffix(".png").rsplit("/", 1)[1] for src in Form(html).images if "/picture/" in src]
    return [MapPicture.objects.get(pk=pk).saliency_map.method for pk in shown]


def test_the_methods_in_the_address_are_shown_after_original_and_edges(
    admin_client: Client, study: Study
) -> None:
    stimulus = study.stimuli.get(key="m0")
    add_maps(stimulus, ["edges"], originals=False)
    html = admin_client.get(at(stimulus, "gradcam.comp-edges", "gradcam")).content.decode()
    assert pictures(html) == ["original", "edges", "gradcam.comp-edges", "gradcam"]
    for shown in SaliencyMap.objects.filter(stimulus=stimulus, method__startswith="gradcam.comp-edges"):
        assert reverse("admin:stimuli_saliencymap_change", args=[shown.pk]) in html
    assert "<script" not in html[html.index("survey-compare") :].partition("</form>")[0]


def test_without_a_choice_two_methods_are_shown(admin_client: Client, study: Study) -> None:
    html = admin_client.get(at(study.stimuli.get(key="m0"))).content.decode()
    assert pictures(html) == ["original", "gradcam", "gradcam.add-blend11"]


def test_a_fifth_method_is_left_out_and_a_missing_one_named(admin_client: Client, study: Study) -> None:
    stimulus = study.stimuli.get(key="m0")
    keys = [condition.key for condition in study.conditions.all()]
    html = admin_client.get(at(stimulus, *keys)).content.decode()
    assert pictures(html) == ["original", *keys[:4]]
    assert "At most 4 methods" in html
    html = admin_client.get(at(stimulus, "gradcam", "cam")).content.decode()
    assert "1 of the methods chosen" in html


def test_the_choice_goes_on_to_the_next_image(admin_client: Client, study: Study) -> None:
    first, second = study.stimuli.order_by("key")
    html = admin_client.get(at(first, "gradcam.add-edges", "gradcam")).content.decode()
    assert at(second, "gradcam.add-edges", "gradcam").replace("&", "&amp;") in html


def test_a_map_of_a_further_class_is_chosen_by_its_rank_and_named_by_its_class(
    admin_client: Client, study: Study
) -> None:
    stimulus = study.stimuli.get(key="m0")
    row = stimulus.maps.get(method="gradcam")
    picture = row.pictures.get()
    row.pk, row.rank, row.class_index, row.class_name = None, 1, 2, "cat"
    row.save()
    further = MapPicture.objects.create(saliency_map=row, colour_map="jet", path=picture.path)
    html = admin_client.get(at(stimulus)).content.decode()
    assert pictures(html) == ["original", "gradcam", "gradcam.add-blend11"]
    assert html.count("2nd class: cat") == 1  # offered, not shown
    html = admin_client.get(at(stimulus, "gradcam", "gradcam%7C1")).content.decode()
    assert pictures(html) == ["original", "gradcam", "gradcam"]
    assert reverse("admin:map_picture", args=[further.pk]) in html
    assert f"<b>Grad-CAM · 2nd class: cat · {CLASSIFIER}</b>" in html


def test_an_image_without_maps_says_how_to_get_some(admin_client: Client, study: Study) -> None:
    stimulus = study.stimuli.get(key="m0")
    stimulus.maps.all().delete()
    assert "no map yet" in admin_client.get(at(stimulus)).content.decode()
    page = admin_client.get(reverse("admin:stimuli_stimulus_change", args=[stimulus.pk])).content.decode()
    assert "Compute the study&#x27;s maps" in page


def test_the_contact_sheet_leads_to_the_comparison(admin_client: Client, study: Study) -> None:
    stimulus = study.stimuli.get(key="m0")
    page = admin_client.get(reverse("admin:stimuli_stimulus_change", args=[stimulus.pk])).content.decode()
    assert reverse("admin:stimulus_compare", args=[stimulus.pk]) in page


def test_a_stranger_sees_nothing_and_the_queries_do_not_grow_with_the_maps(
    client: Client, admin_client: Client, study: Study
) -> None:
    stimulus, other = study.stimuli.order_by("key")
    other.maps.exclude(method__in=["original", "gradcam", "gradcam.add-edges"]).delete()
    admin_client.get(at(stimulus))
    used = []
    for one in (other, stimulus):
        with CaptureQueriesContext(connection) as queries:
            admin_client.get(at(one, "gradcam", "gradcam.add-edges"))
        used.append(len(queries))
    assert used[0] == used[1] <= 10
    client.force_login(User.objects.create_user("stranger", is_staff=True))
    assert client.get(at(stimulus)).status_code == 404


def test_what_the_network_says_to_the_photo_stands_apart_from_what_it_says_to_the_masked_one(
    admin_client: Client, study: Study
) -> None:
    stimulus = study.stimuli.get(key="m0")
    masked = {
        "class_index": 258,
        "class_name": "Samoyed",
        "confidence": 0.31,
        "right": False,
        "kept_share": 0.8,
    }
    stimulus.maps.filter(method="gradcam").update(metrics=masked)
    photo = {"class_index": 1, "class_name": "goldfish", "confidence": 0.97}
    stimulus.maps.filter(method="original").update(metrics=masked | {"photo": photo})
    shown = admin_client.get(at(stimulus, "gradcam")).context["shown"]
    told = {(one.name.partition("|")[2], title): dict(facts) for one in shown for title, facts in one.facts}
    assert told["original", "The network says to the photo"] == {"class": "goldfish", "confidence": "0.970"}
    assert told["gradcam", "The network says to the photo"]["class"] == "goldfish"
    assert told["gradcam", "This map explains"] == {"class": "tench"}
    own = told["gradcam", "… to the photo masked by this map"]
    assert own == {
        "class": "Samoyed",
        "confidence": "0.310",
        "same class as the photo": "no",
        "of it kept": "80 %",
    }
    assert told["original", "… to the photo masked by its own brightness"]["class"] == "Samoyed"


def test_a_map_that_is_the_same_everywhere_is_said_to_explain_nothing(
    admin_client: Client, study: Study
) -> None:
    stimulus = study.stimuli.get(key="m0")
    nothing = dict.fromkeys(("right", "class_index", "class_name", "confidence"))
    stimulus.maps.filter(method="gradcam").update(metrics={**nothing, "kept_share": 1.0, "empty": True})
    shown = admin_client.get(at(stimulus, "gradcam")).context["shown"]
    (facts,) = (dict(one.facts) for one in shown if one.name.endswith("|gradcam"))
    assert facts["This map is the same everywhere"] == [("explains", "nothing; it has no scores")]
    assert "… to the photo masked by this map" not in facts


def test_all_maps_stand_at_a_glance_and_what_is_missing_is_marked(admin_client: Client, study: Study) -> None:
    study.stimuli.get(key="m1").maps.get(method="gradcam").delete()
    response = admin_client.get(reverse("admin:study_map-gallery", args=[study.pk]))
    html = response.content.decode()
    assert html.count('class="survey-missing"') == 1
    assert len(response.context["columns"]) == 7 and len(response.context["rows"]) == 2  # the originals too
    cells = dict(
        zip([c.method for c in response.context["columns"]], response.context["rows"][0][1], strict=True)
    )
    for method, (_column, picture) in cells.items():
        assert picture.saliency_map.method == method and picture.saliency_map.stimulus.key == "m0"
