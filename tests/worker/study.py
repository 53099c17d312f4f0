"""A study with a tiny classifier, for tests that run the real engine."""

from survey_site.stimuli.archives import Upload
from survey_site.stimuli.intake import add_images
from survey_site.studies.models import Condition, Study
from tests.factories import task_settings
from tests.stimuli.pictures import encoded


def tiny_study(classifier: str, images: int = 3, slug: str = "tiny", first: int = 0) -> Study:
    """Two columns on every gradient base, edges by Sobel. first: seed of the first picture; others give others."""
    study = Study.objects.create(
        slug=slug, title="Tiny", edges="sobel", practice_trials=0, **task_settings(pool_size=3)
    )
    numbers = range(first, first + images)
    add_images(study, [Upload(f"{n}.png", encoded(n, size=(48, 40)), f"class {n}") for n in numbers])
    for base in ("gradcam", "gradcampp"):
        for order, method in enumerate(("", "add-edges")):
            Condition.objects.create(
                study=study,
                column="Ours 1" if method else "Grad-CAMs",
                column_order=order,
                classifier=classifier,
                base=base,
                method=method,
                is_reference=not order,
            )
    return study
