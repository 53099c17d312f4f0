"""The log of a study, and of the site itself."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class AuditEntry(models.Model):
    """Who changed, exported, unmasked or excluded what, and when. Rows are added, never changed.

    Each is a link of its study's chain, the site's own lines of another; audit.py writes them.
    """

    study = models.ForeignKey(
        "studies.Study",
        on_delete=models.CASCADE,
        null=True,
        related_name="audit",
        help_text=_("Empty: the site itself."),
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    verb = models.CharField(max_length=40)
    detail = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField(default=timezone.now, editable=False)
    number = models.PositiveIntegerField(
        null=True, editable=False, help_text=_("In the chain of its study, from 1.")
    )
    actor = models.BigIntegerField(
        null=True, editable=False, help_text=_("Id of the user, which stays when the user is deleted.")
    )
    digest = models.CharField(max_length=64, default="", editable=False)

    class Meta:
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["study", "number"], name="audit_line_once"),
            models.UniqueConstraint(
                fields=["number"], condition=models.Q(study=None), name="audit_line_of_the_site_once"
            ),
        ]
        indexes = [models.Index(fields=["study", "verb"], name="audit_by_verb")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.user} {self.verb} {self.detail}".strip()
