"""Participants, and the secrets that they are known by."""

import secrets

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from survey_site.studies.sealed_rows import SealedRow

CODE_LETTERS = "bcdfghjkmnpqrstvwxz"  # no vowels, so no words; nothing that looks like a digit


def new_token() -> str:
    """256 random bits for the resume link; it is the participant's only credential."""
    return secrets.token_urlsafe(32)


def new_code() -> str:
    """Short opaque name of a participant in exports: letters only, which no program takes for a number (`12e34`)."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(12))


class Participant(SealedRow):
    """One person (or bot, or preview) in one study, under one protocol.

    What proves their trials and answers (ledger.py) is in `plan`, `presented`, `chain_length` and `chain_head`.
    """

    SEALED_WITH_ID = False  # the code is in the seal, and in every answer's digest
    READ_BEFORE_SAVE = False  # no further query on a participant's page

    class Kind(models.TextChoices):
        PERSON = "person", _("Person")
        BOT = "bot", _("Simulated")
        PREVIEW = "preview", _("Preview")

    class State(models.TextChoices):
        STARTED = "started", _("Started")
        CONSENTED = "consented", _("In the study")
        FINISHED = "finished", _("Finished")
        SCREENED_OUT = "screened_out", _("Screened out")
        DROPPED = "dropped", _("Dropped out")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    study = models.ForeignKey("studies.Study", on_delete=models.PROTECT, related_name="participants")
    protocol = models.ForeignKey("protocols.Protocol", on_delete=models.PROTECT, related_name="participants")
    code = models.CharField(max_length=40, default=new_code)
    token = models.CharField(max_length=64, unique=True, default=new_token)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.PERSON)
    state = models.CharField(max_length=15, choices=State.choices, default=State.STARTED)
    ticket_number = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("Row of the Latin square.")
    )
    surplus = models.BooleanField(
        default=False,
        help_text=_(
            "Came beyond the target, or returned after the ticket was re-issued: outside the primary analysis."
        ),
    )
    excluded = models.BooleanField(default=False)
    exclusion_reason = models.CharField(max_length=200, blank=True)
    consent_version = models.CharField(max_length=64, blank=True)
    language = models.CharField(max_length=10, blank=True)
    user_agent_family = models.CharField(max_length=40, blank=True)
    device = models.CharField(max_length=10, blank=True, help_text=_("Phone, tablet or computer."))
    demographics = models.JSONField(default=dict, blank=True)
    client = models.JSONField(
        default=dict,
        blank=True,
        help_text=_("What the browser measured at consent and while questions were answered."),
    )
    link_parameters = models.JSONField(
        default=dict,
        blank=True,
        help_text=_("What came with the start link and goes back with the return address; in no export."),
    )
    acknowledged = models.JSONField(
        default=list, blank=True, help_text=_("Pages between trials that the participant has continued past.")
    )
    receipt = models.CharField(
        max_length=64, unique=True, default=new_token, help_text=_("Secret of the withdrawal link.")
    )
    started_at = models.DateTimeField(
        default=timezone.now,
        editable=False,
        null=True,
        help_text=_("Empty in a reconstruction, where no time is known."),
    )
    consented_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    plan = models.CharField(
        max_length=64, blank=True, editable=False, help_text=_("Digest of the planned trials.")
    )
    presented = models.CharField(
        max_length=64, blank=True, editable=False, help_text=_("Digest of what was shown when.")
    )
    chain_length = models.PositiveIntegerField(
        default=0, editable=False, help_text=_("Answers in the chain.")
    )
    chain_head = models.CharField(max_length=64, blank=True, editable=False)
    named = models.BooleanField(
        default=False,
        db_default=False,  # a process of the version before does not name it
        editable=False,
        help_text=_(
            "A recruitment service gave an identifier, which is kept until the day that the consent states."
        ),
    )

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["study", "code"], name="participant_code_once")]
        indexes = [
            models.Index(fields=["study", "kind", "state"], name="participant_counts"),
            models.Index(fields=["study", "kind", "consented_at"], name="participant_starts"),
        ]

    def __str__(self) -> str:
        return self.code
