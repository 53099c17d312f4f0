"""What the API sends and takes."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from saliency_worker import catalog
from saliency_worker.measures import ASKED
from survey_site.recruitment.models import Recruitment
from survey_site.reports.exports.columns import responses_columns
from survey_site.reports.exports.export_column import ExportColumn
from survey_site.stimuli.models import PrecomputeJob, Stimulus
from survey_site.studies.models import Condition, Study
from survey_site.trials.models import Participant

FIELDS: dict[str, type[serializers.Field[Any, Any, Any, Any]]] = {
    "string": serializers.CharField,
    "integer": serializers.IntegerField,
    "number": serializers.FloatField,
    "boolean": serializers.BooleanField,
    "datetime": serializers.DateTimeField,
}


class RootSerializer(serializers.Serializer[Any]):
    """Where to begin."""

    studies = serializers.URLField()
    schema = serializers.URLField()
    documentation = serializers.URLField()


def prefixed(column: ExportColumn) -> str:
    """Name of a column's expression in a query: never that of a field of the model."""
    return f"column_{column.name}"


class ResponseSerializer(serializers.Serializer[Any]):
    """One response, with the columns of responses.csv. Missing is null.

    Columns that only the study's tasks have come behind those described here.
    """

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        columns = self.context.get("columns") or responses_columns()
        return {column.name: self._field(column) for column in columns}

    def _field(self, column: ExportColumn) -> serializers.Field[Any, Any, Any, Any]:
        limits: dict[str, Any] = {}
        if column.kind in ("integer", "number"):
            limits = {"min_value": column.minimum, "max_value": column.maximum}
        return FIELDS[column.kind](
            source=prefixed(column), help_text=column.description, allow_null=True, read_only=True, **limits
        )


class ConditionSerializer(serializers.ModelSerializer[Condition]):
    class Meta:
        model = Condition
        fields = ("column", "column_order", "classifier", "base", "method", "is_reference")


class StudySerializer(serializers.ModelSerializer[Study]):
    """A study with its conditions and the hashes of its newest protocol that is no pilot."""

    conditions = ConditionSerializer(many=True, read_only=True)
    protocol_hash = serializers.SerializerMethodField(help_text="Null until the study has gone live.")
    measurement_hash = serializers.SerializerMethodField(
        help_text="Of what makes answers comparable; an amendment leaves it as it is."
    )

    class Meta:
        model = Study
        fields = (
            "slug", "title", "state", "origin", "created_at", "target_participants", "task_settings", "practice_trials",
            "attention_checks", "trial_timeout_s", "count_unknown_seen", "image_px", "colour_map", "edges", "seed",
            "conditions", "protocol_hash", "measurement_hash", "closes_on",
        )  # fmt: skip
        read_only_fields = fields

    def get_protocol_hash(self, study: Study) -> str | None:
        return next((p.hash for p in study.protocols.all() if not p.pilot), None)

    def get_measurement_hash(self, study: Study) -> str | None:
        return next((p.measurement_hash for p in study.protocols.all() if not p.pilot), None)


class StimulusSerializer(serializers.ModelSerializer[Stimulus]):
    class Meta:
        model = Stimulus
        fields = (
            "key", "stimulus_class", "role", "sha256", "width", "height", "source", "licence", "region_sha256",
            "created_at",
        )  # fmt: skip
        read_only_fields = fields


WITHOUT_NUL = r"^[^\x00]*$"  # which no database holds as text


@extend_schema_field({"type": "string", "format": "binary"})
class UploadedFileField(serializers.FileField):
    """A file as it is sent; the address of one is what spectacular would say."""


@extend_schema_field({"type": "string", "maxLength": 120, "default": "", "pattern": WITHOUT_NUL})
class ClassField(serializers.CharField):
    """The class of images."""


@extend_schema_field({"type": "string", "enum": sorted(catalog.CLASSIFIERS)})
class ClassifierField(serializers.CharField):
    """A classifier of the catalogue; the view says which name is none."""


@extend_schema_field({"type": "string", "enum": list(catalog.ALL_KEYS)})
class MethodField(serializers.CharField):
    """A method's full key."""


class UploadSerializer(serializers.Serializer[Any]):
    """Pictures (PNG, JPEG, WebP …) or zips of them; a folder in a zip is the class of its pictures."""

    files = serializers.ListField(child=UploadedFileField(), min_length=1)
    stimulus_class = ClassField(required=False, default="", allow_blank=True, max_length=120)
    role = serializers.ChoiceField(choices=Stimulus.Role.choices, default=Stimulus.Role.MAIN)


class UploadedSerializer(serializers.Serializer[Any]):
    """What came of an upload: new stimuli, names of files that the study has already, and notices of decoding."""

    added = StimulusSerializer(many=True)
    duplicates = serializers.ListField(child=serializers.CharField())
    notices = serializers.ListField(child=serializers.CharField())


class RegionFilesSerializer(serializers.Serializer[Any]):
    """CSVs of boxes (file,left,top,right,bottom), PNG masks named like the images, or zips of them."""

    files = serializers.ListField(child=UploadedFileField(), min_length=1)


class RegionsSerializer(serializers.Serializer[Any]):
    """The keys of the images whose region was stored."""

    stored = serializers.ListField(child=serializers.CharField())


class JobSerializer(serializers.ModelSerializer[PrecomputeJob]):
    stimulus = serializers.SlugRelatedField[Stimulus](slug_field="key", read_only=True)

    class Meta:
        model = PrecomputeJob
        fields = (
            "id", "stimulus", "classifier", "methods", "settings", "state", "attempts", "reason", "permanent",
            "created_at", "started_at", "finished_at",
        )  # fmt: skip
        read_only_fields = fields


class PrecomputeSerializer(serializers.Serializer[Any]):
    """Nothing given: what the study's conditions need."""

    classifiers = serializers.ListField(child=ClassifierField(max_length=60), required=False)
    methods = serializers.ListField(child=MethodField(max_length=60), required=False)
    metrics = serializers.BooleanField(default=True, help_text="Machine metrics of every map too.")
    measures = serializers.ListField(
        child=serializers.ChoiceField(choices=sorted(ASKED)),
        required=False,
        help_text="What to measure beside, at the cost of further passes: curves (deletion and insertion), sanity.",
    )


class QueuedSerializer(serializers.Serializer[Any]):
    queued = serializers.IntegerField(help_text="Jobs that were queued by this request.")


class ParticipantSerializer(serializers.ModelSerializer[Participant]):
    """A participant without the resume link and without any external id."""

    participant = serializers.CharField(source="code", read_only=True)
    protocol_hash = serializers.CharField(source="protocol.hash", read_only=True)
    measurement_hash = serializers.CharField(source="protocol.measurement_hash", read_only=True)
    pilot = serializers.BooleanField(source="protocol.pilot", read_only=True)

    class Meta:
        model = Participant
        fields = (
            "participant", "protocol_hash", "measurement_hash", "pilot", "kind", "state", "ticket_number", "surplus",
            "excluded", "exclusion_reason", "language", "started_at", "consented_at", "finished_at", "last_seen_at",
        )  # fmt: skip
        read_only_fields = fields


class PlacesSerializer(serializers.Serializer[Any]):
    """How the recruitment stands. Persons only, under the newest protocol."""

    provider = serializers.ChoiceField(choices=Recruitment.Provider.choices)
    quota = serializers.IntegerField(allow_null=True, help_text="Most participants let in; null: no limit.")
    places_taken = serializers.IntegerField(help_text="In the study now, or finished.")
    states = serializers.DictField(child=serializers.IntegerField(), help_text="Participants by state.")
