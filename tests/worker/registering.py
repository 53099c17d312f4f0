"""Networks of researchers for tests: registered from the tiny classifier's file, and tried in the test's process."""

import json
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from saliency_worker import model_trial, tasks, try_model
from survey_site.stimuli import own_models
from survey_site.stimuli.models import OwnModel
from survey_site.studies.models import Study
from tests.factories import FACTS, change_task
from tests.worker.study import tiny_study

NAMES = ["ant", "bee", "cat", "dog", "emu"]
State = OwnModel.State


def tried_here(asked: str, told: dict[str, str], folder: str) -> str:
    """In place of the trial's process: this one has TensorFlow already, another would take seconds to load it."""
    try:
        answer = try_model.tried(json.loads(asked), Path(folder))
    except Exception as error:  # as the process does
        answer = {"problem": try_model._line(error)}
    Path(folder, model_trial.FOUND).write_text(json.dumps(answer, allow_nan=False), "utf-8")
    return "ended with status 0"


def study_of_six(settings: Any, folder: Path) -> Study:
    """Ready to go live but for its columns: six images, and no condition yet."""
    settings.DATA_DIR = folder / "data"
    study = tiny_study("MobileNetV2", images=6)
    Study.objects.filter(pk=study.pk).update(**FACTS)
    study.conditions.all().delete()
    study.refresh_from_db()
    for task in ("matching", "rating"):
        change_task(study, task, trials_per_column=1)
    return study


def upload(classifier: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("net.keras", Path(classifier.partition("@")[0]).read_bytes())


def registered(study: Study, classifier: str, **options: Any) -> OwnModel:
    values: dict[str, Any] = {
        "name": "mine",
        "file": upload(classifier),
        "layer": "last",
        "preprocessing": "tf",
    }
    values |= {"class_names": "\n".join(NAMES)} | options
    row = own_models.register(study, None, **values)
    tasks.try_model([row.pk])
    row.refresh_from_db()
    return row
