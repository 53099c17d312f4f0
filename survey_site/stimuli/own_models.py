"""Networks that researchers bring: registered in a draft, tried by a worker, looked at, then used like the catalogue's."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from saliency_worker import catalog
from saliency_worker.class_names import BadClassNames, read_class_names
from survey_site.stimuli import leased_rows, storage
from survey_site.stimuli.model_archives import BadModel, judge
from survey_site.stimuli.models import OwnModel, PrecomputeJob, SaliencyMap
from survey_site.studies.editing import editing
from survey_site.studies.models import Study

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")
PREVIEWED = 3
SEALED = "The study is sealed; make a new version to change its models."
FOLDER_SUFFIXES = (".keras", ".h5", ".hdf5")


class Refused(ValueError):
    """The model is not registered. `problems`: field of the form → one line that says what to do."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__("; ".join(self.problems.values()))


def register(
    study: Study,
    by: AbstractBaseUser | None,
    *,
    name: str,
    file: UploadedFile | None = None,
    path: str = "",
    layer: str = "",
    preprocessing: str = "raw",
    fit: str = "crop",
    class_names: str = "",
) -> OwnModel:
    """Takes a model into a draft and asks a worker to try it. Raises Refused with every problem found.

    file: an uploaded `.keras`; path: instead of it, below the operator's folder. class_names: the text of a file of
    names, as of saliency_worker.class_names.
    """
    problems = {}
    name = name.strip()
    if not study.is_editable:
        raise Refused({"name": SEALED})
    if problem := _name_problem(study, name):
        problems["name"] = problem
    if (file is None) == (not path.strip()):
        problems["file"] = "Give a file or a path below the operator's folder, one of them."
    elif file is not None:
        try:
            judge(str(file.name), _bytes_of(file), file.size or 0, settings.MAX_MODEL_MB)
        except BadModel as error:
            problems["file"] = f"Not taken: {error}."
    else:
        problem = _path_problem(path.strip())
        problems |= {"path": problem} if problem else {}
    chosen, more = _choices(layer, preprocessing, fit, class_names)
    if problems | more:
        raise Refused(problems | more)
    with editing(study) as locked:
        if not locked.is_editable:
            raise Refused({"name": SEALED})
        row = OwnModel(study=study, name=name, created_by_id=by.pk if by else None, **chosen)
        if file is not None:
            row.source = OwnModel.Source.UPLOAD
            row.path, row.sha256 = storage.put_file("models", _bytes_of(file), ".keras")
        else:
            row.source, row.path = OwnModel.Source.FOLDER, path.strip()
        row.save()
        transaction.on_commit(lambda: leased_rows.announce(OwnModel, [row.pk]))
    return row


def _bytes_of(file: UploadedFile) -> IO[bytes]:
    assert file.file is not None  # of an upload that was received
    return file.file


def change(row: OwnModel, *, layer: str, preprocessing: str, fit: str, class_names: str | None) -> None:
    """Another layer, preprocessing, fit or other names; the model is tried anew, and its maps are no longer current.

    class_names: None keeps those that there are. Raises Refused.
    """
    _refuse_sealed(row)
    chosen, problems = _choices(layer, preprocessing, fit, class_names or "")
    if class_names is None:
        del chosen["class_names"]
    if problems:
        raise Refused(problems)
    with editing(row.study):
        maps_of(row).change(current=False)
        PrecomputeJob.objects.filter(stimulus__study=row.study_id, classifier=row.name).delete()
        leased_rows.reset(
            OwnModel.objects.filter(pk=row.pk), **chosen, found={}, accepted_at=None, accepted_by=None
        )
        transaction.on_commit(lambda: leased_rows.announce(OwnModel, [row.pk]))


def accept(row: OwnModel, by: AbstractBaseUser | None) -> bool:
    """After the preview: from now on the model is among the study's classifiers. False where it is not ready."""
    ready = OwnModel.objects.filter(pk=row.pk, state=OwnModel.State.DONE, accepted_at=None)
    if not row.found.get("previews"):
        return False
    return bool(ready.update(accepted_at=timezone.now(), accepted_by=by.pk if by else None))


def remove(row: OwnModel) -> None:
    """Takes the model out of a draft with what was computed of it. Raises Refused where a condition uses it."""
    _refuse_sealed(row)
    if row.study.conditions.filter(classifier=row.name).exists():
        raise Refused({"name": f"Conditions use {row.name}; untick it on the page Conditions first."})
    with editing(row.study):
        PrecomputeJob.objects.filter(stimulus__study=row.study_id, classifier=row.name).delete()
        maps_of(row).change(current=False)
        row.delete()


def maps_of(row: OwnModel) -> Any:
    """All maps that the study has of the model's name."""
    return SaliencyMap.objects.filter(stimulus__study=row.study_id, classifier=row.name)


def usable(study: Study) -> dict[str, OwnModel]:
    """The study's accepted models by name."""
    return {row.name: row for row in study.own_models.all() if row.is_usable}


def definitions(study: Study, classifiers: Sequence[str]) -> list[dict[str, Any]]:
    """What a protocol seals of the models among these classifiers; empty where the study uses none."""
    return [row.definition() for row in study.own_models.order_by("name") if row.name in set(classifiers)]


def unready(study: Study) -> list[str]:
    """Why models that conditions use cannot go live yet, one line each."""
    used = set(study.conditions.values_list("classifier", flat=True))
    lines = []
    for row in study.own_models.order_by("name"):
        if row.name not in used:
            continue
        if not row.is_usable:
            lines.append(
                f"The model {row.name} was not accepted; look at its preview on the page “Own models”."
            )
        elif (
            maps_of(row)
            .filter(current=True)
            .exclude(method="original")
            .exclude(provenance__weights_sha256=row.sha256)
        ):
            lines.append(f"Some maps of {row.name} are of another file of that name; compute its maps anew.")
    return lines


def operators_folder() -> Path | None:
    """Where an operator puts models, or None."""
    return Path(settings.SALIENCY_MODELS_DIR).resolve() if settings.SALIENCY_MODELS_DIR else None


def _refuse_sealed(row: OwnModel) -> None:
    if not row.study.is_editable:
        raise Refused({"name": SEALED})


def _name_problem(study: Study, name: str) -> str:
    if not NAME.fullmatch(name):
        return "Give a name of 1 to 60 letters, digits, hyphens, dots and underscores."
    if name.lower() in {known.lower() for known in catalog.CLASSIFIERS}:
        return f"{name} is a classifier of the catalogue; give yours another name."
    taken = {row.lower() for row in study.own_models.values_list("name", flat=True)}
    taken |= {
        label.lower()
        for label in SaliencyMap.objects.filter(stimulus__study=study, current=True)
        .order_by()
        .values_list("classifier", flat=True)
        .distinct()
    }
    return (
        f"The study has maps or a model of the name {name} already; give another one."
        if name.lower() in taken
        else ""
    )


def _path_problem(path: str) -> str:
    folder = operators_folder()
    if folder is None:
        return "No folder of models is named on this site: an operator sets SALIENCY_MODELS_DIR. Upload a .keras file."
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\0" in path or "@" in path or len(path) > 300:
        return "Give a path below the operator's folder, without “..”, “@” or a leading slash."
    found = (folder / path).resolve()
    if not found.is_relative_to(folder) or not found.exists():
        return f"There is no {path} in the operator's folder; look at its name."
    if found.is_file() and found.suffix.lower() not in FOLDER_SUFFIXES:
        return f"{pure.name} is no model; give one of {', '.join(FOLDER_SUFFIXES)} or the folder of a SavedModel."
    return ""


def _choices(
    layer: str, preprocessing: str, fit: str, class_names: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """The fields of the row, and what is wrong with them."""
    problems = {}
    layer = layer.strip()
    if len(layer) > 120 or not layer.isprintable() or "@" in layer:
        problems["layer"] = "Give the name of one layer, or none for the last feature map."
    if preprocessing not in catalog.PREPROCESSING:
        problems["preprocessing"] = f"Choose one of {', '.join(catalog.PREPROCESSING)}."
    if fit not in catalog.FITS:
        problems["fit"] = f"Choose one of {', '.join(catalog.FITS)}."
    names: tuple[str, ...] = ()
    if class_names.strip():
        try:
            names = read_class_names(class_names)
        except BadClassNames as error:
            problems["class_names"] = f"Not taken: {error}."
    chosen = {"layer": layer, "preprocessing": preprocessing, "fit": fit, "class_names": list(names)}
    return chosen, problems
