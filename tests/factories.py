"""Studies for the tests, sealed by the product's own freeze from maps painted on the spot."""

import functools
import hashlib
import io
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import numpy as np
from PIL import Image

from survey_site.protocols import freeze
from survey_site.stimuli import storage
from survey_site.stimuli.models import MapPicture, SaliencyMap, Stimulus
from survey_site.studies.models import Condition, Study
from survey_site.tasks import registry
from survey_site.tasks.settings import TRIALS
from survey_site.trials import enrolment
from survey_site.trials.models import Participant

CLASSIFIER = "MobileNetV2"
METHODS = ("gradcam", "gradcam.add-edges", "gradcam.add-blend21")
SIDE = 64

FACTS: dict[str, Any] = {
    "controller": "Perception Lab, Example University",
    "contact": "lab@example.org",
    "ethics_number": "REB 2031-17",
    "ids_erased_on": date(2999, 3, 1),
}

Painter = Callable[[int, str], bytes]


def task_settings(**choices: Any) -> dict[str, Any]:
    """Fields of a study: settings of the two tasks are told by their names, `<task>_trials_per_column` their numbers."""
    tasks: dict[str, dict[str, Any]] = {}
    for task in registry.installed():
        own = {setting.name for setting in task.settings} - {TRIALS}
        chosen = {name: choices.pop(name) for name in own & set(choices)}
        trials = choices.pop(f"{task.name}_{TRIALS}", None)
        values = task.default_settings | chosen
        tasks[task.name] = values if trials is None else values | {TRIALS: trials}
    return {"task_settings": {name: values for name, values in tasks.items() if values[TRIALS]}, **choices}


def change_task(study: Study, task: str, **values: Any) -> Study:
    """The study with other settings of a task, saved."""
    study.task_settings = {**study.task_settings, task: {**study.task_settings.get(task, {}), **values}}
    study.save()
    return study


@functools.lru_cache(1024)
def png(seed: int, side: int = SIDE) -> bytes:
    """A picture of coloured blocks; the same seed gives the same bytes."""
    blocks = np.random.default_rng(seed).integers(0, 255, (4, 4, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(blocks).resize((side, side), Image.Resampling.NEAREST).save(out, format="PNG")
    return out.getvalue()


def draft(
    slug: str = "test",
    *,
    painter: Painter | None = None,
    images: int = 6,
    reserve: int = 3,
    methods: Sequence[str] = METHODS,
    **settings: Any,
) -> Study:
    """A draft study with maps of every method for every image, one Table-1 column for each method."""
    values: dict[str, Any] = {
        **FACTS,
        "title": "What did the network look at?",
        "pool_size": 2,
        "matching_trials_per_column": 1,
        "rating_trials_per_column": 1,
        "practice_trials": 1,
        "seed": 11,
        "target_participants": 12,
    }
    study = Study.objects.create(slug=slug, **task_settings(**(values | settings)))
    Condition.objects.bulk_create(
        Condition(
            study=study,
            column=f"Column {number}",
            column_order=number,
            classifier=CLASSIFIER,
            base=method.partition(".")[0],
            method=method.partition(".")[2],
            is_reference=number == 0,
        )
        for number, method in enumerate(methods)
    )
    roles = [Stimulus.Role.MAIN] * images + [Stimulus.Role.RESERVE] * reserve
    named = [(f"image-{number:03d}", number, role) for number, role in enumerate(roles)]
    paint_all(study, named, (*methods, "original"), painter or blocks)
    return study


def blocks(seed: int, method: str) -> bytes:
    """The default painter: blocks of colour that differ from method to method."""
    return png(seed) if method == "original" else png(1000 + 50 * seed + len(method))


def paint(
    study: Study, key: str, seed: int, role: str, methods: Sequence[str], painter: Painter = blocks
) -> Stimulus:
    """One stimulus with a picture for each method."""
    return paint_all(study, [(key, seed, role)], methods, painter)[0]


def paint_all(
    study: Study, named: Sequence[tuple[str, int, str]], methods: Sequence[str], painter: Painter
) -> list[Stimulus]:
    """Stimuli by key, seed and role, with a picture for each method; half of all tests' time was spent on one by one."""
    stimuli = []
    for key, seed, role in named:
        path, digest = storage.put("stimuli", painter(seed, "original"), ".png")
        stimuli.append(
            Stimulus(
                study=study,
                key=key,
                stimulus_class=f"class-{seed % 3}",
                role=role,
                sha256=digest,
                upload_sha256=digest,
                path=path,
                width=SIDE,
                height=SIDE,
            )
        )
    Stimulus.objects.bulk_create(stimuli)
    store_maps(
        [
            (
                made_map(stimulus, method, f"{seed}-{number}", f"{seed:032d}{number:032d}"),
                painter(seed, method),
            )
            for stimulus, (_key, seed, _role) in zip(stimuli, named, strict=True)
            for number, method in enumerate(methods)
        ]
    )
    return stimuli


def made_map(
    stimulus: Stimulus, method: str, parameters_hash: str, array_sha256: str, rank: int = 0
) -> SaliencyMap:
    return SaliencyMap(
        stimulus=stimulus,
        classifier=CLASSIFIER,
        method=method,
        rank=rank,
        class_index=rank or -1,
        parameters_hash=parameters_hash,
        array_sha256=array_sha256,
        provenance={},
    )


def store_maps(painted: Sequence[tuple[SaliencyMap, bytes]], colour_map: str = "") -> None:
    """Maps and their pictures, as a worker would leave them; in the study's colours where none are named."""
    files = [storage.put("maps", picture, ".png") for _map, picture in painted]
    SaliencyMap.objects.bulk_create(saliency_map for saliency_map, _picture in painted)
    MapPicture.objects.bulk_create(
        MapPicture(
            saliency_map=saliency_map,
            colour_map=colour_map or saliency_map.stimulus.study.colour_map,
            sha256=digest,
            path=path,
        )
        for (saliency_map, _picture), (path, digest) in zip(painted, files, strict=True)
    )


def add_map(
    stimulus: Stimulus, method: str, picture: bytes, *, rank: int = 0, parameters_hash: str = ""
) -> SaliencyMap:
    """One more stored map with its picture; rank: of the class that it explains."""
    array = hashlib.sha256(picture).hexdigest()
    saliency_map = made_map(stimulus, method, parameters_hash or f"{method}-{rank}", array, rank)
    store_maps([(saliency_map, picture)])
    return saliency_map


def live(slug: str = "test", **settings: Any) -> Study:
    """A study that takes participants."""
    study = draft(slug, **settings)
    freeze.go_live(study)
    return study


def participant(study: Study, token: str = "a-token-of-some-length", **arrival: Any) -> Participant:
    """Somebody who has just consented."""
    return enrolment.enrol(study, enrolment.Arrival(token=token, language="en", **arrival))
