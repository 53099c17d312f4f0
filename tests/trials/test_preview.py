"""The preview: every page, language and condition of a draft, and no trace of it anywhere."""

import csv
import io
import json
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from survey_site.protocols import freeze
from survey_site.recruitment.models import Recruitment
from survey_site.reports.monitor import snapshot
from survey_site.stimuli import storage
from survey_site.stimuli.models import MapPicture, SaliencyMap
from survey_site.studies.models import Study, StudyText
from survey_site.trials import preview
from survey_site.trials.models import Exposure, ExternalId, Participant, Response, Ticket, Trial
from survey_site.trials.outcomes import outcomes
from tests import factories
from tests.trials.player import Form, begin, fill, play

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

PARTS = {
    "start", "demographics", "instructions_matching", "practice_matching", "matching", "check_matching",
    "instructions_rating", "practice_rating", "rating", "check_rating", "debrief", "done",
}  # fmt: skip


@pytest.fixture
def study() -> Study:
    study = factories.draft(images=6, reserve=6, attention_checks=2)
    StudyText.objects.create(
        study=study, key="demographics", language="en", markdown="age*: How old? [18-99]"
    )
    return study


def at(study: Study, place: int, language: str = "en", condition: int = 0) -> str:
    return reverse("admin:study_preview-page", args=[study.pk, language, condition, place])


def rows_of_everything() -> dict[str, int]:
    return {m._meta.label: m._base_manager.count() for m in apps.get_models() if m is not Session}


def place_of(study: Study, part: str, language: str = "en") -> int:
    return next(p.number for p in preview.Walk(study, language).places() if p.part == part)


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_every_page_of_a_draft_can_be_seen_and_nothing_is_written(
    admin_client: Client, study: Study, language: str
) -> None:
    walk = preview.Walk(study, language)
    own = set() if language == "en" else {"demographics"}  # asked in English only
    assert {place.part for place in walk.places()} == PARTS - own
    before = rows_of_everything()
    for place in range(len(walk.steps)):
        response = admin_client.get(at(study, place, language))
        assert response.status_code == 200
        html = response.content.decode()
        assert 'class="preview"' in html
        assert f'lang="{language}"' in html
        assert response["Cache-Control"].find("no-store") >= 0
        for address in Form(html).images:
            assert admin_client.get(address)["Content-Type"] == "image/png"
    assert admin_client.get(at(study, len(walk.steps), language)).status_code == 404
    assert rows_of_everything() == before


def test_the_whole_way_can_be_gone_with_plain_forms_and_leaves_no_row(
    admin_client: Client, study: Study
) -> None:
    before = rows_of_everything()
    address, met = at(study, 0), 0
    while (form := Form(admin_client.get(address).content.decode())).forms:
        fields = fill(form) | {"q_age": "30"}
        response = admin_client.post(address, fields)
        assert response.status_code == 303
        address, met = response["Location"], met + 1
    assert met == len(preview.Walk(study, "en").steps) - 1
    assert rows_of_everything() == before


def test_the_script_of_the_trial_page_is_led_to_the_next_page(admin_client: Client, study: Study) -> None:
    place = place_of(study, "matching")
    html = admin_client.get(at(study, place)).content.decode()
    assert f'data-resume="{at(study, place + 1)}"' in html
    before = rows_of_everything()
    answer = admin_client.post(
        at(study, place + 1) + "?after=1", {"choice": "0"}, headers={"Accept": "application/json"}
    )
    assert answer.json() == {"ok": True, "current": -1, "trials": []}
    ahead = admin_client.get(reverse("admin:study_preview-upcoming", args=[study.pk]) + "?after=1")
    assert ahead.json()["trials"] == []
    assert rows_of_everything() == before


@pytest.mark.parametrize("method", ["add-edges", "add-blend21"])
@pytest.mark.parametrize("part", ["practice_matching", "matching", "rating"])
def test_any_block_is_shown_under_the_condition_that_was_chosen(
    admin_client: Client, study: Study, part: str, method: str
) -> None:
    condition = study.conditions.get(method=method)
    walk = preview.Walk(study, "en", condition)
    place = place_of(study, part)
    row = walk.rows[walk.steps[place].position]
    expected = MapPicture.objects.get(
        saliency_map__stimulus=row.stimulus, saliency_map__method=f"gradcam.{method}"
    )
    html = admin_client.get(at(study, place, condition=condition.pk)).content.decode()
    assert str(condition) in html
    shown = admin_client.get(Form(html).images[0]).content
    assert shown == preview.render(expected.path, preview.side_of(study))


def test_the_form_leads_to_the_part_language_and_condition(admin_client: Client, study: Study) -> None:
    url = reverse("admin:study_preview", args=[study.pk])
    page = admin_client.get(url).content.decode()
    condition = study.conditions.all()[1]
    assert f'<option value="{condition.pk}">' in page
    response = admin_client.get(url, {"part": "rating", "language": "ar", "condition": str(condition.pk)})
    assert response["Location"] == at(study, place_of(study, "rating", "ar"), "ar", condition.pk)
    for strange in ({"language": "a/b"}, {"language": "en", "condition": str(10**16)}):
        found = admin_client.get(url, {"part": "rating", **strange}, follow=True)
        assert found.status_code == 404


def test_what_is_wrong_is_said_in_the_words_of_the_study(admin_client: Client, study: Study) -> None:
    for part, words in (
        ("start", "tick the box"),
        ("demographics", "Please answer this question"),
        ("matching", "choose one of the photos"),
        ("rating", "choose a number from 0 to 6"),
    ):
        address = at(study, place_of(study, part))
        form = Form(admin_client.get(address).content.decode())
        response = admin_client.post(address, form.hidden)
        assert response.status_code == 422
        assert words in response.content.decode()


def test_feedback_follows_the_choice(admin_client: Client, study: Study) -> None:
    walk = preview.Walk(study, "en")
    place = place_of(study, "practice_matching")
    row = walk.rows[walk.steps[place].position]
    right = row.pool.index(row.stimulus)
    for choice, words in (
        (right, "Right"),
        ((right + 1) % len(row.pool), "Not this time"),
        ("cant_tell", "Not"),
    ):
        html = admin_client.get(at(study, place + 1) + f"?choice={choice}").content.decode()
        assert words in html


def test_maps_that_are_not_computed_yet_are_grey_and_counted(admin_client: Client, study: Study) -> None:
    SaliencyMap.objects.exclude(method="original").delete()
    SaliencyMap.objects.filter(method="original").delete()
    place = place_of(study, "rating")
    html = admin_client.get(at(study, place)).content.decode()
    assert "maps missing" in html
    grey, original = (admin_client.get(address).content for address in Form(html).images[:2])
    assert grey == preview.render("", preview.side_of(study))
    assert original != grey
    assert (
        "not computed yet"
        in admin_client.get(reverse("admin:study_preview", args=[study.pk])).content.decode()
    )


def test_a_draft_that_cannot_be_planned_shows_its_texts_and_says_what_is_missing(
    admin_client: Client,
) -> None:
    for study in (Study.objects.create(slug="empty", title="Empty"), factories.draft("few", images=3)):
        parts = {place.part for place in preview.Walk(study, "en").places()}
        assert parts == {"start", "debrief", "done"}
        page = admin_client.get(reverse("admin:study_preview", args=[study.pk])).content.decode()
        assert "Trials cannot be shown yet" in page
        assert admin_client.get(at(study, 0)).status_code == 200


def test_pages_and_pictures_are_for_the_studys_researchers_only(client: Client, study: Study) -> None:
    factories.draft("other")
    owner = User.objects.create_user("owner", is_staff=True)
    Study.objects.filter(pk=study.pk).update(owner=owner)
    client.force_login(owner)
    picture = Form(client.get(at(study, place_of(study, "matching"))).content.decode()).images[0]
    token = picture.rsplit("/", 1)[1]
    assert client.get(picture).status_code == 200
    # Neither in another study nor at the participants' address does the picture's name open anything.
    other = Study.objects.get(slug="other")
    Study.objects.filter(pk=other.pk).update(owner=owner)
    assert client.get(reverse("admin:study_preview-picture", args=[other.pk, token])).status_code == 404
    assert client.get(reverse("image", args=[token])).status_code == 404
    client.force_login(User.objects.create_user("stranger", is_staff=True))
    assert client.get(picture).status_code == 404
    assert client.get(at(study, 0)).status_code == 404
    client.logout()
    assert client.get(picture).status_code == client.get(at(study, 0)).status_code == 302


def test_the_made_up_participants_address_opens_nothing(client: Client, study: Study) -> None:
    assert client.get(reverse("resume", args=[preview.TOKEN])).status_code == 404
    assert client.get(reverse("withdraw", args=[preview.TOKEN])).status_code == 404


def test_a_source_that_is_no_square_is_cut_as_for_the_worker() -> None:
    from PIL import Image

    out = io.BytesIO()
    wide = Image.new("RGB", (90, 30), "red")
    wide.paste("blue", (30, 0, 60, 30))
    wide.save(out, format="PNG")
    path, _digest = storage.put("stimuli", out.getvalue(), ".png")
    with Image.open(io.BytesIO(preview.render(path, 16))) as image:
        assert image.size == (16, 16)
        assert {colour for _n, colour in image.getcolors() or []} == {(0, 0, 255)}


def test_a_stored_preview_is_in_no_count_export_report_quota_or_ticket(
    admin_client: Client, client: Client, tmp_path: Path
) -> None:
    study = factories.live(target_participants=2)
    Recruitment.objects.create(study=study, quota=1)
    play(admin_client, begin(admin_client, "test", "?preview=1&PROLIFIC_PID=researcher"))
    seen = Participant.objects.get()
    assert (seen.kind, seen.state) == ("preview", "finished")
    assert Ticket.objects.count() == 0

    now = snapshot(study)
    assert (sum(now.states.values()), now.finished, now.bots, now.checks_given) == (0, 0, 0, 0)
    assert now.rows and not any(row.answers for row in now.rows)
    index = admin_client.get("/admin/").content.decode()
    assert "0/2" in index and "started" not in index
    assert outcomes(study, "prolific") == []

    report = io.StringIO()
    call_command("report", "test", "--format", "json", stdout=report)
    assert all(not column["faith"]["n"] for column in json.loads(report.getvalue())["columns"])
    lines = b"".join(admin_client.get(reverse("responses_csv", args=["test"])).streaming_content)  # type: ignore[attr-defined]
    assert list(csv.DictReader(io.StringIO(lines.decode()))) == []
    assert admin_client.get("/api/v1/studies/test/participants/").json()["results"] == []
    assert admin_client.get("/api/v1/studies/test/responses/").json()["results"] == []
    call_command("export_study", "test", "--out", str(tmp_path / "folder"), stdout=io.StringIO())
    assert (tmp_path / "folder" / "participants.jsonl").read_text() == ""
    assert (tmp_path / "folder" / "trials.jsonl").read_text() == ""

    begin(client, "test")  # the one place of the quota, and the first ticket, are still there
    assert Ticket.objects.get().number == 0


def test_a_preview_of_a_live_study_is_of_its_sealed_state(admin_client: Client, study: Study) -> None:
    freeze.go_live(study)
    study.refresh_from_db()
    before = rows_of_everything()
    assert admin_client.get(at(study, place_of(study, "rating"))).status_code == 200
    page = admin_client.get(reverse("admin:study_preview", args=[study.pk])).content.decode()
    assert "Take part as a preview" in page
    assert rows_of_everything() == before
    assert not any(m.objects.exists() for m in (Participant, Trial, Response, Exposure, Ticket, ExternalId))
