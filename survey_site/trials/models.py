"""Ticket, Trial, Exposure and Response; participants are in participants.py, the digests of answers in links.py."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from survey_site.recruitment.models import Recruitment
from survey_site.studies.sealed_rows import SealedRow
from survey_site.trials.links import AnswerLink
from survey_site.trials.participants import Participant, new_code, new_token

__all__ = [
    "AnswerLink", "Exposure", "ExternalId", "Participant", "Response", "Ticket", "Trial",
    "new_code", "new_token",  # migrations name them here
]  # fmt: skip


class Ticket(models.Model):
    """A numbered row of the Latin square: leased to one participant at a time, and re-issued after drop-out."""

    class State(models.TextChoices):
        LEASED = "leased", _("Leased")
        RELEASED = "released", _("Released")
        COMPLETED = "completed", _("Completed")

    protocol = models.ForeignKey("protocols.Protocol", on_delete=models.CASCADE, related_name="tickets")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.LEASED)
    participant = models.ForeignKey(Participant, on_delete=models.SET_NULL, null=True, related_name="tickets")
    lease_expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["protocol", "number"], name="ticket_number_once")]
        indexes = [models.Index(fields=["protocol", "state", "number"], name="ticket_next")]

    def __str__(self) -> str:
        return f"{self.protocol_id} #{self.number} {self.state}"


def first_place(maps: Sequence[Mapping[str, int | None]], saliency_map: int | None) -> int:
    """Place of a trial's own map among those shown; 0 where it shows none."""
    return [shown["map"] for shown in maps].index(saliency_map) if maps else 0


class Trial(models.Model):
    """One planned presentation to one participant."""

    PRACTICE = "practice"

    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="trials")
    position = models.PositiveSmallIntegerField(help_text=_("From 0, over the whole study."))
    block = models.CharField(max_length=40, help_text=_("“practice”, or the name of the task."))
    task = models.CharField(max_length=40)
    condition = models.ForeignKey("studies.Condition", on_delete=models.PROTECT, null=True, blank=True)
    stimulus = models.ForeignKey("stimuli.Stimulus", on_delete=models.PROTECT, related_name="+")
    saliency_map = models.ForeignKey(
        "stimuli.SaliencyMap", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    maps = models.JSONField(
        default=list,
        blank=True,
        help_text=_("Of a trial that shows several maps: id, condition and rank of each, in display order."),
    )
    pool = models.JSONField(default=list, help_text=_("Stimulus ids of the candidates in display order."))
    pool_index = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("Which pool of the protocol.")
    )
    attention_check = models.BooleanField(default=False)
    expected = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text=_("The score that an attention check asks for; empty: 1.")
    )
    probability = models.FloatField(default=1.0, help_text=_("Of this assignment, under the design."))
    issued_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["participant", "position"]
        constraints = [
            models.UniqueConstraint(fields=["participant", "position"], name="trial_position_once")
        ]
        # A few trials of each participant: the monitor finds them without looking at the others.
        indexes = [
            models.Index(fields=["participant"], name="trial_checks", condition=Q(attention_check=True))
        ]

    def __str__(self) -> str:
        return f"{self.participant_id}/{self.position} {self.task}"

    @property
    def first(self) -> int:
        """Place, among the maps shown, of the one that the trial's condition describes."""
        return first_place(self.maps, self.saliency_map_id)


class Exposure(models.Model):
    """An original that a participant has been shown, in whatever role."""

    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="exposures")
    stimulus = models.ForeignKey("stimuli.Stimulus", on_delete=models.CASCADE, related_name="+")
    trial = models.ForeignKey(Trial, on_delete=models.CASCADE, related_name="exposures")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["participant", "stimulus"], name="exposed_once")]

    def __str__(self) -> str:
        return f"{self.participant_id} saw {self.stimulus_id}"


class ResponseQuerySet(models.QuerySet["Response"]):
    """Fills the copied columns of every new row, so that no writer can forget them."""

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        rows = list(objs)
        for row in rows:
            row.copy_from_trial()
        return super().bulk_create(rows, *args, **kwargs)


class Response(models.Model):
    """The one answer to a trial. A timeout or skip has no score, and a reason.

    `participant`, `condition`, `further_conditions`, `task` and `counts` repeat what the trial says (a trial never
    changes after it was issued), so that Table 1 is one scan of this table. What an answer and its scores mean is its
    task's to say: `answer` holds whatever the task stores.
    """

    class Seen(models.TextChoices):
        YES = "yes", _("Yes")
        NO = "no", _("No")
        UNKNOWN = "unknown", _("Unknown")

    class Missing(models.TextChoices):
        ANSWERED = "", _("Answered")
        TIMEOUT = "timeout", _("Timed out")
        SKIPPED = "skipped", _("Skipped")
        IMAGE_FAILED = "image_failed", _("An image could not be shown")

    trial = models.OneToOneField(Trial, on_delete=models.CASCADE, related_name="response")
    participant = models.ForeignKey(
        Participant,
        on_delete=models.CASCADE,
        related_name="responses",
        db_index=False,  # the first column of the index `response_report`
        editable=False,
    )
    condition = models.ForeignKey(
        "studies.Condition",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,  # `response_condition`, which was added while people answer
        editable=False,
    )
    further_conditions = models.CharField(
        max_length=200,
        blank=True,
        editable=False,
        help_text=_("Ids of the conditions of the trial's other maps, separated by commas."),
    )
    task = models.CharField(max_length=40, editable=False)
    counts = models.BooleanField(
        default=True, editable=False, help_text=_("Neither practice nor an attention check.")
    )
    idempotency_key = models.CharField(max_length=64)
    body_hash = models.CharField(
        max_length=64, help_text=_("Tells a repeated post from one with other content.")
    )
    score = models.FloatField(null=True, blank=True)
    second_score = models.FloatField(null=True, blank=True)
    declined = models.BooleanField(default=False, help_text=_("“I can't tell”: an answer all the same."))
    missing = models.CharField(max_length=15, choices=Missing.choices, default=Missing.ANSWERED, blank=True)
    answer = models.JSONField(default=dict, blank=True, help_text=_("As the task stores it."))
    rt_ms = models.PositiveIntegerField(null=True, blank=True)
    seen = models.CharField(max_length=10, choices=Seen.choices, default=Seen.UNKNOWN)
    client = models.JSONField(default=dict, blank=True, help_text=_("What the browser measured."))
    answered_at = models.DateTimeField(null=True, help_text=_("Empty in a reconstruction only."))
    salt = models.CharField(max_length=32, blank=True, editable=False)
    ledger = models.JSONField(
        null=True,
        editable=False,
        help_text=_("The link, on its way into the ledger; empty once it is stored."),
    )

    objects = ResponseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(missing="") | Q(score__isnull=False) | Q(declined=True),
                name="an_answer_or_a_reason",
            ),
        ]
        indexes = [
            # All that Table 1 looks at, so that its sums are read from the index: a sixth of the table's pages.
            models.Index(
                fields=[
                    "participant", "condition", "score", "second_score", "declined",
                    "counts", "seen", "missing", "task", "further_conditions",
                ],
                name="response_report",
            ),
            # Whether a condition has answers, which the database asks before the condition goes.
            models.Index(fields=["condition"], name="response_condition"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"response to {self.trial_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.copy_from_trial()
        super().save(*args, **kwargs)

    def copy_from_trial(self) -> None:
        """Sets the columns that repeat the trial, on a new row only."""
        if self.pk is None:
            trial = self.trial
            self.participant_id = trial.participant_id
            self.condition_id = trial.condition_id
            self.further_conditions = ",".join(
                str(shown["condition"]) for shown in trial.maps if shown["condition"] != trial.condition_id
            )
            self.task = trial.task
            self.counts = trial.block != Trial.PRACTICE and not trial.attention_check


class ExternalId(SealedRow):
    """Who a participant is to the provider. One person per study, by constraint."""

    READ_BEFORE_SAVE = False

    study = models.ForeignKey("studies.Study", on_delete=models.CASCADE, related_name="external_ids")
    participant = models.OneToOneField(
        "trials.Participant", on_delete=models.CASCADE, related_name="external_id"
    )
    provider = models.CharField(max_length=10, choices=Recruitment.Provider.choices)
    value = models.CharField(max_length=120)
    session = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["study", "provider", "value"], name="one_participant_per_external_id"
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.value}"
