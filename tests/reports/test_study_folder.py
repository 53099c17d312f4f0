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
from survey_site.stimuli.models import MapPicture, SaliencyMap, Stimulus
from survey_site.studies.models import Condition, Study, StudyText
from survey_site.trials.models import Exposure, Participant, Response, Ticket, Trial
from tests.reports.factory import Survey

pytestmark = pytest.mark.django_db


# Left out on purpose: secrets, what the import decides anew, and what follows from other fields.
LEFT_OUT = {
    Study: {"state", "origin", "created_at", "seal"},
    Condition: {"seal"},
    Protocol: {"ids_erased_on", "measurement_hash", "seal"},
    Stimulus: {"created_at", "seal"},
    SaliencyMap: {"created_at", "seal"},
    MapPicture: {"seal"},
    Participant: {
        "token",
        "receipt",
        "link_parameters",
        "plan",
        "presented",
        "chain_length",
        "chain_head",
        "named",
        "seal",
    },
    Trial: {"pool", "maps"},  # written as keys and places
    Response: {"task", "counts", "further_conditions", "idempotency_key", "body_hash", "salt", "ledger"},
}
WRITTEN = {
    Study: layout.STUDY_FIELDS + layout.LATER_STUDY_FIELDS,
    Condition: layout.CONDITION_FIELDS,
    Protocol: layout.PROTOCOL_FIELDS + layout.LATER_PROTOCOL_FIELDS,
    Stimulus: layout.STIMULUS_FIELDS + layout.LATER_STIMULUS_FIELDS,
    SaliencyMap: layout.MAP_FIELDS + layout.LATER_MAP_FIELDS,
    MapPicture: layout.PICTURE_FIELDS,
    Participant: layout.PARTICIPANT_FIELDS,
    Ticket: layout.TICKET_FIELDS,
    Trial: layout.TRIAL_FIELDS,
    Response: layout.RESPONSE_FIELDS,
}


@pytest.mark.parametrize("model", WRITTEN)
def test_every_field_is_written_or_left_out_on_purpose(model: Any) -> None:
    """A new field must be put into the folder (in a study or map: into LATER_…_FIELDS) or into LEFT_OUT above."""
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
    assert storage.get(SaliencyMap.objects.get(rank=0).array_path) == b"an array"


def test_a_trial_of_several_maps_keeps_their_order_conditions_and_ranks(rich: Survey, tmp_path: Path) -> None:
    out = export("small", tmp_path / "out")
    erase(rich.study)
    load(out)
    trial = Trial.objects.exclude(maps=[]).get()
    maps = [SaliencyMap.objects.get(pk=shown["map"]) for shown in trial.maps]
    assert [(row.method, row.rank) for row in maps] == [("gradcam.add-edges", 1), ("gradcam", 0)]
    assert [shown["rank"] for shown in trial.maps] == [1, 0]
    columns = [Condition.objects.get(pk=shown["condition"]).column for shown in trial.maps]
    assert columns == ["Grad-CAMs", "Ours 1"]
    assert trial.response.further_conditions == str(trial.maps[0]["condition"])


def test_a_study_without_tasks_stays_without(small: Survey, tmp_path: Path) -> None:
    Study.objects.update(task_settings={})
    out = export("small", tmp_path / "out", "--no-media")
    erase(small.study)
    assert load(out).task_settings == {}


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


def test_settings_of_a_task_that_is_not_installed_travel_as_they_are(small: Survey, tmp_path: Path) -> None:
    stored = {"ranking": {"trials_per_column": 2, "shown": "pairs"}}
    Study.objects.update(task_settings=stored)
    out = export("small", tmp_path / "out", "--no-media")
    erase(small.study)
    assert load(out).task_settings == stored


def test_the_owner_can_be_named(rich: Survey, tmp_path: Path, researcher: Any) -> None:
    out = export("small", tmp_path / "out")
    erase(rich.study)
    call_command("import_study", str(out), "--owner", "researcher", stdout=io.StringIO())
    assert Study.objects.get().owner == researcher
