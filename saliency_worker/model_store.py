"""Between a study's own models and the engine: their files on this machine, and their trial in a process of its own."""

import hashlib
import os
import shutil
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage

from saliency_worker import model_trial
from saliency_worker.model_trial import ModelFile, ModelRefused
from survey_site.stimuli import leased_rows, storage
from survey_site.stimuli.model_archives import TIMES_UNPACKED, BadModel, judge
from survey_site.stimuli.models import OwnModel
from survey_site.stimuli.own_models import PREVIEWED, operators_folder


def model_file(row: OwnModel) -> ModelFile:
    """The file of a study's own model on this machine, under the model's name. Raises ModelRefused."""
    upload = row.source == OwnModel.Source.UPLOAD
    path = _fetched(row) if upload else _linked(row)
    return ModelFile(path, row.layer, row.preprocessing, row.fit, trusted=not upload)


def _fetched(row: OwnModel) -> Path:
    """An uploaded model out of the storage, kept by its hash."""
    path = settings.DATA_DIR / "models" / row.sha256 / f"{row.name}.keras"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        try:
            with default_storage.open(row.path, "rb") as source, partial.open("wb") as target:
                shutil.copyfileobj(source, target)
            partial.replace(path)
        except FileNotFoundError as error:
            raise ModelRefused(
                f"The file of {row.name} is not in the storage (a study folder without it?); register it anew."
            ) from error
        finally:
            partial.unlink(missing_ok=True)
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != row.sha256:
            path.unlink()
            raise ModelRefused(f"The stored file of {row.name} was altered; register it anew.")
    try:
        judge(
            path.name, path, path.stat().st_size, settings.MAX_MODEL_MB
        )  # it may have come with a study folder
    except BadModel as error:
        raise ModelRefused(f"{row.name} is not taken: {error}.") from error
    return path


def _linked(row: OwnModel) -> Path:
    """A link of the model's name to the operator's file, which may change there."""
    folder = operators_folder()
    target = (folder / row.path).resolve() if folder else None
    if folder is None or target is None or not target.is_relative_to(folder) or not target.exists():
        raise ModelRefused(
            f"There is no {row.path} in this worker's SALIENCY_MODELS_DIR; put it there, or register another file."
        )
    link = settings.DATA_DIR / "models" / f"row-{row.pk}" / f"{row.name}{target.suffix.lower()}"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(target, target_is_directory=target.is_dir())
    return link


def try_model(row: OwnModel, worker: str) -> None:
    """Tries a model on three of the study's images in a process of its own, and keeps what was found."""
    stimuli = list(row.study.stimuli.order_by("role", "key")[:PREVIEWED])
    trial = model_trial.try_model(
        model_file(row),
        [storage.get(stimulus.path) for stimulus in stimuli],
        row.class_names,
        row.study.colour_map,
        TIMES_UNPACKED * settings.MAX_MODEL_MB * 2**20,
    )
    sha256 = str(trial.found["weights_sha256"])
    if row.sha256 not in ("", sha256):
        raise ModelRefused(f"The file of {row.name} was changed after it was registered; register it anew.")
    height, width = trial.found["input"]
    if height != width:
        raise ModelRefused(
            f"It takes pictures of {height} × {width}; a study shows square ones, so give a model of a square input."
        )
    previews = [
        entry | {"stimulus": stimulus.key, "picture": storage.put(f"previews/{row.pk}", picture, ".png")[0]}
        for entry, stimulus, picture in zip(trial.found["previews"], stimuli, trial.pictures, strict=True)
    ]
    leased_rows.finish(row, worker, found={**trial.found, "previews": previews}, sha256=sha256)
