"""`manage.py verify`: silent files pass, a changed byte, a missing file and a changed protocol are named."""

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from fixtures import write_replay
from survey_site.design import canonical
from survey_site.stimuli import storage
from survey_site.stimuli.models import MapPicture, SaliencyMap, Stimulus
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
    return small


def verify(slug: str = "small") -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("verify", slug, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_an_untouched_study_passes(stored: Survey) -> None:
    out, err = verify()
    assert out == "small: all as stored (1 protocols, 1 stimuli, 1 arrays, 1 pictures)\n"
    assert err == ""


@pytest.mark.parametrize(("suffix", "kind"), [(".npy", "arrays"), (".png", "")])
def test_one_changed_byte_is_found(stored: Survey, media: Path, suffix: str, kind: str) -> None:
    path = next(media.rglob(f"maps/*/*{suffix}"))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    err = io.StringIO()
    with pytest.raises(CommandError, match="1 of 4 differ"):
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
    stored.protocol.document["design"]["pool_size"] = 5
    stored.protocol.save()
    err = io.StringIO()
    with pytest.raises(CommandError):
        call_command("verify", "small", stderr=err)
    assert "protocols: version 1: its document was changed" in err.getvalue()


def test_a_class_other_than_the_sealed_one_is_found(stored: Survey) -> None:
    stored.protocol.document["stimuli"] = [{"key": "cat-0", "class": "tiger"}]
    stored.protocol.hash = canonical.sha256(stored.protocol.document)
    stored.protocol.save()
    err = io.StringIO()
    with pytest.raises(CommandError):
        call_command("verify", "small", stderr=err)
    assert "cat-0 has the class 'cat', sealed was 'tiger'" in err.getvalue()


def test_the_replay_has_no_media_and_says_so(db: None) -> None:
    call_command("import_study", str(write_replay.FOLDER), stdout=io.StringIO())
    out, _ = verify("feature-cam-table-1")
    assert (
        out == "feature-cam-table-1: all as stored (1 protocols, 0 stimuli, 0 arrays, 0 pictures; no media)\n"
    )


def test_an_unknown_study_is_said(db: None) -> None:
    with pytest.raises(CommandError, match="no study 'x'; there are: none yet"):
        verify("x")
