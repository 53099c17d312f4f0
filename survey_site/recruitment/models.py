"""External identifiers of participants: kept apart, for reconciliation only, never in data exports."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from survey_site.recruitment import embedding
from survey_site.studies.sealed_rows import SealedRow


class Recruitment(SealedRow):
    """How a study recruits: the provider and its completion codes."""

    class Provider(models.TextChoices):
        LINK = "link", _("Plain link")
        PROLIFIC = "prolific", _("Prolific")
        SONA = "sona", _("SONA")
        LIST = "list", _("Personal links for a list")

    class Retakes(models.TextChoices):
        NEVER = "never", _("Never: whoever began on this device goes on or is told so")
        ASK = "ask", _("Ask: go on, or somebody else begins")
        ALLOW = "allow", _("Allow: everybody begins anew")

    study = models.OneToOneField("studies.Study", on_delete=models.CASCADE, related_name="recruitment")
    provider = models.CharField(max_length=10, choices=Provider.choices, default=Provider.LINK)
    quota = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("Most participants let in; empty: no limit.")
    )
    allow_phones = models.BooleanField(default=True)
    completed_code = models.CharField(max_length=60, blank=True)
    screened_out_code = models.CharField(max_length=60, blank=True)
    failed_attention_code = models.CharField(max_length=60, blank=True)
    over_quota_code = models.CharField(max_length=60, blank=True)
    too_fast_code = models.CharField(
        max_length=60,
        blank=True,
        help_text=_(
            "Of who finished faster than the exclusion rules declare to be possible; empty: no code, you look first."
        ),
    )
    retakes = models.CharField(
        max_length=5,
        choices=Retakes.choices,
        default=Retakes.ASK,
        help_text=_("By a plain link, which names nobody: the device remembers that somebody began."),
    )
    earlier_studies = models.ManyToManyField(
        "studies.Study",
        blank=True,
        related_name="+",
        help_text=_("Whoever began one of these with the same identifier is screened out."),
    )
    return_url = models.CharField(
        max_length=500,
        blank=True,
        help_text=_(
            "Where a plain link leads back to, such as https://x.qualtrics.com/jfe/form/SV_1?id={id}&code={code}. "
            "In braces: participant, outcome, code, or any parameter of the start link."
        ),
    )
    frame_origins = models.CharField(
        max_length=500,
        blank=True,
        help_text=_(
            "Sites that may show the study inside their pages, separated by spaces, such as https://x.qualtrics.com; "
            "empty: none."
        ),
    )
    sona_host = models.CharField(max_length=120, blank=True, help_text=_("Such as school.sona-systems.com"))
    sona_experiment_id = models.CharField(max_length=60, blank=True)
    sona_credit_token = models.CharField(max_length=120, blank=True)

    def __str__(self) -> str:
        return f"{self.study}: {self.get_provider_display()}"

    def clean(self) -> None:
        """Refuses settings under which finished participants could not be paid."""
        needed = {
            self.Provider.PROLIFIC: ("completed_code",),
            self.Provider.SONA: ("sona_host", "sona_experiment_id", "sona_credit_token"),
        }
        missing = [name for name in needed.get(self.Provider(self.provider), ()) if not getattr(self, name)]
        errors: dict[str, Any] = {name: _("The provider needs this to grant the reward.") for name in missing}
        if self.sona_host and not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", self.sona_host):
            errors["sona_host"] = _("Write the host alone, such as school.sona-systems.com.")
        if problem := self._problem_of_return():
            errors["return_url"] = problem
        if wrong := embedding.wrong_origins(self.frame_origins):
            errors["frame_origins"] = _("Sites are written as https://host, without a path: %s.") % ", ".join(
                wrong
            )
        if errors:
            raise ValidationError(errors)

    def _problem_of_return(self) -> Any:
        if not self.return_url:
            return ""
        if self.provider in (self.Provider.PROLIFIC, self.Provider.SONA):
            return _(
                "Prolific and SONA have a way back of their own; a return address is for the other links."
            )
        return embedding.problem_of(self.return_url)


class ExcludedId(models.Model):
    """Somebody of an earlier study, from a list: by a keyed hash, which recognises and tells nothing."""

    study = models.ForeignKey("studies.Study", on_delete=models.CASCADE, related_name="excluded_ids")
    mark = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "mark"], name="excluded_once")]

    def __str__(self) -> str:
        return self.mark


class TurnedAway(models.Model):
    """Somebody who was shown a code at the door without taking part: once for each identifier, kept as a keyed hash."""

    study = models.ForeignKey("studies.Study", on_delete=models.CASCADE, related_name="turned_away")
    mark = models.CharField(max_length=64)
    outcome = models.CharField(max_length=20)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "mark"], name="turned_away_once")]

    def __str__(self) -> str:
        return f"{self.outcome} {self.at:%Y-%m-%d}"
