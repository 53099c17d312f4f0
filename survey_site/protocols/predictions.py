"""What the classifiers of a study predict for its images, for tasks whose answers are scored by it."""

from collections.abc import Iterable, Iterator, Mapping

from survey_site.design.assessment import DesignFinding
from survey_site.design.halves import Predicted, predicted
from survey_site.stimuli.models import SaliencyMap, Stimulus
from survey_site.studies.models import Study
from survey_site.tasks.contract import Task
from survey_site.tasks.predictions import is_right

Labels = dict[str, dict[str, str]]
"""By classifier and key of an image the class that it predicts, in words; empty where no class has a name."""


def asked_for(study: Study, tasks: Iterable[Task]) -> list[Task]:
    """Those of the tasks that are scored by what the network predicts."""
    return [task for task in tasks if task.spec(study.settings_of(task)).predictions]


def labels_of(study: Study) -> Labels:
    """As the worker stored them, of the classifiers that the conditions name."""
    classifiers = sorted({condition.classifier for condition in study.conditions.all()})
    rows = SaliencyMap.objects.filter(
        stimulus__study=study, method="original", current=True, classifier__in=classifiers
    )
    found: Labels = {classifier: {} for classifier in classifiers}
    for classifier, key, label in rows.order_by("stimulus__key").values_list(
        "classifier", "stimulus__key", "class_name"
    ):
        found[classifier][key] = label
    return found


def rights_of(labels: Labels, classes: Mapping[str, str]) -> dict[str, bool | None]:
    """By image whether all classifiers predict its class, or none does; None where they differ or it is not known."""
    found: dict[str, bool | None] = {}
    for key, own in classes.items():
        said = {is_right(of_classifier.get(key, ""), own) for of_classifier in labels.values()}
        found[key] = said.pop() if len(said) == 1 else None
    return found


def counted(study: Study) -> Predicted:
    """Of how many main images the prediction is right, wrong, or not known."""
    main = study.stimuli.filter(role=Stimulus.Role.MAIN).values_list("key", "stimulus_class")
    return predicted(list(rights_of(labels_of(study), dict(main)).values()))


def findings(study: Study, tasks: Iterable[Task]) -> Iterator[DesignFinding]:
    """What keeps these tasks, which are scored by predictions, from being scored, with numbers."""
    names = " and ".join(task.title for task in tasks)
    if not names:
        return
    if study.explain_own_class:
        yield DesignFinding(
            "predictions",
            f"The maps explain each image's own class, so that none of the predictions shown would be wrong ({names}).",
            "Let the maps explain the predicted class, or leave the task out.",
            blocking=True,
        )
    classes = dict(study.stimuli.values_list("key", "stimulus_class"))
    labels = labels_of(study)
    if not any(labels.values()):
        return  # nothing is computed yet; what is missing is told image by image
    unknown = sorted(
        key
        for key, own in classes.items()
        if any(is_right(of_classifier.get(key, ""), own) is None for of_classifier in labels.values())
    )
    if unknown:
        yield DesignFinding(
            "predictions",
            f"Of {len(unknown)} of {len(classes)} images ({unknown[0]} first) it is not known whether the prediction is "
            f"right: the class, or the name of the predicted one, is missing ({names}).",
            "Give each image its class, and a model of your own the names of its classes.",
            blocking=True,
        )
