"""The bridge from command-line options to the engine. TensorFlow is loaded here: late, or not at all."""

import argparse
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saliency_worker import catalog
from saliency_worker.class_names import BadClassNames, read_class_file
from saliency_worker.cli import inputs
from saliency_worker.cli.errors import CommandError
from saliency_worker.cli.inputs import Source
from saliency_worker.declarations import SHARED_PARAMETERS
from saliency_worker.saliency.model_choice import parse

if TYPE_CHECKING:
    from saliency_worker.saliency.explain import Explainer
    from saliency_worker.saliency.feature_maps import Candidate

LOOKED_AT = 8  # pictures of all, for a look at the preprocessing
# The options that change a map, by their name in the engine's Settings; a method's own ones are `own_parameters`.
PARAMETERS = (
    "edges",
    *dict.fromkeys(parameter.name for options in SHARED_PARAMETERS.values() for parameter in options),
    "k",
    "percentile",
    "keep",
    "colour_map",
    "target_class",
    "seed",
    "batch",
    "measures",
    "steps",
    "sanity_networks",
)


def resolve(text: str) -> tuple[str, str]:
    """(name for the engine, folder name) of a classifier as `model_choice.parse` reads it.

    Raises UnknownName with the nearest name of the catalogue, ModelError for a wrong option.
    """
    choice = parse(text)
    _, at, options = text.partition("@")
    return (f"{choice.name}{at}{options}" if choice.name else text), choice.title


def parameters(options: argparse.Namespace, methods: tuple[str, ...]) -> dict[str, Any]:
    """What must be equal for maps to stand in one folder, as plain JSON."""
    chosen = {name: getattr(options, name) for name in (*PARAMETERS, *own_parameters(methods))}
    return {"methods": list(methods), **chosen, "edges": edge_model(options.edges, options.edge_weights)}


def own_parameters(methods: Iterable[str]) -> list[str]:
    """The settings that these methods alone have."""
    keys = list(methods)
    signed = ["signed"] if any(catalog.method(key).signed for key in keys) else []
    return [*(name for name in catalog.parameters(keys) if name not in PARAMETERS), *signed]


def edge_model(name: str, weights: str | None) -> str:
    """The edge model that `--edges` and `--edge-weights` mean: a Caffe model is that of HED's authors.

    Raises CommandError where the two do not fit together.
    """
    if weights is None:
        return name
    if name == "sobel":
        raise CommandError("--edge-weights: sobel has no weights; leave it out or choose --edges hed")
    caffe = weights.lower().endswith(".caffemodel")
    if name == "hed-authors" and not caffe:
        raise CommandError(f"--edge-weights: hed-authors takes a .caffemodel, not {weights}")
    return "hed-authors" if caffe else name


def load_explainer(
    classifier: str,
    wanted: dict[str, Any],
    weights: str | None,
    edge_weights: str | None = None,
    *,
    raw: bool = False,
    class_names: str | None = None,
) -> "Explainer":
    """The engine for a classifier and the parameters of `parameters`. Raises SaliencyError, CommandError."""
    names = None
    if class_names is not None:
        try:
            names = read_class_file(Path(class_names))
        except BadClassNames as error:
            raise CommandError(f"--class-names {error}") from error
    with _silence():
        from saliency_worker.saliency.explain import Explainer
    from saliency_worker.saliency.settings import Settings

    chosen = {name: wanted[name] for name in PARAMETERS} | {"measures": tuple(wanted["measures"])}
    methods = tuple(wanted["methods"])
    own = {name: wanted[name] for name in own_parameters(methods) if name in wanted}
    signed = own.pop("signed", None) or ""
    settings = Settings(methods, raw=raw, parameters=own, signed=signed, **chosen)
    with _downloads_on_the_terminal():
        explainer = Explainer.load(
            classifier,
            settings,
            weights=Path(weights) if weights else None,
            edge_weights=Path(edge_weights) if edge_weights else None,
            class_names=names,
        )
    for notice in explainer.notices:
        sys.stderr.write(f"{explainer.spec.name}: {notice}\n")
    return explainer


def doubt(explainer: "Explainer", label: str, sources: Sequence[Source]) -> None:
    """Say on standard error where the answers of an own model to some of the images make its preprocessing doubtful."""
    if label in catalog.CLASSIFIERS:
        return
    some = sources[:: max(1, len(sources) // LOOKED_AT)][:LOOKED_AT]
    found = explainer.doubt([inputs.load(source)[1] for source in some])
    if found:
        sys.stderr.write(f"{label}: {found}\n")


def layers(name: str) -> tuple[list["Candidate"], str]:
    """The feature maps of a classifier, and the one that is explained. Raises SaliencyError."""
    with _silence():
        from saliency_worker.saliency.classifiers import layers_of
    return layers_of(name)


def facts(explainer: "Explainer") -> dict[str, Any]:
    """What else must be equal for maps to stand in one folder: weights, layer, edge weights, device, versions."""
    return explainer.run.shared()


@contextmanager
def _silence() -> Iterator[None]:
    """Nothing on standard error: TensorFlow's libraries greet there on import, whatever their log level."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def _downloads_on_the_terminal() -> Iterator[None]:
    """Keras reports a download on standard output, where our tables go: a person sees it, a pipe does not."""
    with (
        Path(os.devnull).open("w") as nowhere,
        redirect_stdout(sys.stderr if sys.stderr.isatty() else nowhere),
    ):
        yield
