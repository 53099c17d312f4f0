"""Reads a study folder (`import_study`): everything is checked before the first row is stored."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import DatabaseError, transaction

from survey_site.protocols import format_1, measurement
from survey_site.protocols.models import Protocol
from survey_site.reports.answer_check import AnswerCheck
from survey_site.reports.study_folder import layout, stored_looks
from survey_site.reports.study_folder.layout import BadFolder, FolderRow, unpacked
from survey_site.reports.study_folder.manifest import checked_manifest, read_json
from survey_site.reports.study_folder.tables import Tables
from survey_site.stimuli import storage
from survey_site.stimuli.models import MapPicture, OwnModel, SaliencyMap, Stimulus, StimulusFeatures
from survey_site.studies import demographics
from survey_site.studies.models import Condition, Study, StudyText
from survey_site.tasks import registry
from survey_site.trials import sealing
from survey_site.trials.models import Exposure, Participant, Response, Ticket, Trial


def read_folder(source: Path, owner: Any = None) -> Study:
    """Imports the study whole or not at all; it arrives closed (as a draft where nothing was sealed).

    Raises BadFolder for a folder that is incomplete, changed, of another format, of a study that exists, or with an
    answer that its task refuses or scores otherwise.
    """
    manifest = checked_manifest(source)
    head = read_json(source / layout.STUDY)
    try:
        if manifest["version"] == 1:
            head["settings"] = format_1.settings(head["settings"])
        slug = head["settings"]["slug"]
        if Study.objects.filter(slug=slug).exists():
            raise BadFolder(f"there is a study {slug!r} already; delete it first, or import elsewhere")
        storage.claim()
        with transaction.atomic():
            study = _Import(source, manifest["version"], head, owner).run()
            for name in manifest["files"]:
                if name.startswith(f"{layout.MEDIA}/"):
                    _store(source / name, name.removeprefix(f"{layout.MEDIA}/"))
    except format_1.UnknownFormat as error:
        raise BadFolder(f"{source / layout.STUDY}: {error}") from error
    except (
        KeyError,
        IndexError,
        TypeError,
        ValueError,
        AttributeError,
        OverflowError,
        ValidationError,
        DatabaseError,
    ) as error:
        if isinstance(error, BadFolder):
            raise
        raise BadFolder(
            f"{source}: the rows do not fit together ({type(error).__name__}: {error})"
        ) from error
    return study


def _store(file: Path, path: str) -> None:
    """Files are content-addressed: what is there already is the same file."""
    if not default_storage.exists(path):
        with file.open("rb") as handle:
            default_storage.save(path, File(handle))


class _Import:
    """One import; keeps the numbers that rows of later files refer to."""

    def __init__(self, source: Path, version: int, head: FolderRow, owner: Any) -> None:
        self.source, self.tables = source, Tables(source)
        self.version = version
        self.head = head
        self.owner = owner
        self.stimuli: dict[str, int] = {}
        self.protocols: dict[int, Protocol] = {}
        self.participants: dict[str, tuple[int, int]] = {}  # with the protocol's id
        self.conditions: list[int] = []
        self.maps: list[int] = []

    def run(self) -> Study:
        self.study = self._study()
        self._stimuli()
        self._features()
        self._maps()
        self._participants()
        self._tickets()
        self.check = AnswerCheck(self.study)
        for made in self.tables.made("trials", self._trial):
            with self.tables.storing("trials"):
                _save_trials(made)
        sealing.seal_participants(self.study)
        return self.study

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
        _refuse_settings(study.task_settings)
        study.save()
        conditions = [
            Condition(study=study, **unpacked(Condition, layout.CONDITION_FIELDS, row))
            for row in self.head["conditions"]
        ]
        self.conditions = [row.pk for row in Condition.objects.bulk_create(conditions)]
        for row in self.head.get("models", []):
            values = unpacked(OwnModel, layout.OWN_MODEL_FIELDS, row)
            # Whoever imports it has not looked at it: it is tried and accepted here before anything is computed.
            model = OwnModel(study=study, state=OwnModel.State.PAUSED, **values)
            model.full_clean(exclude=["found"])
            model.save()
        StudyText.objects.bulk_create(StudyText(study=study, **row) for row in self.head["texts"])
        for row in self.head["protocols"]:
            values = unpacked(Protocol, layout.PROTOCOL_FIELDS + layout.LATER_PROTOCOL_FIELDS, row)
            made = Protocol(study=study, **values)
            made.measurement_hash = measurement.measurement_hash(made.content)
            made.measurement_id = self._measurement_of(made, row.get("amends"))
            made.save()
            self.protocols[row["version"]] = made
        stored_looks.read(self.head.get("looks", []), self.protocols)
        return study

    def _measurement_of(self, made: Protocol, amends: int | None) -> int | None:
        """The pool of the version that it amends; where a folder does not say, of one with its measurement and target."""
        if amends is not None:
            old = self.protocols[amends]
            if (old.measurement_hash, old.pilot) != (made.measurement_hash, made.pilot):
                raise BadFolder(
                    f"{self.source / layout.STUDY}: version {made.version} amends version {amends}, "
                    "whose measurement is another"
                )
            return old.measurement_id
        for old in reversed(self.protocols.values()):
            same = (old.measurement_hash, old.pilot) == (made.measurement_hash, made.pilot)
            if same and measurement.target_of(old.content) == measurement.target_of(made.content):
                return old.measurement_id
        return None

    def _stimuli(self) -> None:
        fields = layout.STIMULUS_FIELDS + layout.LATER_STIMULUS_FIELDS

        def make(row: FolderRow) -> Stimulus:
            return Stimulus(study=self.study, **unpacked(Stimulus, fields, row))

        for made in self.tables.made("stimuli", make):
            with self.tables.storing("stimuli"):
                self.stimuli |= {row.key: row.pk for row in Stimulus.objects.bulk_create(made)}

    def _features(self) -> None:
        def make(row: FolderRow) -> StimulusFeatures:
            return StimulusFeatures(
                stimulus_id=self.stimuli[row["stimulus"]],
                classifier=row["classifier"],
                vector=row["vector"],
            )

        for made in self.tables.made("features", make):
            with self.tables.storing("features"):
                StimulusFeatures.objects.bulk_create(made)

    def _maps(self) -> None:
        fields = layout.MAP_FIELDS + layout.LATER_MAP_FIELDS

        def make(row: FolderRow) -> tuple[SaliencyMap, list[MapPicture]]:
            stimulus = self.stimuli[row["stimulus"]]
            shown = SaliencyMap(stimulus_id=stimulus, **unpacked(SaliencyMap, fields, row))
            pictures = [
                MapPicture(saliency_map=shown, **unpacked(MapPicture, layout.PICTURE_FIELDS, picture))
                for picture in row.get("pictures", [])
            ]
            return shown, pictures

        for made in self.tables.made("maps", make):
            with self.tables.storing("maps"):
                self.maps += [row.pk for row in SaliencyMap.objects.bulk_create(shown for shown, _ in made)]
                MapPicture.objects.bulk_create(picture for _, pictures in made for picture in pictures)

    def _participants(self) -> None:
        def make(row: FolderRow) -> Participant:
            values = unpacked(Participant, layout.PARTICIPANT_FIELDS, row)
            protocol = self.protocols[row["protocol"]]
            _refuse_answers(protocol, values["language"], values["demographics"])
            layout.in_order(*((name, values[name]) for name in ("started_at", "consented_at", "finished_at")))
            return Participant(study=self.study, protocol=protocol, **values)

        for made in self.tables.made("participants", make):
            with self.tables.storing("participants"):
                Participant.objects.bulk_create(made)
            self.participants |= {row.code: (row.pk, row.protocol_id) for row in made}

    def _tickets(self) -> None:
        def make(row: FolderRow) -> Ticket:
            holder, _ = self.participants[row["participant"]] if "participant" in row else (None, 0)
            values = unpacked(Ticket, layout.TICKET_FIELDS, row)
            return Ticket(protocol=self.protocols[row["protocol"]], participant_id=holder, **values)

        for made in self.tables.made("tickets", make):
            with self.tables.storing("tickets"):
                Ticket.objects.bulk_create(made)

    def _trial(self, row: FolderRow) -> tuple[Trial, list[Exposure], Response | None]:
        """A trial with the originals that it showed and its response, which is checked."""
        participant, protocol = self.participants[row["participant"]]
        if self.version == 1:
            row = format_1.trial(row)
        pool = [self.stimuli[key] for key in row.get("pool", [])]
        if len(set(pool)) < len(pool):
            raise ValueError("its pool shows an image twice")
        trial = Trial(
            participant_id=participant,
            stimulus_id=self.stimuli[row["stimulus"]],
            condition_id=None if "condition" not in row else _at(self.conditions, row["condition"]),
            saliency_map_id=None if "map" not in row else _at(self.maps, row["map"]),
            maps=[self._several(shown) for shown in row.get("maps", [])],
            pool=pool,
            **unpacked(Trial, layout.TRIAL_FIELDS, row),
        )
        exposed = [
            Exposure(trial=trial, participant_id=participant, stimulus_id=self.stimuli[key])
            for key in row.get("exposed", [])
        ]
        response = self._response(trial, protocol, row["response"]) if "response" in row else None
        return trial, exposed, response

    def _several(self, row: FolderRow) -> FolderRow:
        """One of several maps of a trial, as the trial stores it."""
        condition = None if "condition" not in row else _at(self.conditions, row["condition"])
        return {"map": _at(self.maps, row["map"]), "condition": condition, "rank": row["rank"]}

    def _response(self, trial: Trial, protocol: int, row: FolderRow) -> Response:
        """The response; raises ValueError for one that its task refuses or scores otherwise."""
        if self.version == 1:
            row = format_1.response(row, trial.task, self.check.classes(protocol))
        response = Response(trial=trial, **unpacked(Response, layout.RESPONSE_FIELDS, row))
        layout.in_order(("issued_at", trial.issued_at), ("answered_at", response.answered_at))
        if fault := self.check.fault(trial, response, protocol):
            raise ValueError(fault)
        return response


def _save_trials(made: Sequence[tuple[Trial, list[Exposure], Response | None]]) -> None:
    Trial.objects.bulk_create(trial for trial, _, _ in made)
    Exposure.objects.bulk_create(exposure for _, exposed, _ in made for exposure in exposed)
    responses = [response for _, _, response in made if response is not None]
    for response in responses:
        response.idempotency_key = f"import-{response.trial.pk}"
    Response.objects.bulk_create(responses)


def _at(ids: list[int], place: int) -> int:
    """The row id at a place; raises IndexError, for a place counted from the end too."""
    if place < 0:
        raise IndexError(f"there is no place {place}")
    return ids[place]


def _refuse_answers(protocol: Protocol, language: str, answers: Mapping[str, Any]) -> None:
    """Refuses answers to the study's own questions that no participant can have given: exports give them a type."""
    text = protocol.document.get("texts", {}).get(language, {}).get("demographics", "")
    for question in demographics.questions(text):
        given = answers.get(question.name)
        if given is not None and type(given) is not (str if question.lowest is None else int):
            raise ValueError(f"the answer to “{question.name}” is {given!r}")


def _refuse_settings(tasks: dict[str, FolderRow]) -> None:
    """Refuses settings that an installed task cannot have; those of other tasks, and further ones, stay as they are."""
    for name, stored in tasks.items():
        task = registry.named(name)
        known = task.default_settings if task else {}
        values = {setting: value for setting, value in stored.items() if setting in known}
        for setting, problem in (task.problems(values) if task else {}).items():
            raise BadFolder(f"{layout.STUDY}: the setting {setting!r} of {name} {problem}")
