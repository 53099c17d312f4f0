"""A map over its image, at the image's own size: for researchers of the study, and nowhere else."""

import io

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from PIL import Image

from survey_site.stimuli import storage
from survey_site.stimuli.models import MapPicture
from tests.studies.sample import ready_study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


def test_it_covers_what_the_network_saw_and_leaves_the_rest(admin_client: Client) -> None:
    ready_study()
    row = MapPicture.objects.filter(saliency_map__method="gradcam").order_by("pk")[0]
    stimulus = row.saliency_map.stimulus
    response = admin_client.get(reverse("admin:map_overlay", args=[row.pk]))
    assert response["Content-Type"] == "image/jpeg"
    laid = np.asarray(Image.open(io.BytesIO(response.content)).convert("RGB")).astype(float)
    photo = np.asarray(Image.open(io.BytesIO(storage.get(stimulus.path))).convert("RGB")).astype(float)
    assert laid.shape == photo.shape == (30, 40, 3)
    shown = Image.open(io.BytesIO(storage.get(row.path))).convert("RGB").resize((30, 30))
    expected = photo.copy()
    expected[:, 5:35] = (photo[:, 5:35] + np.asarray(shown)) / 2
    assert np.abs(laid - expected).mean() < 12  # JPEG
    assert np.abs(laid - expected).mean() < np.abs(laid - photo).mean() / 2


def test_a_squashed_image_is_covered_as_a_whole(admin_client: Client) -> None:
    ready_study()
    row = MapPicture.objects.filter(saliency_map__method="gradcam").order_by("pk")[0]
    address = reverse("admin:map_overlay", args=[row.pk])
    cropped = admin_client.get(address).content
    row.saliency_map.provenance = {"fit": "squash"}
    row.saliency_map.save()
    assert admin_client.get(address).content != cropped


def test_pages_of_a_map_lead_to_it_but_not_those_of_an_original(admin_client: Client) -> None:
    ready_study()
    for method, there in (("gradcam", True), ("original", False)):
        row = MapPicture.objects.filter(saliency_map__method=method).order_by("pk")[0]
        page = admin_client.get(reverse("admin:stimuli_saliencymap_change", args=[row.saliency_map_id]))
        assert (reverse("admin:map_overlay", args=[row.pk]) in page.content.decode()) == there
    row = MapPicture.objects.filter(saliency_map__method="gradcam").order_by("pk")[0]
    page = admin_client.get(reverse("admin:stimulus_compare", args=[row.saliency_map.stimulus_id]))
    assert reverse("admin:map_overlay", args=[row.pk]) in page.content.decode()


def test_nobody_sees_it_of_another_ones_study(client: Client) -> None:
    ready_study()
    row = MapPicture.objects.order_by("pk")[0]
    address = reverse("admin:map_overlay", args=[row.pk])
    assert client.get(address).status_code == 302
    client.force_login(User.objects.create_user("eve", is_staff=True))
    assert client.get(address).status_code == 404
