"""The heads of chains that a study has one of: its audit log and its arrivals.

A chain is only as good as the knowledge of where it ends: its length and head lie apart from its links, under a seal
that every link replaces, so that links at the end cannot be taken away.
"""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from survey_site.studies import seals
from survey_site.studies.sealed_rows import SealedRow


class ChainHead(SealedRow):
    """Where a chain ends. The caller that appends is in a transaction."""

    class Kind(models.TextChoices):
        AUDIT = "audit", _("Audit log")
        ARRIVALS = "arrivals", _("Participants in the order of their arrival")

    SEALED_WITH_ID = False
    READ_BEFORE_SAVE = False

    study = models.ForeignKey(
        "studies.Study",
        on_delete=models.CASCADE,
        null=True,
        related_name="chain_heads",
        help_text=_("Empty: the site itself."),
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    length = models.PositiveIntegerField(default=0)
    head = models.CharField(max_length=64, default=seals.EMPTY)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "kind"], name="one_head_per_chain"),
            models.UniqueConstraint(fields=["kind"], condition=Q(study=None), name="one_head_of_the_site"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.study_id}: {self.length}"

    def append(self, digest: str) -> None:
        """One more link; the row was read by `locked` in this transaction."""
        self.length, self.head = self.length + 1, seals.link(self.head, digest)
        self.save(update_fields=["length", "head"])


def locked(kind: str, study_id: int | None) -> ChainHead:
    """The head of a chain as it is now, nobody else's to append to until the transaction ends."""
    heads = ChainHead.objects.select_for_update(no_key=True)
    own: dict[str, Any] = {"kind": kind, "study_id": study_id}
    head: ChainHead = heads.get_or_create(**own)[0]
    head.doubt()
    return head
