"""The counting of the fault suite finds every answer and map that is lost, altered, or there once too often."""

import pytest
from django.test import Client

from survey_site.stimuli.models import MapPicture, PrecomputeJob, SaliencyMap
from survey_site.studies.models import Study
from survey_site.trials.models import Participant, Response
from tests import factories
from tests.faults import counted
from tests.faults.acknowledged import BEGUN, KNOCKED, SENT, TAKEN, Acknowledged
from tests.faults.round import Row
from tests.trials.player import Form, begin, fill

pytestmark = pytest.mark.django_db


@pytest.fixture
def study(media: object) -> Study:
    return factories.live()


def played(study: Study, notes: Acknowledged, answers: int) -> str:
    """Somebody who gives so many answers by the pages, each of them noted; their token."""
    client = Client(HTTP_HOST="localhost")
    address = begin(client, study.slug)
    token = address.strip("/").split("/")[-1]
    notes.note(BEGUN, token)
    while answers:
        form = Form(client.get(address).content.decode())
        fields = fill(form, lambda name, offered: offered[0])
        assert client.post(address, fields).status_code == 303
        if form.offered:
            ((name, _),) = form.offered.items()
            position = int(fields["trial"].partition("-")[0])
            notes.note(SENT, token, position, fields[name])
            notes.note(TAKEN, token, position, fields[name])
            answers -= 1
    return token


@pytest.fixture
def notes(study: Study) -> Acknowledged:
    found = Acknowledged()
    for _ in range(2):
        played(study, found, 4)
    return found


def test_what_is_as_acknowledged_is_clean(study: Study, notes: Acknowledged) -> None:
    count = counted.answers(study, notes)
    assert (count.asked, count.found, count.lost, count.doubled) == (8, 8, 0, 0)
    assert Row("nothing happened", count).clean


def test_an_answer_that_is_gone_is_lost(study: Study, notes: Acknowledged) -> None:
    Response.objects.filter(pk=Response.objects.order_by("pk").values("pk")[:1]).delete()
    count = counted.answers(study, notes)
    assert (count.found, count.lost, count.doubled) == (7, 1, 0)
    assert not Row("an answer went", count).clean


def test_an_answer_that_was_altered_is_lost_and_the_other_was_never_sent(
    study: Study, notes: Acknowledged
) -> None:
    row = Response.objects.order_by("pk")[0]
    row.declined, row.answer = False, {"rating": 6}
    row.save()
    count = counted.answers(study, notes)
    assert (count.found, count.lost, count.doubled) == (7, 1, 1)


def test_a_participant_who_is_gone_loses_every_answer(study: Study, notes: Acknowledged) -> None:
    Participant.objects.filter(token=min(notes.begun)).delete()
    count = counted.answers(study, notes)
    assert (count.found, count.lost) == (4, 4)
    assert any("is missing" in problem for problem in count.problems)


def test_an_answer_and_a_participant_that_nobody_sent_are_too_many(study: Study, notes: Acknowledged) -> None:
    assert counted.participants(study, [notes]).clean
    others = Acknowledged()
    played(study, others, 1)
    assert counted.participants(study, [notes]).doubled == 1  # somebody began twice
    assert counted.participants(study, [notes, others]).clean
    del notes.sent[min(notes.begun)][0], notes.taken[min(notes.begun)][0]
    assert counted.answers(study, notes).doubled == 1
    assert not Row("too many", counted.answers(study, notes)).clean


def test_a_start_whose_acknowledgement_was_lost_may_be_there(study: Study, notes: Acknowledged) -> None:
    form = Form(Client(HTTP_HOST="localhost").get(f"/s/{study.slug}/").content.decode())
    notes.note(KNOCKED, form.hidden["nonce"])
    for _ in range(2):
        sent = form.hidden | {"consent": "yes"}
        assert Client(HTTP_HOST="localhost").post(f"/s/{study.slug}/", sent).status_code == 303
    assert Participant.objects.count() == 3
    assert counted.participants(study, [notes]).clean


def test_what_was_sent_and_not_acknowledged_may_be_there_or_not(study: Study, notes: Acknowledged) -> None:
    token = min(notes.begun)
    del notes.taken[token][0]
    assert counted.answers(study, notes).clean
    Response.objects.filter(participant__token=token, trial__position=0).delete()
    assert counted.answers(study, notes).clean


def test_maps_are_counted_by_what_the_jobs_name(media: object) -> None:
    study = factories.draft(images=2, reserve=0)
    for stimulus in study.stimuli.all():
        PrecomputeJob.objects.create(
            stimulus=stimulus,
            classifier=factories.CLASSIFIER,
            methods=[*factories.METHODS, "original"],
            settings={},
        )
    whole = counted.maps(study)
    assert (whole.asked, whole.found, whole.lost, whole.doubled) == (8, 8, 0, 0)
    assert whole.clean
    first, second, third = SaliencyMap.objects.order_by("pk")[:3]
    MapPicture.objects.filter(saliency_map=first).delete()
    assert counted.maps(study).lost == 1  # nobody can be shown it
    second.delete()
    assert counted.maps(study).lost == 2
    third.pk, third.current, third.parameters_hash = None, False, "other"
    third.save()
    assert counted.maps(study).doubled == 1
    assert not counted.maps(study).clean
