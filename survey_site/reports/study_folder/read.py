"""Reads a study folder (`import_study`): everything is checked before the first row is stored."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import DatabaseError, transaction

from survey_site.protocols.models import Protocol
from survey_site.reports.study_folder import layout
from survey_site.reports.study_folder.layout import BadFolder, FolderRow, unpacked
from survey_site.stimuli.models import MapPicture, SaliencyMap, Stimulus, StimulusFeatures
from survey_site.studies.models import Condition, Study, StudyText
from survey_site.trials.models import Exposure, Participant, Response, Ticket, Trial

BATCH = 1000


def read_folder(source: Path, owner: Any = None) -> Study:
    """Imports the study whole or not at all; it arrives closed (as a draft where nothing was sealed).

    Raises BadFolder for a folder that is incomplete, changed, of another format, or of a study that exists.
    """
    manifest = checked_manifest(source)
    head = _json(source / layout.STUDY)
    try:
        slug = head["settings"]["slug"]
        if Study.objects.filter(slug=slug).exists():
            raise BadFolder(f"there is a study {slug!r} already; delete it first, or import elsewhere")
        with transaction.atomic():
            study = _Import(source, head, owner).run()
            for name in manifest["files"]:
                if name.startswith(f"{layout.MEDIA}/"):
                    _store(source / name, name.removeprefix(f"{layout.MEDIA}/"))
    except (KeyError, IndexError, TypeError, ValueError, ValidationError, DatabaseError) as error:
        if isinstance(error, BadFolder):
            raise
        raise BadFolder(
            f"{source}: the rows do not fit together ({type(error).__name__}: {error})"
        ) from error
    return study


def checked_manifest(source: Path) -> FolderRow:
    """The manifest of a folder whose files are all there, unchanged and of this format."""
    manifest = _json(source / layout.MANIFEST)
    if manifest.get("format") != layout.FORMAT:
        raise BadFolder(f"{source} is no study folder: {layout.MANIFEST} does not say {layout.FORMAT}")
    if manifest.get("version") != layout.VERSION:
        raise BadFolder(
            f"{source} is of version {manifest.get('version')}; this program reads version {layout.VERSION}"
        )
    files = manifest.get("files")
    needed = {layout.STUDY, *(f"{name}.jsonl" for name in layout.TABLES)}
    if not isinstance(files, dict) or needed - set(files):
        raise BadFolder(f"{source}/{layout.MANIFEST} does not list all of {', '.join(sorted(needed))}")
    for name, facts in files.items():
        if not _stays_inside(name):
            raise BadFolder(f"{layout.MANIFEST} names a file outside the folder: {name}")
        path = source / name
        if not path.is_file():
            raise BadFolder(f"{path} is missing")
        with path.open("rb") as handle:
            if hashlib.file_digest(handle, "sha256").hexdigest() != facts.get("sha256"):
                raise BadFolder(
                    f"{path} was changed after the export: its SHA-256 is not that of the manifest"
                )
    return manifest


def _stays_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name


def _json(path: Path) -> FolderRow:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadFolder(f"{path} is missing; is this a folder made by export_study?") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BadFolder(f"{path} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise BadFolder(f"{path} does not hold an object")
    return found


def _store(file: Path, path: str) -> None:
    """Files are content-addressed: what is there already is the same file."""
    if not default_storage.exists(path):
        with file.open("rb") as handle:
            default_storage.save(path, File(handle))


class _Import:
    """One import; keeps the numbers that rows of later files refer to."""

    def __init__(self, source: Path, head: FolderRow, owner: Any) -> None:
        self.source = source
        self.head = head
        self.owner = owner
        self.stimuli: dict[str, int] = {}
        self.protocols: dict[int, Protocol] = {}
        self.participants: dict[str, int] = {}
        self.conditions: list[int] = []
        self.maps: list[int] = []

    def run(self) -> Study:
        self.study = self._study()
        self._stimuli()
        self._features()
        self._maps()
        self._participants()
        self._tickets()
        for rows in _batches(self._rows("trials")):
            self._trials(rows)
        return self.study

    def _rows(self, table: str) -> Iterator[FolderRow]:
        path = self.source / f"{table}.jsonl"
        with path.open(encoding="utf-8") as handle:
            for number, text in enumerate(handle, start=1):
                try:
                    yield json.loads(text)
                except json.JSONDecodeError as error:
                    raise BadFolder(f"{path}, line {number}: not JSON ({error})") from error

    def _study(self) -> Study:
        sealed = bool(self.head["protocols"])
        reconstruction = self.head["origin"] == Study.Origin.RECONSTRUCTION
        study = Study(
            **unpacked(Study, layout.STUDY_FIELDS + layout.LATER_STUDY_FIELDS, self.head["settings"]),
            origin=Study.Origin.RECONSTRUCTION if reconstruction else Study.Origin.IMPORTED,
            state=Study.State.CLOSED if sealed else Study.State.DRAFT,
            owner=self.owner,
        )
        study.full_clean()
        study.save()
        conditions = [
            Condition(study=study, **unpacked(Condition, layout.CONDITION_FIELDS, row))
            for row in self.head["conditions"]
        ]
        self.conditions = [row.pk for row in Condition.objects.bulk_create(conditions)]
        StudyText.objects.bulk_create(StudyText(study=study, **row) for row in self.head["texts"])
        for row in self.head["protocols"]:
            values = unpacked(Protocol, layout.PROTOCOL_FIELDS, row)
            self.protocols[row["version"]] = Protocol.objects.create(study=study, **values)
        return study

    def _stimuli(self) -> None:
        rows = [
            Stimulus(study=self.study, **unpacked(Stimulus, layout.STIMULUS_FIELDS, row))
            for row in self._rows("stimuli")
        ]
        self.stimuli = {row.key: row.pk for row in Stimulus.objects.bulk_create(rows, BATCH)}

    def _features(self) -> None:
        for rows in _batches(self._rows("features")):
            StimulusFeatures.objects.bulk_create(
                StimulusFeatures(
                    stimulus_id=self.stimuli[row["stimulus"]],
                    classifier=row["classifier"],
                    vector=row["vector"],
                )
                for row in rows
            )

    def _maps(self) -> None:
        for rows in _batches(self._rows("maps")):
            made = SaliencyMap.objects.bulk_create(
                SaliencyMap(
                    stimulus_id=self.stimuli[row["stimulus"]], **unpacked(SaliencyMap, layout.MAP_FIELDS, row)
                )
                for row in rows
            )
            self.maps += [row.pk for row in made]
            MapPicture.objects.bulk_create(
                MapPicture(saliency_map=owner, **unpacked(MapPicture, layout.PICTURE_FIELDS, picture))
                for owner, row in zip(made, rows, strict=True)
                for picture in row.get("pictures", [])
            )

    def _participants(self) -> None:
        for rows in _batches(self._rows("participants")):
            made = [
                Participant(
                    study=self.study,
                    protocol=self.protocols[row["protocol"]],
                    **unpacked(Participant, layout.PARTICIPANT_FIELDS, row),
                )
                for row in rows
            ]
            started = [row.started_at for row in made]
            Participant.objects.bulk_create(made)  # writes the time of the import, auto_now_add
            for row, time in zip(made, started, strict=True):
                row.started_at = time
            Participant.objects.bulk_update(made, ["started_at"])
            self.participants |= {row.code: row.pk for row in made}

    def _tickets(self) -> None:
        for rows in _batches(self._rows("tickets")):
            Ticket.objects.bulk_create(
                Ticket(
                    protocol=self.protocols[row["protocol"]],
                    participant_id=self._one_of(self.participants, row.get("participant")),
                    **unpacked(Ticket, layout.TICKET_FIELDS, row),
                )
                for row in rows
            )

    def _trials(self, rows: list[FolderRow]) -> None:
        made = Trial.objects.bulk_create(
            Trial(
                participant_id=self.participants[row["participant"]],
                stimulus_id=self.stimuli[row["stimulus"]],
                condition_id=None if "condition" not in row else self.conditions[row["condition"]],
                saliency_map_id=None if "map" not in row else self.maps[row["map"]],
                pool=[self.stimuli[key] for key in row.get("pool", [])],
                **unpacked(Trial, layout.TRIAL_FIELDS, row),
            )
            for row in rows
        )
        Exposure.objects.bulk_create(
            Exposure(trial=trial, participant_id=trial.participant_id, stimulus_id=self.stimuli[key])
            for trial, row in zip(made, rows, strict=True)
            for key in row.get("exposed", [])
        )
        Response.objects.bulk_create(
            self._response(trial, row["response"])
            for trial, row in zip(made, rows, strict=True)
            if "response" in row
        )

    def _response(self, trial: Trial, row: FolderRow) -> Response:
        choice = self._one_of(self.stimuli, row.get("choice"))
        values = unpacked(Response, layout.RESPONSE_FIELDS, row)
        return Response(trial=trial, choice_id=choice, idempotency_key=f"import-{trial.pk}", **values)

    @staticmethod
    def _one_of(known: dict[str, int], key: str | None) -> int | None:
        return None if key is None else known[key]


def _batches(rows: Iterable[FolderRow]) -> Iterator[list[FolderRow]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, BATCH)):
        yield batch
