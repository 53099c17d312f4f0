"""Classifiers: from a name or a saved model to a network with its weights, geometry and class names."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np

from saliency_worker import catalog
from saliency_worker.class_names import BadClassNames, fitting, read_class_file
from saliency_worker.declarations import ClassifierSpec
from saliency_worker.saliency import catalogue_networks, model_files, saved_models
from saliency_worker.saliency.catalogue_networks import build, imagenet_names
from saliency_worker.saliency.demo_cnn import build_demo_cnn
from saliency_worker.saliency.errors import ModelError, WeightsError, first_line
from saliency_worker.saliency.feature_maps import (
    Candidate,
    candidates,
    default_layer,
    feature_map,
    notices,
    refuse_moved,
    resolve,
)
from saliency_worker.saliency.flattening import flatten
from saliency_worker.saliency.frozen import prepare_device
from saliency_worker.saliency.model_choice import ModelChoice, parse
from saliency_worker.saliency.network_input import NetworkInput, network_input
from saliency_worker.saliency.scores import Scores, scores


@dataclass(frozen=True)
class Classifier:
    """A network ready to be explained. ``spec`` holds its true input size (MobileNet comes in several).

    input: what the network takes, by default as ``spec`` says. tokens, output: as of ModelChoice. notices: what a
    researcher should know of the chosen layer, a sentence each.
    """

    spec: ClassifierSpec
    model: keras.Model
    class_names: tuple[str, ...]
    weights_file: str
    weights_sha256: str
    input: NetworkInput = None  # type: ignore[assignment]  # filled in below
    tokens: tuple[int, int] | None = None
    output: str = ""
    notices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.input is None:
            side = self.spec.input_size
            object.__setattr__(self, "input", NetworkInput(side, side, mode=self.spec.preprocessing))

    def class_name(self, index: int) -> str:
        return class_name(self.class_names, index)

    @cached_property
    def scores(self) -> Scores:
        """The operations of the network and its logits. Raises ModelError where they cannot be had."""
        return analysed(self.model, self.input, self.output, self.spec.name)

    def facts(self) -> dict[str, Any]:
        """What decides a map beside weights and method: layer, input, and how scores become probabilities."""
        facts = {"layer": self.spec.layer, **self.input.facts(), "scores": self.scores.rule}
        facts |= {"tokens": list(self.tokens)} if self.tokens else {}
        return facts | ({"output": self.output} if self.output else {})


def analysed(model: keras.Model, given: NetworkInput, output: str = "", name: str = "") -> Scores:
    """The operations of a network with the shapes that they have for that input, and its logits. Raises ModelError."""
    graph = flatten(model, output, given.shape, name)
    shape = given.shape if len(graph.shapes[graph.input]) == 4 else given.shape[:2]
    try:
        graph = graph.with_shapes(shape)
    except Exception as error:  # whatever a layer says to a size that does not suit it
        raise ModelError(
            f"{graph.name} cannot take pictures of {given.height}x{given.width} ({first_line(error)}): give another size."
        ) from error
    return scores(graph)


def class_name(names: tuple[str, ...], index: int) -> str:
    """The name of a class, or "class 7" where the network came without names."""
    return names[index] if index < len(names) else f"class {index}"


def load(name: str, weights: Path | None = None, weights_dir: Path | None = None) -> Classifier:
    """A classifier of the catalogue, or a model of one's own, as ``model_choice.parse`` reads it.

    Weights are looked for at ``weights``, in ``weights_dir`` (default: SALIENCY_WEIGHTS_DIR), then in Keras's
    own download. Raises UnknownName, WeightsError, ModelError.
    """
    prepare_device()  # before the first array lands on a GPU
    choice = parse(name)
    if choice.path is not None:
        if weights is not None:
            raise WeightsError(f"{choice.path.name} has its weights inside: leave {weights.name} out.")
        names, digest = _sidecar_names(choice.path), model_files.sha256(choice.path)
        if choice.path.is_dir():
            model, layer = saved_models.load(choice.path, choice)
            saved_models.compare(model, choice.path)
            return of_model(model, replace(choice, layer=layer), names, digest)
        return of_model(model_files.load(choice.path), choice, names, digest)
    found = catalogue_networks.loaded(catalog.classifier(choice.name), weights, weights_dir)
    return _chosen(Classifier(*found), choice)


def of_model(
    model: keras.Model,
    choice: ModelChoice | None = None,
    class_names: tuple[str, ...] = (),
    weights_sha256: str = "",
) -> Classifier:
    """A classifier of a Keras model that is at hand; layer and input are found where ``choice`` leaves them open.

    The model is neither changed nor copied. weights_sha256: "" for one over its arrays. Raises ModelError.
    """
    prepare_device()
    choice = choice or ModelChoice()
    name = choice.title or model.name
    if not isinstance(model, keras.Model):
        raise ModelError(f"{name} is a {type(model).__name__}, not a Keras model: load it with Keras first.")
    shape, dtype = input_of(model, choice)
    given = network_input(shape, dtype, choice, name)
    file = choice.path.name if choice.path else name
    spec = ClassifierSpec(name, name, str(choice.path or name), given.height, given.mode, "", "", "", ())
    made = Classifier(
        spec,
        model,
        class_names,
        file,
        weights_sha256 or _arrays_sha256(model),
        given,
        choice.tokens,
        choice.output,
    )
    return _at_layer(made, choice.layer or default_layer(made.scores))


def layers_of(name: str) -> tuple[list[Candidate], str]:
    """What could be explained of a classifier, as ``load`` reads its name but without weights of the catalogue, and the
    layer that is, "" where there is none. Raises UnknownName, ModelError."""
    choice = parse(name)
    if choice.path is None:
        spec = catalog.classifier(choice.name)
        model = build_demo_cnn(2, spec.input_size) if spec.builder == "demo-cnn" else build(spec)
        found = Classifier(spec, model, (), "", "").scores
        return candidates(found), resolve(found.graph, choice.layer or spec.layer)[0]
    if choice.path.is_dir():
        listed = saved_models.candidates(choice.path, choice)
        usable = [each.name for each in listed if each.alone and each.what == "map"]
        return listed, usable[-1] if usable else ""
    model = model_files.load(choice.path)
    given = network_input(*input_of(model, choice), choice, choice.title)
    found = analysed(model, given, choice.output, choice.title)
    listed = candidates(found)
    try:
        return listed, resolve(found.graph, choice.layer)[0] if choice.layer else default_layer(found)
    except ModelError:
        return listed, ""  # the list says why


def _chosen(made: Classifier, choice: ModelChoice) -> Classifier:
    """A classifier of the catalogue with what the choice says of it."""
    own = replace(choice, name="", path=None)
    if own == ModelChoice():
        return made
    side = made.spec.input_size
    if choice.size not in (None, (side, side)):
        raise ModelError(f"{made.spec.name} takes pictures of {side}x{side}: leave the size out.")
    known = replace(choice, preprocessing=choice.preprocessing or made.spec.preprocessing)
    given = network_input((side, side, 3), "float32", known, made.spec.name)
    spec = replace(made.spec, preprocessing=given.mode)
    found = replace(made, spec=spec, input=given, tokens=choice.tokens, output=choice.output)
    if not choice.layer:
        return found
    # Which block would be the last before another layer, the catalogue does not say.
    return _at_layer(replace(found, spec=replace(spec, head="", last_block_after="")), choice.layer)


def _at_layer(made: Classifier, layer: str) -> Classifier:
    """The classifier with its layer by full name, and what is to be said of it. Raises ModelError."""
    chosen = feature_map(made.scores, layer, made.tokens)
    refuse_moved(made.scores, chosen)
    spec = replace(made.spec, layer=chosen.name)
    return replace(made, spec=spec, notices=tuple(notices(made.scores, chosen)))


def input_of(model: keras.Model, choice: ModelChoice) -> tuple[tuple[int | None, ...], str]:
    """Shape (without the batch) and type of a model's one input. Raises ModelError."""
    inputs = list(getattr(model, "inputs", None) or ())
    if len(inputs) > 1:
        raise ModelError(
            f"{model.name} has {len(inputs)} inputs: only networks with one image input can be explained."
        )
    if inputs:
        return tuple(inputs[0].shape[1:]), str(inputs[0].dtype)
    built = model.get_build_config() or {}
    shape = built.get("input_shape") or next(iter((built.get("shapes_dict") or {}).values()), None)
    if shape and all(side is None or isinstance(side, int) for side in shape):
        return tuple(shape[1:]), "float32"
    return (None, None, 3), "float32"


def _arrays_sha256(model: keras.Model) -> str:
    digest = hashlib.sha256(model.to_json().encode() if _has_config(model) else b"")
    for weight in model.get_weights():
        digest.update(str((weight.dtype, weight.shape)).encode() + np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()


def _has_config(model: keras.Model) -> bool:
    try:
        return bool(model.to_json())
    except Exception:  # a model of its own class need not have a configuration
        return False


def random_classifier(name: str, seed: int = 0) -> Classifier:
    """A classifier of the catalogue with seeded random weights, for tests and benchmarks."""
    prepare_device()
    spec = catalog.classifier(name)
    keras.utils.set_random_seed(seed)
    return Classifier(spec, build(spec), imagenet_names(), "random", f"random-{seed}")


def _sidecar_names(path: Path) -> tuple[str, ...]:
    """Those in the file of the model's name that ends in .json. Raises ModelError where it holds anything else."""
    file = path.with_suffix(".json")
    try:
        return read_class_file(file) if file.is_file() else ()
    except BadClassNames as error:
        raise ModelError(
            f"The file beside the model holds no class names: {error}; or rename the file."
        ) from error


def check_names(names: Sequence[str], classes: int) -> None:
    """Raises ModelError where there is not one for each class."""
    try:
        fitting(names, classes)
    except BadClassNames as error:
        raise ModelError(f"The class names do not fit: {error}.") from error
