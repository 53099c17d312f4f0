"""Going live from the desk: what is sealed is said before, a large study is sealed by the queue, the link is given out."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from survey_site.celery import app
from survey_site.protocols import freeze, served_images
from survey_site.reports import cached_task, sealing, tasks
from survey_site.stimuli.models import SaliencyMap
from survey_site.studies.models import Study
from tests.studies.sample import ready_study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.setattr(sealing, "AT_ONCE", 5)
    return ready_study()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    cache.clear()
    messages: list[Any] = []
    monkeypatch.setattr(app, "send_task", lambda name, args, queue: messages.append((name, args)))
    yield messages
    cache.clear()


def at(study: Study) -> str:
    return reverse("admin:study_live", args=[study.pk])


def state(study: Study) -> str:
    return str(Study.objects.values_list("state", flat=True).get(pk=study.pk))


def test_what_is_sealed_is_said_beside_the_button(admin_client: Client, study: Study) -> None:
    html = admin_client.get(at(study)).content.decode()
    assert "6 for counted trials, 3 for practice and checks" in html
    assert "2: Grad-CAMs, Ours 1" in html and "Yes, seal it and go live" in html
    assert "Left out is who fails 2 attention checks or more." in html


def test_maps_that_are_the_same_everywhere_are_said_before_they_are_sealed(
    admin_client: Client, study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    row = (
        SaliencyMap.objects.filter(stimulus__study=study, method="gradcam").order_by("stimulus__key").first()
    )
    assert row and "show nothing" not in admin_client.get(at(study)).content.decode()
    SaliencyMap.objects.filter(pk=row.pk).update(metrics={"empty": True})
    said = f"same everywhere and show nothing: 1 of 27, on 1 of the images ({row.stimulus.key}, gradcam of "
    assert said in admin_client.get(at(study)).content.decode()
    call_command("go_live", study.slug)
    assert said in capsys.readouterr().out


def test_a_large_study_is_sealed_by_the_queue_while_the_page_shows_how_far_it_is(
    admin_client: Client, admin_user: User, study: Study, sent: list[Any]
) -> None:
    seen = admin_client.get(at(study)).context["seen"]
    page = admin_client.post(at(study), {"verb": "live", "seen": seen}, follow=True).content.decode()
    assert state(study) == "draft" and sent == [("reports.seal", [study.pk, "live", admin_user.pk, "", seen])]
    assert 'id="sealing"' in page
    admin_client.post(at(study), {"verb": "live", "seen": seen})
    assert len(sent) == 1
    cached_task.set_progress(sealing.key_of(study), 0.4, "12 / 30")
    fragment = admin_client.get(reverse("admin:study_sealing", args=[study.pk]))
    assert "40 % of the pictures are written (12 / 30)" in fragment.content.decode()
    assert "HX-Refresh" not in fragment
    tasks.seal(*sent[0][1])
    assert state(study) == "live"
    assert admin_client.get(reverse("admin:study_sealing", args=[study.pk]))["HX-Refresh"] == "true"
    assert study.protocols.get().sealed_by == admin_user


def test_progress_rises_to_the_end(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[float] = []
    monkeypatch.setattr(served_images, "TOLD_EVERY", 4)
    freeze.go_live(study, told=lambda fraction, _label: heard.append(fraction))
    assert len(heard) > 4 and heard == sorted(heard) and heard[-1] < 1


def test_what_stands_in_the_way_is_said_at_once_and_what_comes_between_afterwards(
    admin_client: Client, study: Study, sent: list[Any]
) -> None:
    seen = admin_client.get(at(study)).context["seen"]
    admin_client.post(at(study), {"verb": "live", "seen": seen})
    Study.objects.update(target_participants=99)  # before the worker comes
    tasks.seal(*sent[0][1])
    page = admin_client.get(at(study)).content.decode()
    assert "It could not go live" in page and "Somebody changed the study" in page and state(study) == "draft"
    study.stimuli.get(key="m2").maps.all().delete()
    page = admin_client.post(at(study), {"verb": "live"}, follow=True).content.decode()
    assert "m2: no map of gradcam by MobileNetV2" in page and len(sent) == 1
    assert reverse("admin:study_precompute", args=[study.pk]) in page and "Compute the maps" in page


def test_where_no_worker_answers_the_page_does_it_itself(
    admin_client: Client, study: Study, sent: list[Any]
) -> None:
    admin_client.post(at(study), {"verb": "live"})
    told = dict(cached_task.progress_of(sealing.key_of(study)) or {}) | {"at": 0.0}
    cache.set(f"progress:{sealing.key_of(study)}", told)
    page = admin_client.get(at(study)).content.decode()
    assert "No worker answers" in page and 'name="here"' in page
    admin_client.post(at(study), {"verb": "live", "here": "1"})
    assert state(study) == "live"
    tasks.seal(*sent[0][1])  # the message comes after all
    assert study.protocols.count() == 1


def test_the_link_is_there_to_copy_and_to_scan(admin_client: Client, study: Study) -> None:
    assert "The participants' link" not in admin_client.get(at(study)).content.decode()
    admin_client.post(at(study), {"verb": "live", "here": "1"})
    html = admin_client.get(at(study)).content.decode()
    link = "http://testserver/s/sample/"
    assert f'data-copy="{link}"' in html and "<svg" in html
    for name in ("monitor", "recruitment"):
        assert reverse(f"admin:study_{name}", args=[study.pk]) in html
    assert reverse("report", args=[study.slug]) in html
