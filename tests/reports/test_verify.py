"""`manage.py verify`: silent files pass, a changed byte, a missing file and a changed protocol are named."""

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from fixtures import write_replay
from survey_site.design import canonical
from survey_site.protocols.measurement import measurement_hash
from survey_site.stimuli import storage
from survey_site.stimuli.models import MapPicture, SaliencyMap, Stimulus
from survey_site.trials import sealing
from survey_site.trials.models import Exposure, Response, Trial
from tests.reports.factory import Survey

pytestmark = pytest.mark.django_db


@pytest.fixture
def stored(small: Survey, media: Path) -> Survey:
    """One stimulus, one array and its picture in the storage; the protocol has its true hash."""
    path, digest = storage.put("stimuli", b"a picture", ".png")
    Stimulus.objects.update(path="")
    Stimulus.objects.filter(pk=small.stimuli[0].pk).update(path=path, sha256=digest)
    values = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
    buffer = io.BytesIO()
    np.save(buffer, values)
    array, _ = storage.put("maps", buffer.getvalue(), ".npy")
    shown = SaliencyMap.objects.create(
        stimulus=small.stimuli[0], classifier="MobileNetV2", method="gradcam", parameters_hash="1" * 64,
        array_sha256=hashlib.sha256(values.tobytes()).hexdigest(), array_path=array, provenance={},
    )  # fmt: skip
    picture, picture_digest = storage.put("maps", b"its picture", ".png")
    MapPicture.objects.create(saliency_map=shown, colour_map="jet", sha256=picture_digest, path=picture)
    small.protocol.hash = canonical.sha256(small.protocol.document)
    small.protocol.save()
    settle(small)
    return small


def settle(survey: Survey) -> None:
    """What the product does beside answers: exposures, and seals over all that was written past it."""
    for trial in Trial.objects.order_by("participant", "position"):
        shown = sorted({trial.stimulus_id, *trial.pool})
        Exposure.objects.bulk_create(
            [Exposure(participant=trial.participant, stimulus_id=pk, trial=trial) for pk in shown],
            ignore_conflicts=True,
        )
    sealing.seal_study(survey.study)


def verify(slug: str = "small") -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("verify", slug, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_an_untouched_study_passes(stored: Survey) -> None:
    out, err = verify()
    assert out == (
        "small: all as stored (1 protocols, 1 stimuli, 1 arrays, 1 pictures, 0 answers; "
        "0 participants, 0 tickets, 14 rows, 1 audit lines)\n"
    )
    assert err == ""


@pytest.mark.parametrize(("suffix", "kind"), [(".npy", "arrays"), (".png", "")])
def test_one_changed_byte_is_found(stored: Survey, media: Path, suffix: str, kind: str) -> None:
    path = next(media.rglob(f"maps/*/*{suffix}"))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    err = io.StringIO()
    with pytest.raises(CommandError, match=r"1 of \d+ differ"):
        call_command("verify", "small", stderr=err)
    assert "was changed" in err.getvalue()
    assert kind in err.getvalue()


def test_a_missing_file_is_found(stored: Survey, media: Path) -> None:
    next(media.rglob("stimuli/*/*.png")).unlink()
    err = io.StringIO()
    with pytest.raises(CommandError):
        call_command("verify", "small", stderr=err)
    assert "stimuli: cat-0:" in err.getvalue()
    assert "missing" in err.getvalue()


def test_a_file_that_is_no_array_is_said(stored: Survey, media: Path) -> None:
    next(media.rglob("*.npy")).write_bytes(b"something else")
    err = io.StringIO()
    with pytest.raises(CommandError):
        call_command("verify", "small", stderr=err)
    assert "does not begin as a .npy file does" in err.getvalue()


def test_a_changed_protocol_is_found(stored: Survey) -> None:
    stored.protocol.document["design"]["practice_trials"] = 5
    stored.protocol.save()
    err = io.StringIO()
    with pytest.raises(CommandError):
        call_command("verify", "small", stderr=err)
    assert "protocols: version 1: its document was changed" in err.getvalue()


def test_a_class_other_than_the_sealed_one_is_found(stored: Survey) -> None:
    stored.protocol.document["stimuli"] = [{"key": "cat-0", "class": "tiger"}]
    stored.protocol.hash = canonical.sha256(stored.protocol.document)
    stored.protocol.measurement_hash = measurement_hash(stored.protocol.content)
    stored.protocol.save()
    err = io.StringIO()
    with pytest.raises(CommandError):
        call_command("verify", "small", stderr=err)
    assert "cat-0 has the class 'cat', sealed was 'tiger'" in err.getvalue()


def test_every_answer_whose_score_does_not_follow_is_named(stored: Survey) -> None:
    who = stored.participant(code="anna")
    stored.matching(who, 0, 1)
    wrong = stored.matching(who, 1, 2)
    stored.missing(who, 0)
    truncated = stored.rating(who, 0, 4)
    settle(stored)
    assert "1 pictures, 4 answers; 1 participants, 0 tickets," in verify()[0]
    Response.objects.filter(pk=wrong.pk).update(score=1, answer=wrong.answer | {"correct": 1})
    Response.objects.filter(pk=truncated.pk).update(answer={"rating": 4.5})
    err = io.StringIO()
    with pytest.raises(CommandError, match=r"3 of \d+ differ"):
        call_command("verify", "small", stderr=err)
    told = err.getvalue().splitlines()
    assert (
        told.pop(0)
        == "participants: anna: the answer to trial 2 was changed; the answer to trial 4 was changed"
    )
    assert told == [
        "answers: anna, trial 2 (matching): score is 1 and must be 0; answer.correct is 1 and must be 0",
        "answers: anna, trial 4 (rating): a rating is a whole number from 0 to 6, not {'rating': 4.5}",
    ]


def test_answers_of_a_task_that_is_not_installed_are_said_to_be_unchecked(stored: Survey) -> None:
    for _ in range(2):
        stored.answer(stored.participant(), "ranking", 99.0, {"order": [1, 0]})
    settle(stored)
    out, err = verify()
    assert out.splitlines() == [
        "not checked: 2 answers of the task 'ranking', which is not installed",
        "small: all as stored (1 protocols, 1 stimuli, 1 arrays, 1 pictures, 0 answers; "
        "2 participants, 0 tickets, 14 rows, 1 audit lines)",
    ]
    assert err == ""


def test_a_protocol_of_a_later_format_is_said(stored: Survey) -> None:
    stored.protocol.document["format"] = 3
    stored.protocol.hash = canonical.sha256(stored.protocol.document)
    stored.protocol.save()
    err = io.StringIO()
    with pytest.raises(CommandError):
        call_command("verify", "small", stderr=err)
    assert "protocols: version 1: the document is of format 3" in err.getvalue()


def test_the_replay_has_no_media_and_says_so(db: None) -> None:
    call_command("import_study", str(write_replay.FOLDER), stdout=io.StringIO())
    out, _ = verify("feature-cam-table-1")
    counts = "1 protocols, 0 stimuli, 0 arrays, 0 pictures, 750 answers"
    assert out.startswith(
        f"feature-cam-table-1: all as stored ({counts}; no media; 25 participants, 0 tickets, "
    )


def test_an_unknown_study_is_said(db: None) -> None:
    with pytest.raises(CommandError, match="no study 'x'; there are: none yet"):
        verify("x")
