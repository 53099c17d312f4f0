"""What a network sees in an image, for pools of images that look alike."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class StimulusFeatures(models.Model):
    """Pooled feature vector of an image under a classifier, for pools of similar-looking images."""

    stimulus = models.ForeignKey("stimuli.Stimulus", on_delete=models.CASCADE, related_name="features")
    classifier = models.CharField(max_length=200)
    vector = models.JSONField(help_text=_("Floats, the classifier's pooled last convolution."))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stimulus", "classifier"], name="features_once_per_classifier")
        ]

    def __str__(self) -> str:
        return f"{self.stimulus_id} {self.classifier}"
