"""Studies of one task that asks what people understand, from maps painted on the spot."""

from typing import Any

from survey_site.protocols import freeze
from survey_site.stimuli.models import SaliencyMap
from survey_site.studies.models import Study
from survey_site.tasks import registry
from survey_site.tasks.settings import TRIALS
from tests import factories
from tests.stimuli.pictures import encoded

METHODS = ("gradcam", "gradcam.add-edges", "gradcam.add-blend21")
RANKS = (1, 2, 3)


def draft(task: str, *, trials: int = 2, methods: tuple[str, ...] = METHODS, **options: Any) -> Study:
    """A draft of this task alone, of whose images the network takes every other one for something else."""
    chosen: dict[str, Any] = {
        "images": 12,
        "reserve": 8,
        "methods": methods,
        "attention_checks": 1,
        "matching_trials_per_column": 0,
        "rating_trials_per_column": 0,
        f"{task}_{TRIALS}": trials,
    }
    study = factories.draft(**{**chosen, **options})
    predict(study)
    if max(registry.task(task).spec(registry.task(task).default_settings).ranks):
        explain_further_classes(study, methods)
    return study


def predict(study: Study, wrong: int = 2) -> None:
    """The network takes every image for its class but the `wrong`-th, counted within main and reserve images."""
    for role in ("main", "reserve"):
        for number, stimulus in enumerate(study.stimuli.filter(role=role).order_by("key")):
            own = stimulus.stimulus_class.replace("-", "_").upper()
            label = f"a thing like {number % 5}" if number % wrong else own
            SaliencyMap.objects.filter(stimulus=stimulus, method="original").update(class_name=label)


def explain_further_classes(study: Study, methods: tuple[str, ...]) -> None:
    """Maps for the network's second to fourth choice, each another picture."""
    for number, stimulus in enumerate(study.stimuli.all()):
        for place, method in enumerate(methods):
            for rank in RANKS:
                picture = encoded(9000 + 97 * number + 13 * place + rank, size=(64, 64))
                factories.add_map(stimulus, method, picture, rank=rank)


def live(task: str, **options: Any) -> Study:
    """The same, taking participants."""
    study = draft(task, **options)
    freeze.go_live(study)
    return study
