"""What trial pages need of a sealed protocol, read once per process: a protocol never changes."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from survey_site.design.design import Design
from survey_site.protocols import served_images
from survey_site.protocols.document import design_of
from survey_site.protocols.models import Protocol
from survey_site.studies.models import Condition
from survey_site.studies.texts import merged
from survey_site.tasks import registry

ORIGINAL = "original"
REREAD_S = 300
MOST_KEPT = 16


@dataclass(frozen=True, slots=True)
class ServedPicture:
    """A served picture: the map it shows and its random path in storage."""

    saliency_map: int
    path: str


@dataclass(frozen=True, slots=True)
class FrozenProtocol:
    """Settings, texts, assignment design and pictures of one protocol.

    measurement_id: row id of the first seal of its measurement.
    tasks: all settings of each task. stimulus_keys: by row id. pictures: by stimulus, classifier, method and rank of the
    explained class. paths, labels: by map, of its picture and the class that it explains.
    """

    hash: str
    measurement_id: int
    study_slug: str
    study_title: str
    design: Design
    settings: dict[str, Any]
    tasks: dict[str, dict[str, Any]]
    texts: dict[str, dict[str, str]]
    exclusion_rules: dict[str, Any]
    stimulus_ids: dict[str, int]
    stimulus_keys: dict[int, str]
    classes: dict[str, str]
    conditions: dict[int, tuple[str, str]]
    pictures: dict[tuple[int, str, str, int], ServedPicture]
    paths: dict[int, str]
    labels: dict[int, str]

    def texts_in(self, language: str) -> Mapping[str, str]:
        """The texts of a language, gaps filled from the defaults."""
        return merged(self.texts, language)

    def picture(self, stimulus: int, condition: int | None, rank: int = 0) -> ServedPicture:
        """The map of a stimulus under a condition for the network's class of this rank; its original where there is none."""
        if condition is None:
            return self.original(stimulus)
        classifier, method = self.conditions[condition]
        if method == ORIGINAL:
            return self.original(stimulus, classifier)
        found = self.pictures.get((stimulus, classifier, method, rank))
        return found or self.pictures[(stimulus, classifier, method, 0)]  # a control explains no class

    def original(self, stimulus: int, classifier: str = "") -> ServedPicture:
        """The original as prepared for a classifier; any classifier's crop shows the same square."""
        if (stimulus, classifier, ORIGINAL, 0) in self.pictures:
            return self.pictures[(stimulus, classifier, ORIGINAL, 0)]
        return self.pictures[(stimulus, "", ORIGINAL, 0)]

    def label(self, stimulus: int, classifier: str) -> str:
        """The class that a classifier predicts for a stimulus, in words."""
        return self.labels.get(self.original(stimulus, classifier).saliency_map, "")


def frozen_protocol(protocol_id: int) -> FrozenProtocol:
    """The cached view of a protocol, by its row id; read anew every few minutes, should the database be exchanged.

    One thread reads; the others take what was read before, and wait only where nothing was.
    """
    found = _read_at.get(protocol_id)
    if found and time.monotonic() < found[0] + REREAD_S:
        return found[1]
    lock = _reading.setdefault(protocol_id, Lock())
    if not lock.acquire(blocking=found is None) and found:
        return found[1]
    try:
        now = _read_at.get(protocol_id)
        if now is found or now is None:  # nobody has read it while this thread waited
            now = (time.monotonic(), _read(protocol_id))
            _read_at.pop(protocol_id, None)
            _read_at[protocol_id] = now
            for oldest in list(_read_at)[:-MOST_KEPT]:
                _read_at.pop(oldest, None)
        return now[1]
    finally:
        lock.release()


_read_at: dict[int, tuple[float, FrozenProtocol]] = {}
"""When each protocol was read, and what; the latest at the end."""
_reading: dict[int, Lock] = {}


def _read(protocol_id: int) -> FrozenProtocol:
    protocol = Protocol.objects.select_related("study").get(pk=protocol_id)
    document = protocol.content
    pictures: dict[tuple[int, str, str, int], ServedPicture] = {}
    paths, labels = {}, {}
    # The pictures of an amendment are those of the version that it amends.
    served = served_images.served(protocol).order_by("saliency_map_id")
    for stimulus, classifier, method, rank, saliency_map, label, path in served.values_list(
        "saliency_map__stimulus_id",
        "saliency_map__classifier",
        "saliency_map__method",
        "saliency_map__rank",
        "saliency_map_id",
        "saliency_map__class_name",
        "path",
    ):
        picture = ServedPicture(saliency_map, path)
        pictures[(stimulus, classifier, method, rank)] = picture
        if method == ORIGINAL:
            pictures.setdefault((stimulus, "", ORIGINAL, 0), picture)
        paths[saliency_map], labels[saliency_map] = path, label
    classes = classes_of(document)
    stimuli = protocol.study.stimuli.values_list("pk", "key", "stimulus_class")
    return FrozenProtocol(
        hash=protocol.hash,
        measurement_id=protocol.measurement_id or protocol.pk,
        study_slug=protocol.study.slug,
        study_title=protocol.study.title,
        design=design_of(protocol),
        settings=document["design"],
        tasks=task_settings(document),
        texts=document["texts"],
        exclusion_rules=document["exclusion_rules"],
        stimulus_ids={key: pk for pk, key, _ in stimuli},
        stimulus_keys={pk: key for pk, key, _ in stimuli},
        classes={key: classes.get(key, now) for _, key, now in stimuli},
        conditions={
            condition.pk: (condition.classifier, condition.key)
            for condition in Condition.objects.filter(study=protocol.study)
        },
        pictures=pictures,
        paths=paths,
        labels=labels,
    )


def task_settings(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """All settings of each task of a document; raises UnknownTask for one that is not installed."""
    return {task.name: settings for task, settings in registry.chosen(document["tasks"])}


def classes_of(document: Mapping[str, Any]) -> dict[str, str]:
    """Class of each stimulus, by key, as sealed; empty for a reconstruction, whose document names none."""
    return {entry["key"]: entry["class"] for entry in document.get("stimuli", ())}


def forget() -> None:
    """Empties the cache: tests exchange the database under it."""
    _read_at.clear()
