"""The conditions of a study: what is compared with what."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from saliency_worker import catalog
from survey_site.studies.sealed_rows import SealedRow


class Condition(SealedRow):
    """Classifier × base × method, and the Table-1 column its trials count in."""

    study = models.ForeignKey("studies.Study", on_delete=models.CASCADE, related_name="conditions")
    column = models.CharField(max_length=60, help_text=_("Table-1 column, such as “Grad-CAMs” or “Ours 1”."))
    column_order = models.PositiveSmallIntegerField(default=0)
    classifier = models.CharField(max_length=200, blank=True)
    base = models.CharField(
        max_length=30, blank=True, help_text=_("Key of the CAM, such as gradcampp; empty for a control.")
    )
    method = models.CharField(
        max_length=30,
        blank=True,
        help_text=_("Combination such as add-blend21, a control, or empty for the bare base."),
    )
    is_reference = models.BooleanField(
        default=False, help_text=_("The column that the others are compared with.")
    )

    class Meta:
        ordering = ["column_order", "column", "classifier", "base", "method"]
        constraints = [
            models.UniqueConstraint(
                fields=["study", "column", "classifier", "base", "method"], name="condition_once_per_column"
            )
        ]

    def __str__(self) -> str:
        return f"{self.column}: {self.classifier} {self.key}".strip()

    @property
    def key(self) -> str:
        """Full key of the catalogue: `base`, `base.combination` or a control."""
        return catalog.join_key(self.base, self.method)
