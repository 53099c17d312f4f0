"""What a study watches for, whom it tells, what happened, and what became of telling it."""

import base64
import secrets
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from survey_site.notifications.addresses import AddressRefused, checked
from survey_site.stimuli.leased_rows import Lane, LeasedRow


class Kind(models.TextChoices):
    MAPS_READY = "maps_ready", _("Maps are ready")
    MAPS_FAILED = "maps_failed", _("Maps failed")
    TARGET_REACHED = "target_reached", _("Target reached")
    QUOTA_USED = "quota_used", _("Quota used up")
    DROPOUT_UNUSUAL = "dropout_unusual", _("Unusual drop-out")
    ATTENTION_UNUSUAL = "attention_unusual", _("Unusual share of failed attention checks")
    IDS_ERASED_SOON = "ids_erased_soon", _("Identifiers are erased soon")
    STARTS_UNUSUAL = "starts_unusual", _("Unusual number of starts")
    TEST = "test", _("Test")


SECRET_PREFIX = "whsec_"  # noqa: S105  (of the Standard Webhooks specification)


def new_secret() -> str:
    """256 random bits that sign the webhook, in Base64 behind the prefix of the specification."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def percent_validators() -> list[MinValueValidator | MaxValueValidator]:
    return [MinValueValidator(1), MaxValueValidator(99)]


class Watch(models.Model):
    """What a study's researchers want to be told of, and the webhook. It exists from the first setting on."""

    study = models.OneToOneField("studies.Study", on_delete=models.CASCADE, related_name="watch")
    webhook_url = models.CharField(
        _("webhook address"),
        max_length=500,
        blank=True,
        help_text=_("Where this site posts each notification as JSON; empty: nowhere."),
    )
    webhook_secret = models.CharField(max_length=64, default=new_secret, editable=False)
    expected_dropout = models.PositiveSmallIntegerField(
        _("expected drop-out, %"),
        default=20,
        null=True,
        blank=True,
        validators=percent_validators(),
        help_text=_("Tell when clearly more than this share leave in the middle; empty: never."),
    )
    expected_failed_attention = models.PositiveSmallIntegerField(
        _("expected failed attention, %"),
        default=10,
        null=True,
        blank=True,
        validators=percent_validators(),
        help_text=_("Tell when clearly more than this share fail the attention checks; empty: never."),
    )
    least = models.PositiveSmallIntegerField(
        _("from how many participants"),
        default=20,
        validators=[MinValueValidator(5), MaxValueValidator(1000)],
        help_text=_("Fewer than this many participants are never called unusual."),
    )
    expected_starts = models.PositiveSmallIntegerField(
        _("expected starts in ten minutes"),
        default=40,
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_(
            "Tell when more people than this begin within ten minutes, as a script would; empty: never."
        ),
    )
    looked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name_plural = "watches"

    def __str__(self) -> str:
        return f"{self.study_id}"

    def clean(self) -> None:
        """An address that this site would not post to is refused in the form already."""
        if self.webhook_url:
            try:
                checked(self.webhook_url)
            except AddressRefused as error:
                raise ValidationError({"webhook_url": str(error)}) from error


class Subscriber(models.Model):
    """A researcher who wants mail about a study. Only they themselves say so."""

    study = models.ForeignKey("studies.Study", on_delete=models.CASCADE, related_name="subscribers")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "user"], name="subscribed_once")]

    def __str__(self) -> str:
        return f"{self.study_id} {self.user_id}"


class Notification(models.Model):
    """Something that happened in a study, once: `occasion` tells one time from the next."""

    study = models.ForeignKey("studies.Study", on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    occasion = models.CharField(max_length=60)
    subject = models.CharField(max_length=300)
    body = models.TextField()
    facts = models.JSONField(default=dict)
    link = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["study", "kind", "occasion"], name="notification_once_per_occasion"
            )
        ]

    def __str__(self) -> str:
        return self.subject


class Delivery(LeasedRow):
    """One notification to one address of a channel."""

    State = LeasedRow.State
    LANE = Lane(
        task="notifications.deliver",
        chunk=1,
        lease=lambda: timedelta(seconds=120),
        most_attempts=lambda: 6,
        first_wait=timedelta(seconds=30),
        died="The process died several times while sending this; look at its log, then try again.",
        related=("notification__study", "user"),
    )

    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="deliveries")
    address = models.CharField(
        max_length=30, help_text=_("The channel's name and, after a colon, whom there.")
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+")
    state = models.CharField(
        max_length=10,
        default=State.QUEUED,
        choices=[
            (State.QUEUED, _("Waiting")),
            (State.RUNNING, _("Being sent")),
            (State.DONE, _("Sent")),
            (State.FAILED, _("Failed")),
        ],
    )

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["notification", "address"], name="delivered_once_per_address")
        ]
        indexes = [
            models.Index(
                fields=["state", "announced_at"],
                name="delivery_open",
                condition=models.Q(state__in=["queued", "running"]),
            )
        ]

    @property
    def channel(self) -> str:
        """Name of the channel that the address belongs to."""
        return self.address.partition(":")[0]

    def __str__(self) -> str:
        return f"{self.notification_id} {self.address} {self.state}"
