"""A study that is ready to go live, made without a worker: pictures and maps are random blocks."""

from collections.abc import Iterable

from survey_site.stimuli import storage
from survey_site.stimuli.archives import Upload
from survey_site.stimuli.intake import add_images
from survey_site.stimuli.models import SaliencyMap, Stimulus
from survey_site.studies.models import Condition, Study
from tests.factories import FACTS, store_maps, task_settings
from tests.stimuli.pictures import encoded

CLASSIFIER = "MobileNetV2"


def ready_study(
    *,
    images: int = 6,
    columns: int = 2,
    reserve: int = 3,
    side: int = 48,
    slug: str = "sample",
    **options: object,
) -> Study:
    """A draft whose first column is Grad-CAMs and whose others are Ours 1, 2, …; every map exists."""
    defaults: dict[str, object] = {
        **FACTS,
        "pool_size": 3,
        "matching_trials_per_column": 1,
        "rating_trials_per_column": 1,
        "practice_trials": 1,
        "target_participants": 4,
        "seed": 7,
    }
    study = Study.objects.create(slug=slug, **task_settings(**{"title": "Sample", **defaults, **options}))
    add_images(study, [Upload(f"m{n}.png", encoded(n), f"class {n % 3}") for n in range(images)])
    add_images(
        study,
        [Upload(f"r{n}.png", encoded(100 + n), "reserve") for n in range(reserve)],
        Stimulus.Role.RESERVE,
    )
    methods = ["", "add-edges", "add-blend21", "add-blend11", "comp-edges", "comp-blend11"][:columns]
    for order, method in enumerate(methods):
        column = f"Ours {order}" if order else "Grad-CAMs"
        Condition.objects.create(
            study=study,
            column=column,
            column_order=order,
            classifier=CLASSIFIER,
            base="gradcam",
            method=method,
            is_reference=not order,
        )
    store_maps(
        _painted(study.stimuli.all(), [*(c.key for c in study.conditions.all()), "original"], side), "jet"
    )
    return study


def add_maps(stimulus: Stimulus, methods: list[str], side: int = 48, originals: bool = True) -> None:
    """Stored maps of these methods and the original for a stimulus, as a worker would leave them."""
    store_maps(_painted([stimulus], [*methods, "original"] if originals else methods, side), "jet")


def _painted(stimuli: Iterable[Stimulus], methods: list[str], side: int) -> list[tuple[SaliencyMap, bytes]]:
    painted = []
    for stimulus in stimuli:
        for number, method in enumerate(methods):
            picture = encoded(1000 * stimulus.pk + number, size=(side, side))
            saliency_map = SaliencyMap(
                stimulus=stimulus,
                classifier=CLASSIFIER,
                method=method,
                layer="out_relu",
                class_index=1,
                class_name="tench",
                parameters_hash=storage.sha256(method.encode()),
                array_sha256=storage.sha256(picture),
                provenance={"edges": "sobel"},
            )
            painted.append((saliency_map, picture))
    return painted
