"""Backup codes of the second factor, who must use one, and the API's tokens."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class BackupCode(models.Model):
    """One of the codes for the day on which the phone is lost. It works once; only its SHA-256 is stored."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="backup_codes")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="backup_code_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {'used' if self.used_at else 'unused'}"


class MustUseSecondFactor(models.Model):
    """Somebody who has to log in with a second factor, whatever the site's setting says."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return str(self.user_id)


class ApiToken(models.Model):
    """A researcher's key for a program: what it may do, with which studies, and until when.

    It never allows more than the researcher may do. Only its SHA-256 is stored.
    """

    class Scope(models.TextChoices):
        READ = "read", _("Read: studies, stimuli, jobs")
        WRITE = "write", _("Write: upload stimuli, queue jobs")
        RESULTS = "results", _("Results: the report")
        EXPORT = "export", _("Export: responses and participants")
        RECRUITMENT = "recruitment", _("Recruitment: places and how participants end")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80, help_text=_("What it is for, such as “nightly export”."))
    digest = models.CharField(max_length=64, unique=True, editable=False)
    beginning = models.CharField(max_length=12, editable=False, help_text=_("To recognise it by."))
    scopes = models.JSONField(default=list)
    all_studies = models.BooleanField(
        _("all studies that I see, later ones too"),
        default=False,
        help_text=_("Otherwise choose studies below."),
    )
    studies = models.ManyToManyField("studies.Study", blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "API token"
        verbose_name_plural = "API tokens"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.name} ({self.beginning}…)"

    def ended(self, now: datetime | None = None) -> str:
        """Why the token works no more; empty while it does."""
        if self.revoked_at:
            return "This token was revoked."
        if self.expires_at and self.expires_at <= (now or timezone.now()):
            return "This token has expired."
        return ""
