"""export_study → import_study → export_study: the same bytes; a changed or foreign folder stores nothing."""

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from survey_site.protocols.models import Protocol, ServedImage
from survey_site.reports.exports.csv_stream import responses_csv
from survey_site.reports.point_report import point_report
from survey_site.reports.population import Population
from survey_site.reports.study_folder import layout
from survey_site.stimuli import storage
from survey_site.stimuli.models import MapPicture, SaliencyMap, Stimulus, StimulusFeatures
from survey_site.studies.models import Condition, Study, StudyText
from survey_site.trials.models import Exposure, ExternalId, Participant, Response, Ticket, Trial
from tests.reports.factory import Survey

pytestmark = pytest.mark.django_db


# Left out on purpose: secrets, what the import decides anew, and what follows from other fields.
LEFT_OUT = {
    Study: {"state", "origin", "created_at"},
    Stimulus: {"created_at"},
    SaliencyMap: {"created_at"},
    Participant: {"token", "receipt"},
    Trial: {"pool"},  # written as keys
    Response: {"task", "counts", "idempotency_key", "body_hash"},
}
WRITTEN = {
    Study: layout.STUDY_FIELDS + layout.LATER_STUDY_FIELDS,
    Condition: layout.CONDITION_FIELDS,
    Protocol: layout.PROTOCOL_FIELDS,
    Stimulus: layout.STIMULUS_FIELDS,
    SaliencyMap: layout.MAP_FIELDS,
    MapPicture: layout.PICTURE_FIELDS,
    Participant: layout.PARTICIPANT_FIELDS,
    Ticket: layout.TICKET_FIELDS,
    Trial: layout.TRIAL_FIELDS,
    Response: layout.RESPONSE_FIELDS,
}


@pytest.mark.parametrize("model", WRITTEN)
def test_every_field_is_written_or_left_out_on_purpose(model: Any) -> None:
    """A new field must be put into the folder (in a study: into LATER_STUDY_FIELDS) or into LEFT_OUT above."""
    own = {f.name for f in model._meta.concrete_fields if not f.is_relation and not f.primary_key}
    assert own == set(WRITTEN[model]) | LEFT_OUT.get(model, set())


def test_a_later_setting_travels_where_it_is_not_the_default(rich: Survey, tmp_path: Path) -> None:
    plain = json.loads((export("small", tmp_path / "plain", "--no-media") / layout.STUDY).read_text())
    assert "require_rehearsal" not in plain["settings"]
    Study.objects.update(require_rehearsal=not Study._meta.get_field("require_rehearsal").get_default())
    out = export("small", tmp_path / "out", "--no-media")
    erase(rich.study)
    assert (
        load(out).require_rehearsal
        == json.loads((out / layout.STUDY).read_text())["settings"]["require_rehearsal"]
    )


def export(slug: str, out: Path, *options: str) -> Path:
    call_command("export_study", slug, "--out", str(out), *options, stdout=io.StringIO())
    return out


def load(source: Path) -> Study:
    call_command("import_study", str(source), stdout=io.StringIO())
    return Study.objects.get()


def erase(study: Study) -> None:
    """As on another installation: nothing of the study is left in the database."""
    for model in (
        Response,
        Exposure,
        Trial,
        Ticket,
        Participant,
        ServedImage,
        Protocol,
        Condition,
        StudyText,
    ):
        model._default_manager.all().delete()
    MapPicture.objects.all().delete()
    SaliencyMap.objects.all().delete()
    Stimulus.objects.all().delete()
    study.delete()


def files(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@pytest.fixture
def rich(small: Survey, media: Path) -> Survey:
    """A study with something in every table, odd texts, missing values, and media."""
    StudyText.objects.create(study=small.study, key="welcome", language="fr", markdown="Bonjour\n“très” bien")
    small.study.analysis_plan = {"alpha": 0.05, "rules": [1, 2.0]}
    small.study.save()
    path, digest = storage.put("stimuli", b"a picture", ".png")
    Stimulus.objects.filter(pk=small.stimuli[0].pk).update(path=path, sha256=digest)
    Stimulus.objects.exclude(pk=small.stimuli[0].pk).update(path="")
    array, array_digest = storage.put("maps", b"an array", ".npy")
    picture, picture_digest = storage.put("maps", b"its picture", ".png")
    shown = SaliencyMap.objects.create(
        stimulus=small.stimuli[0], classifier="MobileNetV2", layer="out_relu", class_index=7, method="gradcam",
        parameters_hash="1" * 64, array_sha256=array_digest, array_path=array, metrics={"confidence": 0.1 + 0.2},
        provenance={"versions": {"keras": "3"}, "seed": None, "list": []},
    )  # fmt: skip
    MapPicture.objects.create(saliency_map=shown, colour_map="jet", sha256=picture_digest, path=picture)
    StimulusFeatures.objects.create(
        stimulus=small.stimuli[0], classifier="MobileNetV2", vector=[0.1, 1.0, 1e-9]
    )
    who = small.participant(demographics={"age": "30–39"}, consent_version="v1", kind="person")
    first = small.matching(who, 1, None)
    Trial.objects.filter(pk=first.trial_id).update(saliency_map=shown, pool_index=2, probability=0.25)
    Exposure.objects.create(participant=who, stimulus=small.stimuli[0], trial=first.trial)
    small.rating(who, 0, 0, client={"dpr": 1.5, "x": None})
    small.missing(who, 0, why="timeout")
    small.matching(small.participant(excluded=True, exclusion_reason='=1, "odd"\n'), 0, 2)
    small.participant(state="started")
    Trial.objects.create(
        participant=who, position=9, block="rating", task="rating", stimulus=small.stimuli[1]
    )
    Ticket.objects.create(protocol=small.protocol, number=0, participant=who, state="completed")
    ExternalId.objects.create(study=small.study, participant=who, provider="prolific", value="SECRET-PID")
    return small


def test_export_import_export_gives_the_same_bytes(rich: Survey, tmp_path: Path) -> None:
    first = export("small", tmp_path / "first")
    erase(rich.study)
    load(first)
    assert files(export("small", tmp_path / "second")) == files(first)


def test_an_import_gives_the_same_report_and_the_same_csv(rich: Survey, tmp_path: Path) -> None:
    def told(study: Study) -> tuple[bytes, Any]:
        report = point_report(study) | {"origin": ""}
        return b"".join(responses_csv(study, Population())), report

    before = told(rich.study)
    out = export("small", tmp_path / "out")
    erase(rich.study)
    assert told(load(out)) == before


def test_the_import_is_closed_and_says_that_it_was_imported(rich: Survey, tmp_path: Path) -> None:
    out = export("small", tmp_path / "out")
    erase(rich.study)
    study = load(out)
    assert (study.state, study.origin, study.owner) == ("closed", "imported", None)


def test_media_arrive_in_the_storage(rich: Survey, tmp_path: Path, media: Path) -> None:
    out = export("small", tmp_path / "out")
    erase(rich.study)
    shutil.rmtree(media)
    load(out)
    assert storage.get(Stimulus.objects.get(key="cat-0").path) == b"a picture"
    assert storage.get(SaliencyMap.objects.get().array_path) == b"an array"


def test_a_folder_without_media_is_valid(rich: Survey, tmp_path: Path) -> None:
    out = export("small", tmp_path / "out", "--no-media")
    assert not (out / layout.MEDIA).exists()
    erase(rich.study)
    assert load(out).participants.count() == 3


def test_neither_external_ids_nor_resume_links_leave(rich: Survey, tmp_path: Path) -> None:
    everything = b"".join(files(export("small", tmp_path / "out")).values())
    assert b"SECRET-PID" not in everything
    for who in Participant.objects.all():
        assert who.token.encode() not in everything
        assert who.receipt.encode() not in everything


def test_of_who_withdrew_only_an_empty_row_leaves(rich: Survey, tmp_path: Path) -> None:
    early = rich.participant(state="withdrawn", code="SECRET-CODE", ticket_number=471108151, language="fr")
    Participant.objects.filter(pk=early.pk).update(last_seen_at="2031-07-07T07:07:07Z")
    Ticket.objects.create(protocol=rich.protocol, number=1, participant=early, state="released")
    rich.participant(code="later")
    first = export("small", tmp_path / "first")
    rows = [json.loads(row) for row in (first / "participants.jsonl").read_text().splitlines()]
    assert rows[-1] == {"code": "withdrawn-1", "kind": "person", "state": "withdrawn", "protocol": 1}
    told = b"".join(files(first).values())
    for secret in (b"SECRET-CODE", b"471108151", b"2031-07-07"):
        assert secret not in told
    erase(rich.study)
    load(first)
    assert files(export("small", tmp_path / "second")) == files(first)


def test_new_links_are_made_on_import(rich: Survey, tmp_path: Path) -> None:
    old = set(Participant.objects.values_list("token", flat=True))
    out = export("small", tmp_path / "out")
    erase(rich.study)
    load(out)
    assert old.isdisjoint(Participant.objects.values_list("token", flat=True))


def test_a_folder_that_is_not_empty_is_not_overwritten(rich: Survey, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(CommandError, match="not an empty folder"):
        export("small", tmp_path)
    assert [p.name for p in tmp_path.iterdir() if p.name != "media"] == ["note.txt"]


def test_a_missing_file_stops_the_export_and_leaves_nothing(
    rich: Survey, tmp_path: Path, media: Path
) -> None:
    shutil.rmtree(media)
    with pytest.raises(CommandError, match="missing in the storage"):
        export("small", tmp_path / "out")
    assert list(tmp_path.glob("*out*")) == []


def refused(source: Path, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("import_study", str(source), stdout=io.StringIO())
    assert not Study.objects.exists()
    assert not Stimulus.objects.exists()


@pytest.fixture
def out(rich: Survey, tmp_path: Path) -> Path:
    target = export("small", tmp_path / "out")
    erase(rich.study)
    return target


def rehash(out: Path, name: str) -> None:
    """Makes a changed file's hash fit, as a forger or a hand-edit with care would."""
    manifest = json.loads((out / layout.MANIFEST).read_text())
    manifest["files"][name]["sha256"] = layout.digest((out / name).read_bytes())
    (out / layout.MANIFEST).write_text(json.dumps(manifest))


def test_a_changed_answer_is_noticed(out: Path) -> None:
    path = out / "trials.jsonl"
    path.write_text(path.read_text().replace('"rating":0', '"rating":6'))
    refused(out, "trials.jsonl was changed after the export")


def test_a_missing_table_is_named(out: Path) -> None:
    (out / "participants.jsonl").unlink()
    refused(out, "participants.jsonl is missing")


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, "manifest.json is missing")
    (tmp_path / layout.MANIFEST).write_text("[1]")
    refused(tmp_path, "does not hold an object")
    (tmp_path / layout.MANIFEST).write_text('{"format": "psych-ds"}')
    refused(tmp_path, "is no study folder")
    (tmp_path / layout.MANIFEST).write_text(json.dumps({"format": layout.FORMAT, "version": 99}))
    refused(tmp_path, "version 99; this program reads version 1")


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "media/../../evil"])
def test_paths_outside_the_folder_are_refused(out: Path, name: str) -> None:
    manifest = json.loads((out / layout.MANIFEST).read_text())
    manifest["files"][name] = {"sha256": ""}
    (out / layout.MANIFEST).write_text(json.dumps(manifest))
    refused(out, "outside the folder")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"rating":0', '"rating":7', "do not fit together"),
        ('"stimulus":"cat-0"', '"stimulus":"nothing"', "do not fit together"),
        ('"condition":1', '"condition":99', "do not fit together"),
        ('"rating":0', '"rating":', "not JSON"),
    ],
)
def test_rows_that_do_not_fit_store_nothing(out: Path, old: str, new: str, words: str) -> None:
    path = out / "trials.jsonl"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    rehash(out, "trials.jsonl")
    refused(out, words)


def test_a_study_that_exists_is_not_touched(rich: Survey, tmp_path: Path) -> None:
    target = export("small", tmp_path / "out")
    with pytest.raises(CommandError, match="there is a study 'small' already"):
        call_command("import_study", str(target))
    assert Participant.objects.count() == 3


def test_the_owner_can_be_named(out: Path, researcher: Any) -> None:
    call_command("import_study", str(out), "--owner", "researcher", stdout=io.StringIO())
    assert Study.objects.get().owner == researcher


def test_an_unknown_owner_is_said(out: Path) -> None:
    with pytest.raises(CommandError, match="no user 'nobody'"):
        call_command("import_study", str(out), "--owner", "nobody")
