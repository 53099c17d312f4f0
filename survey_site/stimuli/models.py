"""Stimulus, jobs, SaliencyMap and its pictures: images in, maps out."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from survey_site.stimuli.features import StimulusFeatures as StimulusFeatures
from survey_site.stimuli.leased_rows import Lane, LeasedRow
from survey_site.stimuli.observed import ObservedMap as ObservedMap
from survey_site.stimuli.observed import ObserverJob as ObserverJob
from survey_site.studies.sealed_rows import SealedRow


class Stimulus(SealedRow):
    """One source image of a study, stored as PNG without metadata under the SHA-256 of its bytes."""

    class Role(models.TextChoices):
        MAIN = "main", _("Main: shown in counted trials")
        RESERVE = "reserve", _("Reserve: practice and attention checks only")

    study = models.ForeignKey("studies.Study", on_delete=models.CASCADE, related_name="stimuli")
    key = models.SlugField(_("name"), max_length=80, help_text=_("Name in exports; unique in the study."))
    stimulus_class = models.CharField(_("class"), max_length=120, blank=True)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MAIN)
    sha256 = models.CharField("SHA-256", max_length=64, editable=False)
    upload_sha256 = models.CharField(
        max_length=64, editable=False, help_text=_("Of the file as uploaded, before re-encoding.")
    )
    path = models.CharField(max_length=200, editable=False)
    width = models.PositiveIntegerField(editable=False)
    height = models.PositiveIntegerField(editable=False)
    source = models.CharField(max_length=300, blank=True, help_text=_("Where the image comes from."))
    licence = models.CharField(max_length=120, blank=True)
    region_sha256 = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text=_("Of the mask of what the image shows, for the pointing game; empty where none is known."),
    )
    region_path = models.CharField(max_length=200, blank=True, default="", db_default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "stimuli"
        ordering = ["study", "key"]
        constraints = [
            models.UniqueConstraint(fields=["study", "key"], name="stimulus_key_once"),
            # A reconstructed study has no pictures, hence no hashes.
            models.UniqueConstraint(
                fields=["study", "sha256"], condition=~Q(sha256=""), name="stimulus_image_once"
            ),
        ]
        indexes = [
            models.Index(fields=["path"]),
            models.Index(fields=["region_path"]),
        ]  # does a row name a file?

    def __str__(self) -> str:
        return self.key


def _lane(task: str) -> Lane:
    return Lane(
        task=task,
        chunk=16,  # enough to fill the device's batches, few enough to share and to lose
        lease=lambda: timedelta(seconds=settings.JOB_LEASE_SECONDS),
        most_attempts=lambda: settings.JOB_MAX_ATTEMPTS,
        first_wait=timedelta(seconds=5),
        died="The worker died on this image several times; look at its log, then retry.",
        long=True,
        related=("stimulus",),
        order=("queue", "pk"),
    )


def _job_indexes(name: str) -> list[models.Index]:
    """What workers and sweeps look for among a million jobs: each finds its rows without reading the others."""
    queued = Q(state="queued")
    return [
        models.Index(
            fields=["state", "lease_expires_at"],
            name=f"{name}_open",
            condition=Q(state__in=["queued", "running"]),
        ),
        models.Index(fields=["queue", "id"], name=f"{name}_queue", condition=queued),
        models.Index(fields=["queue", "id"], name=f"{name}_silent", condition=queued & Q(announced_at=None)),
        models.Index(
            fields=["announced_at"],
            name=f"{name}_announced",
            condition=queued & Q(announced_at__isnull=False),
        ),
    ]


class Job(LeasedRow):
    """Maps of one image under one classifier, for a worker to compute."""

    stimulus: "models.ForeignKey[Stimulus, Stimulus]"
    stimulus_id: int
    classifier = models.CharField(max_length=200)
    methods = models.JSONField(help_text=_("Full keys of the catalogue."))
    settings = models.JSONField(default=dict, help_text=_("edges, colour_map, metrics, seed, ranks …"))
    queue = models.CharField(
        max_length=220,
        blank=True,
        default="",
        db_default="",  # a process of the version before does not name it
        editable=False,
        help_text=_("Urgency, study and classifier: see turns.py."),
    )
    progress = models.JSONField(
        null=True,
        blank=True,
        default=None,
        help_text=_("How far a worker is with the image's slow methods, since when it has it."),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.stimulus_id} {self.classifier} {self.state}"


class PrecomputeJob(Job):
    """One image × classifier to explain."""

    LANE = _lane("saliency.explain")
    stimulus = models.ForeignKey(Stimulus, on_delete=models.CASCADE, related_name="jobs")
    region_only = models.BooleanField(
        default=False,
        db_default=False,  # as `queue`
        help_text=_("The maps are there; only the pointing game of the image's region is measured."),
    )

    class Meta(Job.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["stimulus", "classifier"], name="one_job_per_image_and_classifier"
            )
        ]
        indexes = [
            *_job_indexes("job"),
            models.Index(
                fields=["classifier", "finished_at"], name="job_done", condition=Q(state="done")
            ),  # the latest of a classifier, whose pace is the forecast
        ]


class RecomputeJob(Job):
    """Stored maps of one image to be computed again and compared; they themselves are never written."""

    LANE = _lane("saliency.recompute")
    stimulus = models.ForeignKey(Stimulus, on_delete=models.CASCADE, related_name="recomputations")
    maps = models.JSONField(help_text=_("Ids of the stored maps."))
    found = models.JSONField(default=list, help_text=_("One entry per map, with its problem or none."))

    class Meta(Job.Meta):
        indexes = _job_indexes("recompute")


class OwnModel(LeasedRow):
    """A network that a researcher brought. Its state is that of its trial by a worker, which finds out the rest."""

    class Source(models.TextChoices):
        UPLOAD = "upload", _("Uploaded")
        FOLDER = "folder", _("In the operator's folder")

    LANE = Lane(
        task="saliency.try_model",
        chunk=1,
        lease=lambda: timedelta(seconds=settings.JOB_LEASE_SECONDS),
        most_attempts=lambda: settings.JOB_MAX_ATTEMPTS,
        first_wait=timedelta(seconds=5),
        died="The worker died on this model several times; look at its log, and take a smaller model.",
        long=True,
        related=("study",),
    )
    study = models.ForeignKey("studies.Study", on_delete=models.CASCADE, related_name="own_models")
    name = models.CharField(max_length=60, help_text=_("Among the study's classifiers, in maps and exports."))
    source = models.CharField(max_length=10, choices=Source.choices)
    path = models.CharField(
        max_length=300, blank=True, help_text=_("In the storage, or below the operator's folder.")
    )
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    layer = models.CharField(max_length=120, blank=True, help_text=_("Empty: the last feature map."))
    preprocessing = models.CharField(max_length=10, default="raw")
    fit = models.CharField(max_length=10, default="crop")
    class_names = models.JSONField(default=list, blank=True)
    found = models.JSONField(
        default=dict, blank=True, help_text=_("What the trial found: input, layer, classes, previews.")
    )
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["study", "name"]
        constraints = [models.UniqueConstraint(fields=["study", "name"], name="own_model_name_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_usable(self) -> bool:
        """Tried, and accepted after a look at the preview."""
        return self.state == self.State.DONE and self.accepted_at is not None

    def definition(self) -> dict[str, Any]:
        """What decides its maps beside the study's settings, as a protocol seals it."""
        return {
            "name": self.name,
            "sha256": self.sha256,
            "layer": self.found.get("layer") or self.layer,
            "preprocessing": self.preprocessing,
            "fit": self.fit,
            "class_names": self.class_names,
        }


JOB_KINDS: tuple[type[Job], ...] = (PrecomputeJob, RecomputeJob)


class SaliencyMap(SealedRow):
    """A computed (or uploaded) map: its array, its provenance and the machine metrics."""

    stimulus = models.ForeignKey(Stimulus, on_delete=models.CASCADE, related_name="maps")
    classifier = models.CharField(max_length=200, blank=True)
    layer = models.CharField(max_length=120, blank=True)
    class_index = models.IntegerField(
        default=-1, help_text=_("Explained class; −1 where there is none (uploaded maps).")
    )
    class_name = models.CharField(max_length=120, blank=True)
    rank = models.PositiveSmallIntegerField(
        default=0,
        help_text=_("Of the explained class: 0 is the predicted one, 1 the network's second choice …"),
    )
    method = models.CharField(max_length=60, help_text=_("Full key of the catalogue."))
    parameters_hash = models.CharField(max_length=64)
    array_sha256 = models.CharField(max_length=64, blank=True)
    array_path = models.CharField(max_length=200, blank=True)
    metrics = models.JSONField(null=True, blank=True)
    provenance = models.JSONField()
    current = models.BooleanField(
        default=True,
        help_text=_("The newest for its image, classifier, method and rank; older ones are kept."),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["stimulus", "classifier", "method"]
        constraints = [
            models.UniqueConstraint(
                fields=["stimulus", "classifier", "layer", "class_index", "method", "parameters_hash"],
                name="saliency_map_once",
            ),
            models.UniqueConstraint(
                fields=["stimulus", "classifier", "method", "rank"],
                condition=Q(current=True),
                name="one_current_map",
            ),
        ]
        indexes = [models.Index(fields=["array_path"])]

    def __str__(self) -> str:
        return f"{self.stimulus_id} {self.classifier} {self.method}"


class MapPicture(SealedRow):
    """The 8-bit RGB PNG of a map under one colour map: what people see."""

    saliency_map = models.ForeignKey(SaliencyMap, on_delete=models.CASCADE, related_name="pictures")
    colour_map = models.CharField(max_length=10)
    sha256 = models.CharField(max_length=64)
    path = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["saliency_map", "colour_map"], name="picture_once_per_colour_map")
        ]
        indexes = [models.Index(fields=["path"])]

    def __str__(self) -> str:
        return f"{self.saliency_map_id} {self.colour_map}"
