"""Models from files: what Keras 3 reads, with custom layers from a module that the operator names."""

import hashlib
import importlib
import os
import re
import zipfile
from pathlib import Path

import h5py
import keras

from saliency_worker.saliency import bundled
from saliency_worker.saliency.errors import ModelError, first_line

CODE = "SALIENCY_MODEL_CODE"


def load(path: Path) -> keras.Model:
    """The model of a ``.keras``, ``.h5`` or ``.hdf5`` file. Raises ModelError in one line that says what to do.

    No code comes out of the file: Lambda layers are refused, and classes that Keras does not have must be registered
    (``keras.saving.register_keras_serializable``) by a module that SALIENCY_MODEL_CODE names in the environment.
    """
    if not path.exists():
        raise ModelError(f"No model at {path}: give the path of a saved Keras model.")
    _import_code()
    _refuse_weights_alone(path)
    try:
        return _checked(keras.saving.load_model(path, compile=False), path)
    except ModelError:
        raise
    except Exception as error:  # any class of a foreign file may fail to be rebuilt
        raise ModelError(_reason(path, error)) from error


def sha256(path: Path) -> str:
    """SHA-256 of a model's file; of a folder over the names and contents of its files."""
    if path.is_file():
        return bundled.sha256(path)
    digest = hashlib.sha256()
    for file in sorted(each for each in path.rglob("*") if each.is_file()):
        digest.update(f"{file.relative_to(path).as_posix()}:{bundled.sha256(file)}\n".encode())
    return digest.hexdigest()


def _checked(model: object, path: Path) -> keras.Model:
    if not isinstance(model, keras.Model):
        raise ModelError(
            f"{path.name} holds a {type(model).__name__}, not a Keras model: save the whole model."
        )
    return model


def _import_code() -> None:
    """Modules of the operator's, never of a file: they register the classes that a model is made of."""
    for name in filter(None, (part.strip() for part in os.environ.get("SALIENCY_MODEL_CODE", "").split(","))):
        try:
            importlib.import_module(name)
        except Exception as error:
            raise ModelError(f"{CODE} names {name}, which cannot be imported: {first_line(error)}") from error


def _refuse_weights_alone(path: Path) -> None:
    if path.suffix.lower() not in (".h5", ".hdf5"):
        return
    try:
        with h5py.File(path) as store:
            whole = "model_config" in store.attrs
    except OSError as error:
        raise ModelError(f"{path.name} is no loadable Keras model: {first_line(error)}") from error
    if not whole:
        raise ModelError(
            f"{path.name} holds weights without a network: give the classifier's name and --weights {path.name}, or save "
            "the whole model with model.save('model.keras')."
        )


def _reason(path: Path, error: Exception) -> str:
    """One line for what Keras says over many, the configuration left out."""
    text = str(error)
    if "lambda" in text.lower() and ("safe_mode" in text or "unsafe" in text.lower()):
        return (
            f"{path.name} holds a Lambda layer, which is code: build it with keras.ops or a layer class of your own "
            f"instead, and name the class's module in {CODE}."
        )
    missing = re.search(
        r"Could not locate (?:class|function) '?([\w.>]+)|Unknown (?:layer|object): '?([\w.>]+)", text
    )
    if missing and path.suffix.lower() != ".keras" and _is_operation(missing[1] or missing[2]):
        return (
            f"{path.name} holds {missing[1] or missing[2]}, an operation of keras.ops, which Keras does not read back from "
            "this kind of file: save the model as .keras."
        )
    if missing:
        return (
            f"{path.name} is built of {missing[1] or missing[2]}, which Keras does not have: register it with "
            f"keras.saving.register_keras_serializable and name its module in {CODE}."
        )
    if _is_keras_2(path):
        return (
            f"{path.name} was saved by Keras 2, and Keras {keras.__version__} cannot read it ({_cause(error)}): load it "
            "with the tf_keras package and save its layers anew in Keras 3, or take a .keras file."
        )
    return f"{path.name} is no loadable Keras model: {_cause(error)}"


def _cause(error: Exception) -> str:
    """What Keras says without the configurations that it prints: behind "Exception encountered", or first of all."""
    inner = re.search(r"Exception encountered:?\s*(.+)", str(error))
    text = inner[1] if inner else first_line(error, longest=10_000)
    text = re.split(r"\s*(?:using config|from config|Full object config|with config)\b|: ?\{", text)[
        0
    ].strip()
    return first_line(ValueError(text) if text else error)


def _is_operation(name: str) -> bool:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return hasattr(keras.ops, snake)


def _is_keras_2(path: Path) -> bool:
    try:
        if path.suffix.lower() in (".h5", ".hdf5"):
            with h5py.File(path) as store:
                return str(store.attrs.get("keras_version", "")).startswith("2")
        with zipfile.ZipFile(path) as archive:
            return b'"keras_version": "2' in archive.read("metadata.json")
    except (OSError, KeyError, zipfile.BadZipFile):
        return False
