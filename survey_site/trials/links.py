"""AnswerLink: the digests of answers, which outlive the answers."""

from django.db import models


class AnswerLink(models.Model):
    """One answer in its participant's chain. Nothing about the answer can be told from it once the salt is gone."""

    participant = models.ForeignKey("trials.Participant", on_delete=models.CASCADE, related_name="links")
    number = models.PositiveIntegerField()
    position = models.PositiveSmallIntegerField()
    digest = models.CharField(max_length=64)

    class Meta:
        # Also what keeps two answers from following the same one.
        constraints = [models.UniqueConstraint(fields=["participant", "number"], name="answer_link_once")]

    def __str__(self) -> str:
        return f"{self.participant_id} #{self.number}"
