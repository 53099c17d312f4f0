"""Protocol, the sealed definition of a study; its rehearsals; its pictures as participants receive them."""

from datetime import date
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from survey_site.protocols import format_1
from survey_site.protocols.measurement import measurement_hash
from survey_site.studies.facts import DATE
from survey_site.studies.models import Study
from survey_site.studies.sealed_rows import SealedRow


class Protocol(SealedRow):
    """The frozen definition of a study: canonical JSON under its SHA-256, pools and seeds included."""

    UNSEALED: ClassVar[frozenset[str]] = frozenset({"document"})  # it is under its hash
    READ_BEFORE_SAVE = False  # nobody changes one

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="protocols")
    version = models.PositiveIntegerField()
    pilot = models.BooleanField(
        default=False, help_text=_("Answers given under a pilot are never in the analysis.")
    )
    hash = models.CharField(_("SHA-256"), max_length=64)
    document = models.JSONField()
    sealed_at = models.DateTimeField(null=True)
    ids_erased_on = models.DateField(
        null=True,
        editable=False,
        help_text=_("As the document's facts say; empty where its consent states no day."),
    )
    sealed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    measurement_hash = models.CharField(
        _("SHA-256 of the measurement"),
        max_length=64,
        editable=False,
        help_text=_("Of all that makes answers comparable; an amendment leaves it as it is."),
    )
    measurement = models.ForeignKey(
        "self",
        on_delete=models.CASCADE,
        null=True,
        editable=False,
        related_name="pooled",
        help_text=_(
            "The first seal of the same measurement: their answers stand in one table. Its tickets are theirs."
        ),
    )
    reason = models.TextField(blank=True, help_text=_("Of an amendment: why."))

    class Meta:
        ordering = ["study", "-version"]
        constraints = [models.UniqueConstraint(fields=["study", "version"], name="protocol_version_once")]

    def __str__(self) -> str:
        return f"{self.study.slug} v{self.version} ({self.hash[:10]})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A new seal gets the hash of its measurement, and begins one of its own where none is given.

        It copies the day of erasure out of its document, where the sweep would have to read it all.
        """
        if self.pk is None:
            day = self.document.get("facts", {}).get(DATE)
            self.ids_erased_on = date.fromisoformat(day) if day else None
        if not self.measurement_hash:
            self.measurement_hash = measurement_hash(self.content)
        super().save(*args, **kwargs)
        if self.measurement_id is None:
            self.measurement_id = self.pk
            super().save(update_fields=["measurement"])

    @property
    def amends(self) -> bool:
        """Whether its answers stand in one table with those of an earlier version."""
        return self.measurement_id != self.pk

    @property
    def content(self) -> dict[str, Any]:
        """The document in the present format; `document` is as it was sealed."""
        return format_1.document(self.document)


class Look(SealedRow):
    """A look at the data under the sealed stopping rule: taken once, and never changed.

    What was found stands here, so that later answers, exclusions and withdrawals change the report but no decision.
    """

    measurement = models.ForeignKey(Protocol, on_delete=models.CASCADE, related_name="looks")
    number = models.PositiveSmallIntegerField(help_text=_("From 1, in the order of the plan."))
    planned = models.PositiveIntegerField(help_text=_("Participants after whom it was planned."))
    participants = models.PositiveIntegerField(help_text=_("Participants whose answers were looked at."))
    fraction = models.FloatField(help_text=_("Of the target: how much of α was spent up to here."))
    closing = models.BooleanField(
        default=False, help_text=_("Taken because the study had ended before its next planned look.")
    )
    found = models.JSONField(help_text=_("By column: difference, its variance, degrees of freedom and p."))
    reached = models.BooleanField(help_text=_("Whether the boundary was reached."))
    taken_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["measurement", "number"]
        constraints = [models.UniqueConstraint(fields=["measurement", "number"], name="look_once")]

    def __str__(self) -> str:
        return f"{self.measurement_id} look {self.number}"


class Rehearsal(SealedRow):
    """The planned analysis tried on simulated participants with known effects, under one state of a draft."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="rehearsals")
    document_hash = models.CharField(
        max_length=64, help_text=_("SHA-256 of the draft's document, before the size of images is fixed.")
    )
    seed = models.BigIntegerField()
    participants = models.PositiveIntegerField(help_text=_("Completed participants of each simulated study."))
    repetitions = models.PositiveIntegerField(
        help_text=_("Simulated studies, with and without effects each.")
    )
    passed = models.BooleanField()
    summary = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.study.slug} {'passed' if self.passed else 'failed'} ({self.document_hash[:10]})"


class ServedImage(SealedRow):
    """A picture as participants receive it: one pixel size, one format and one byte length per protocol.

    Its file has a random name, so that neither the name nor the length tells what it shows.
    """

    protocol = models.ForeignKey(Protocol, on_delete=models.CASCADE, related_name="served")
    saliency_map = models.ForeignKey("stimuli.SaliencyMap", on_delete=models.PROTECT, related_name="+")
    path = models.CharField(max_length=120, unique=True)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["protocol", "saliency_map"], name="served_once_per_protocol")
        ]

    def __str__(self) -> str:
        return self.path
