"""The gallery: counts per class, ticked images deleted, set aside and relabelled; what an upload asks."""

from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from survey_site.protocols import freeze
from survey_site.stimuli.archives import Upload
from survey_site.stimuli.intake import TwoClasses, add_images
from survey_site.stimuli.models import SaliencyMap, Stimulus
from survey_site.studies.models import AuditEntry, Study
from tests.stimuli.pictures import encoded
from tests.studies.sample import ready_study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def study() -> Study:
    return ready_study(images=6, reserve=3)


def at(study: Study) -> str:
    return reverse("admin:study_images", args=[study.pk])


def act(client: Client, study: Study, verb: str, *keys: str, **more: str) -> str:
    chosen = list(study.stimuli.filter(key__in=keys).values_list("pk", flat=True))
    return client.post(at(study), {"verb": verb, "image": chosen} | more, follow=True).content.decode()


def upload(client: Client, study: Study, *files: tuple[str, bytes], **more: str) -> Any:
    pictures = [SimpleUploadedFile(name, data) for name, data in files]
    return client.post(at(study), {"pictures": pictures, "stimulus_class": "", "role": "main"} | more)


def keys(study: Study, **filters: str) -> set[str]:
    return set(study.stimuli.filter(**filters).values_list("key", flat=True))


def test_images_stand_under_their_classes_with_their_numbers(admin_client: Client, study: Study) -> None:
    classes = admin_client.get(at(study)).context["classes"]
    assert [(one["label"], one["main"], one["reserve"]) for one in classes] == [
        ("class 0", 2, 0), ("class 1", 2, 0), ("class 2", 2, 0), ("reserve", 0, 3),
    ]  # fmt: skip


def test_ticked_images_go_with_their_maps_and_files(admin_client: Client, study: Study) -> None:
    path = study.stimuli.get(key="m1").path
    maps = SaliencyMap.objects.count()
    with_commit = act(admin_client, study, "delete", "m1", "m2")
    assert "2 images deleted" in with_commit and keys(study) == {"m0", "m3", "m4", "m5", "r0", "r1", "r2"}
    assert SaliencyMap.objects.count() == maps - 6
    assert default_storage.exists(path)  # until the transaction of the test is over
    assert AuditEntry.objects.get(verb="images deleted").detail == "2: m1; m2"


def test_ticked_images_are_set_aside_counted_and_relabelled(admin_client: Client, study: Study) -> None:
    act(admin_client, study, "reserve", "m0")
    assert "m0" in keys(study, role="reserve")
    act(admin_client, study, "main", "m0", "r0")
    assert {"m0", "r0"} <= keys(study, role="main")
    assert "are of the class “owl” now" in act(admin_client, study, "relabel", "m0", "m1", label="owl")
    assert keys(study, stimulus_class="owl") == {"m0", "m1"}
    assert not any(image.seal_fault() for image in study.stimuli.all())


@pytest.mark.parametrize(
    ("verb", "chosen", "more", "says"),
    [
        ("delete", [], {}, "Tick the images first"),
        ("relabel", ["m0"], {"label": " "}, "Write the class"),
        ("relabel", ["m0"], {"label": "x" * 121}, "Write the class"),
        ("nonsense", ["m0"], {}, "Choose one of the buttons"),
        ("deal", [], {}, "have the images that they need"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    admin_client: Client, study: Study, verb: str, chosen: list[str], more: dict[str, str], says: str
) -> None:
    before = list(study.stimuli.order_by("pk").values())
    assert says in act(admin_client, study, verb, *chosen, **more)
    assert list(study.stimuli.order_by("pk").values()) == before


def test_an_image_of_another_study_is_not_touched(admin_client: Client, study: Study) -> None:
    other = ready_study(slug="other")
    foreign = other.stimuli.all()[0]
    admin_client.post(at(study), {"verb": "delete", "image": [foreign.pk]})
    assert other.stimuli.filter(pk=foreign.pk).exists()


def test_a_sealed_study_and_images_that_were_shown_stay(admin_client: Client, study: Study) -> None:
    freeze.go_live(study)
    assert "The study is sealed" in act(admin_client, study, "delete", "m0")
    Study.objects.update(state="draft")
    assert "participants of an earlier version were shown" in act(admin_client, study, "delete", "m0")
    assert "Sealed versions of this study name" in act(admin_client, study, "relabel", "m0", label="x")
    assert "m0" in keys(study) and not keys(study, stimulus_class="x")


def test_what_practice_lacks_is_set_aside_by_one_click(admin_client: Client, study: Study) -> None:
    study.stimuli.filter(role="reserve").delete()
    add_images(study, [Upload(f"x{n}.png", encoded(200 + n), "class 0") for n in range(3)])
    html = admin_client.get(at(study)).content.decode()
    assert "Set 3 aside" in html
    assert "3 images set aside" in act(admin_client, study, "deal")
    assert study.stimuli.filter(role="reserve", stimulus_class="class 0").count() == 3
    assert "Set 3 aside" not in admin_client.get(at(study)).content.decode()


def test_images_smaller_than_the_classifiers_input_are_told(admin_client: Client, study: Study) -> None:
    html = admin_client.get(at(study)).content.decode()
    assert "9 images are smaller than the 224 px that MobileNetV2 looks at" in html
    Stimulus.objects.update(width=224, height=300)
    assert "smaller than the" not in admin_client.get(at(study)).content.decode()


def test_the_same_picture_under_two_classes_is_a_question(admin_client: Client, study: Study) -> None:
    twin, new = ("again.png", encoded(0)), ("new.png", encoded(77))
    response = upload(admin_client, study, twin, new, stimulus_class="owl")
    assert response.status_code == 422
    assert "same picture as m0, of the class “class 0”" in response.content.decode().replace("&quot;", '"')
    assert 'name="twins" value="keep"' in response.content.decode() and "new" not in keys(study)
    upload(admin_client, study, twin, new, stimulus_class="owl", twins="keep")
    assert keys(study, stimulus_class="owl") == {"new"}
    upload(admin_client, study, twin, stimulus_class="owl", twins="take")
    assert keys(study, stimulus_class="owl") == {"new", "m0"}


def test_two_folders_of_one_upload_with_the_same_picture_are_one_too(study: Study) -> None:
    uploads = [Upload("a.png", encoded(70), "cat"), Upload("b.png", encoded(70), "dog")]
    with pytest.raises(TwoClasses, match=r"b.png, of the class “dog”, is the same picture as a"):
        add_images(study, uploads)
    assert "a" not in keys(study)
    assert add_images(study, [uploads[0], Upload("c.png", encoded(70))]).duplicates == ["c.png"]


def test_the_good_images_are_taken_where_the_sender_says_so(admin_client: Client, study: Study) -> None:
    files = [("bad.png", b"no"), *((f"g{n}.png", encoded(80 + n)) for n in range(2))]
    html = upload(admin_client, study, *files).content.decode()
    assert "Take the other 2 images" in html and "g0" not in keys(study)
    html = upload(admin_client, study, *files, skip_bad="1").content.decode()
    assert {"g0", "g1"} <= keys(study)
    only_bad = upload(admin_client, study, ("bad.png", b"no"), skip_bad="1")
    assert only_bad.status_code == 422 and "Take the other" not in only_bad.content.decode()
