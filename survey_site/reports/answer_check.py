"""Whether stored answers can have been given to their trials, and whether their scores follow from them."""

from collections.abc import Mapping
from dataclasses import dataclass

from survey_site.design.canonical import canonical
from survey_site.protocols.models import Protocol
from survey_site.stimuli.models import SaliencyMap
from survey_site.studies.models import Study
from survey_site.tasks import registry
from survey_site.tasks.contract import Given, Scored, Truth, Values
from survey_site.trials.frozen_protocol import ORIGINAL, classes_of
from survey_site.trials.models import Response, Trial


@dataclass(frozen=True, slots=True)
class SealedWords:
    """What a protocol says of its images. classes: by key; labels: predicted classes by key and classifier."""

    classes: Mapping[str, str]
    labels: Mapping[tuple[str, str], str]


class AnswerCheck:
    """Checks the answers of one study, whose images, maps, conditions and protocols are read once.

    Raises UnknownFormat where a protocol is of a format that this program does not know.
    """

    def __init__(self, study: Study) -> None:
        self.keys: dict[int, str] = dict(study.stimuli.values_list("pk", "key"))
        self.classifiers: dict[int, str] = dict(study.conditions.values_list("pk", "classifier"))
        classes = dict(study.stimuli.values_list("key", "stimulus_class"))
        shown = SaliencyMap.objects.filter(stimulus__study=study, method=ORIGINAL).order_by("pk")
        originals = list(shown.values_list("stimulus__key", "classifier", "parameters_hash", "class_name"))
        self.sealed = {
            protocol.pk: _words(protocol, classes, originals) for protocol in study.protocols.all()
        }

    def classes(self, protocol: int) -> Mapping[str, str]:
        """Classes of the images by key, as sealed in the protocol of this row id."""
        return self.sealed[protocol].classes

    def fault(self, trial: Trial, response: Response, protocol: int) -> str:
        """Why the response is none to this trial; empty where all is well, or where its task is not installed."""
        if not isinstance(response.answer, dict):
            return f"its answer is no object: {response.answer!r}"
        given, missing = Given(response.answer, response.declined), response.missing
        if missing not in Response.Missing.values or response.seen not in Response.Seen.values:
            return f"missing or seen has an unknown value: {missing!r}, {response.seen!r}"
        if missing:
            answered = given != Given() or (response.score, response.second_score) != (None, None)
            return "it has a reason why there is no answer, and an answer" if answered else ""
        task = registry.named(trial.task)
        if task is None:
            told = response.score is not None or response.declined
            return "" if told else "it has neither a score nor a reason why there is none"
        if problem := task.refuse(given.values):
            return problem
        try:
            return _difference(task.rescored(given, self.truth(trial, protocol)), response)
        except ValueError as error:
            return str(error)

    def truth(self, trial: Trial, protocol: int) -> Truth:
        """What the trial showed and what is right, under the protocol of this row id."""
        words, target = self.sealed[protocol], self.keys[trial.stimulus_id]
        classifier = "" if trial.condition_id is None else self.classifiers[trial.condition_id]
        return Truth(
            target=target,
            pool=tuple(self.keys[stimulus] for stimulus in trial.pool),
            classes=words.classes,
            first=trial.first,
            expected=trial.expected,
            label=words.labels.get((target, classifier)) or words.labels.get((target, ""), ""),
        )


def _words(
    protocol: Protocol, classes: Mapping[str, str], originals: list[tuple[str, str, str, str]]
) -> SealedWords:
    content = protocol.content
    sealed = {
        (entry["stimulus"], entry["classifier"], entry["parameters_hash"])
        for entry in content.get("maps", ())
        if entry["method"] == ORIGINAL
    }
    labels: dict[tuple[str, str], str] = {}
    for key, classifier, parameters, label in originals:
        if (key, classifier, parameters) in sealed:
            labels[key, classifier] = label
            labels.setdefault((key, ""), label)
    return SealedWords({**classes, **classes_of(content)}, labels)


def _difference(scored: Scored, response: Response) -> str:
    """What is stored otherwise than the task scores it."""
    stored = _parts(response.score, response.second_score, response.answer)
    due = _parts(scored.score, scored.second_score, scored.values)
    return "; ".join(
        f"{name} is {stored.get(name, 'absent')} and must be {due.get(name, 'absent')}"
        for name in {**stored, **due}
        if stored.get(name) != due.get(name)
    )


def _parts(score: float | None, second_score: float | None, values: Values) -> dict[str, str]:
    """Each part of an answer as JSON, which tells true from 1."""
    parts = {"score": score, "second_score": second_score}
    parts |= {f"answer.{name}": value for name, value in values.items()}
    return {name: canonical(value).decode() for name, value in parts.items()}
