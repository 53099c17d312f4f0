"""Study, StudyText and Membership: what a study is and who may touch it.

Its conditions, its log and the heads of its chains are in conditions.py, audit_entries.py and chain_heads.py.
"""

import secrets
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from saliency_worker import catalog
from survey_site.studies import states
from survey_site.studies.audit_entries import AuditEntry
from survey_site.studies.chain_heads import ChainHead
from survey_site.studies.conditions import Condition
from survey_site.studies.languages import DEFAULT
from survey_site.studies.sealed_rows import SealedRow
from survey_site.tasks import registry
from survey_site.tasks.contract import Task

__all__ = ["AuditEntry", "ChainHead", "Condition", "Membership", "Study", "StudyText"]


def new_seed() -> int:
    """A seed that fits a signed 64-bit column and JavaScript's exact integers."""
    return secrets.randbelow(2**48)


def default_task_settings() -> dict[str, Any]:
    """The settings of a new study: every installed task at its defaults, those without trials left out."""
    return registry.default_settings()


class Study(SealedRow):
    """One human study: its design settings while it is a draft, and its state."""

    State = states.State

    class Origin(models.TextChoices):
        COLLECTED = "collected", _("Collected here")
        IMPORTED = "imported", _("Imported")
        RECONSTRUCTION = "reconstruction", _("Reconstructed from published aggregates")

    slug = models.SlugField(
        _("short name"), unique=True, help_text=_("Part of the participants' link: /s/NAME/")
    )
    title = models.CharField(max_length=200, help_text=_("Participants see it."))
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT, editable=False)
    origin = models.CharField(max_length=20, choices=Origin.choices, default=Origin.COLLECTED, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="studies"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    target_participants = models.PositiveIntegerField(
        _("participants wanted"),
        default=24,
        validators=[MinValueValidator(1)],
        help_text=_("How many participants shall complete the study."),
    )
    closes_on = models.DateField(
        _("closing date"),
        null=True,
        blank=True,
        help_text=_("Last day (UTC) on which participants are let in; empty: until it is closed."),
    )
    task_settings = models.JSONField(
        _("tasks"),
        default=default_task_settings,
        blank=True,
        help_text=_("By task its settings; a task that is not named has no trials."),
    )
    practice_trials = models.PositiveSmallIntegerField(
        default=1,
        help_text=_("Practice trials with feedback before each task; they use reserve images."),
    )
    attention_checks = models.PositiveSmallIntegerField(
        default=0, help_text=_("Attention checks per participant; they use reserve images.")
    )
    trial_timeout_s = models.PositiveIntegerField(
        _("time limit of a trial"),
        null=True,
        blank=True,
        help_text=_("Seconds until a trial counts as timed out; empty: no limit."),
    )
    window_width_px = models.PositiveIntegerField(
        _("least width of the window"),
        null=True,
        blank=True,
        validators=[MinValueValidator(160), MaxValueValidator(4000)],
        help_text=_(
            "Who comes with a narrower window is asked to enlarge it before they start, in CSS pixels; empty: no check."
        ),
    )
    window_height_px = models.PositiveIntegerField(
        _("least height of the window"),
        null=True,
        blank=True,
        validators=[MinValueValidator(160), MaxValueValidator(4000)],
        help_text=_("The same for its height."),
    )
    count_unknown_seen = models.BooleanField(
        _("count trials without JavaScript"),
        default=True,
        help_text=_("Count trials answered without JavaScript, where seeing could not be measured."),
    )
    lease_minutes = models.PositiveIntegerField(
        _("minutes a place is kept"),
        default=60,
        help_text=_("After this long without an answer a participant's ticket goes to the next one."),
    )
    resume_days = models.PositiveIntegerField(
        _("days to resume"), default=7, help_text=_("How long a resume link works.")
    )
    image_px = models.PositiveIntegerField(
        _("side of images"),
        null=True,
        blank=True,
        validators=[MinValueValidator(64), MaxValueValidator(1024)],
        help_text=_(
            "Side of every image as served, in pixels; empty: the largest input of the study's classifiers, "
            "so that nothing is resampled before the browser."
        ),
    )
    colour_map = models.CharField(
        max_length=10, default="jet", choices=[(name, name) for name in catalog.COLOUR_MAPS]
    )
    explain_own_class = models.BooleanField(
        _("explain the image's own class"),
        default=False,
        help_text=_(
            "Maps explain the class that an image has in the study instead of the one that the classifier predicts; the "
            "classes must then be names, or indices, of each classifier's classes."
        ),
    )
    overlay = models.BooleanField(
        _("lay maps over the photo in trials"),
        default=False,
        help_text=_(
            "Participants see each map over its photo, half and half. Where the photo is to be found among others, it is "
            "then in plain sight: for studies that ask for judgements."
        ),
    )
    edges = models.CharField(
        _("edge detector"),
        max_length=20,
        default="hed",
        choices=[(name, name) for name in catalog.EDGE_MODELS],
        help_text=_(
            "Edge detector of Feature CAM. “hed” is the paper's network in the compact form that ships with this "
            "program; “hed-authors” is the paper's own, whose weights the worker finds or downloads (56 MB)."
        ),
    )
    seed = models.BigIntegerField(
        default=new_seed, help_text=_("Seed of pools, assignment and display order.")
    )
    exclusion_rules = models.JSONField(
        default=dict,
        blank=True,
        help_text=_("Declared before any data; empty takes the defaults of docs/statistics.md."),
    )
    analysis_plan = models.JSONField(
        default=dict,
        blank=True,
        help_text=_("Declared before any data; empty takes the defaults of docs/statistics.md."),
    )
    languages = models.JSONField(
        default=list,
        blank=True,
        help_text=_("Codes of the languages wanted; empty: all. Offered are those that have a consent."),
    )
    controller = models.CharField(
        _("who is responsible"),
        max_length=200,
        blank=True,
        help_text=_("Institution and researcher who run the study, as participants shall read it."),
    )
    contact = models.CharField(
        _("contact"),
        max_length=200,
        blank=True,
        help_text=_("Where participants ask and complain: an e-mail address or telephone number."),
    )
    ethics_number = models.CharField(
        _("ethics approval"),
        max_length=120,
        blank=True,
        help_text=_("Board and number; where none is needed, who said so."),
    )
    ids_erased_on = models.DateField(
        _("identifiers are erased on"),
        null=True,
        blank=True,
        help_text=_(
            "On this day the identifiers that recruitment services gave are erased, as the consent says. "
            "A study that is still open is closed then."
        ),
    )
    replicates_paper = models.BooleanField(
        _("replicates the paper"),
        default=False,
        help_text=_(
            "The study repeats the design of Feature CAM's Table 1: the report sets the published figures beside its own."
        ),
    )
    require_rehearsal = models.BooleanField(
        _("rehearse before going live"),
        default=False,
        help_text=_(
            "Go live only after the planned analysis has recovered planted effects from simulated participants, "
            "under exactly this protocol (manage.py rehearse)."
        ),
    )

    class Meta:
        verbose_name_plural = "studies"
        ordering = ["-created_at", "slug"]

    def __str__(self) -> str:
        return self.title

    def settings_of(self, task: Task) -> dict[str, Any]:
        """All settings of a task in this study; `trials_per_column` is 0 where it has no part."""
        return task.effective(self.task_settings.get(task.name))

    @property
    def is_open(self) -> bool:
        """Whether somebody new is let in."""
        return self.state in states.OPEN and not self.is_over

    @property
    def is_over(self) -> bool:
        """Whether the closing date has passed, in UTC."""
        return self.closes_on is not None and timezone.now().date() > self.closes_on

    @property
    def is_replication(self) -> bool:
        """Whether the paper's figures may stand beside this study's own."""
        return self.replicates_paper or self.origin == self.Origin.RECONSTRUCTION

    @property
    def is_editable(self) -> bool:
        """The design can change in a draft only; afterwards a new version is needed."""
        return self.state == self.State.DRAFT


class Membership(SealedRow):
    """A researcher with whom the owner shares a study, and as what. studies/access.py says what each may do."""

    class Role(models.TextChoices):
        EDITOR = "editor", _("Editor: changes the design, sees results")
        ANALYST = "analyst", _("Analyst: sees results")
        ASSISTANT = "assistant", _("Assistant: recruitment only")

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "user"], name="one_role_per_study")]

    def __str__(self) -> str:
        return f"{self.user}: {self.role}"


class StudyText(SealedRow):
    """A text that participants read, in Markdown, per study and language; missing ones come from the defaults."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="texts")
    key = models.SlugField(max_length=40)
    language = models.CharField(max_length=10, default=DEFAULT)
    markdown = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "key", "language"], name="text_once_per_language")
        ]

    def __str__(self) -> str:
        return f"{self.key} ({self.language})"
