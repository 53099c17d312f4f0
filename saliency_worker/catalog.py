"""Classifiers and methods as plain data: what the site knows of the worker.

Standard library only. Keys and definitions are those of docs/methods.md: a method key is a base
(``gradcam``), a base with a combination (``gradcampp.add-blend21``) or a control (``edges``).
SALIENCY_METHODS in the environment names further modules with declarations of methods.
"""

import os
from collections.abc import Iterable
from difflib import get_close_matches

from saliency_worker.declarations import (
    FAMILIES,
    SHARED_PARAMETERS,
    VARIABLE,
    ClassifierSpec,
    MethodSpec,
    Parameter,
    gathered,
)
from saliency_worker.families import OWN_METHODS
from saliency_worker.needs import OF_CLASS, Need


class UnknownName(ValueError):
    """An unknown classifier, method, edge model or colour map; the message suggests the nearest."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        choices = list(known)
        folded = {choice.lower(): choice for choice in choices}
        near = get_close_matches(name.lower(), folded, n=1, cutoff=0.5)
        shown = [choice for choice in choices if "." not in choice]
        hint = f'did you mean "{folded[near[0]]}"?' if near else f"known: {', '.join(shown)}."
        super().__init__(f'Unknown {kind} "{name}": {hint}')


def _spec(
    name: str,
    size: int,
    preprocessing: str,
    layer: str,
    last_block_after: str,
    *files: str,
    head: str = "gap",
    title: str = "",
    builder: str = "",
) -> ClassifierSpec:
    patterns = (f"{name}.weights.h5", f"{name.lower()}.weights.h5", *files)
    return ClassifierSpec(
        name, title or name, builder or name, size, preprocessing, layer, head, last_block_after, patterns
    )


_KERAS = "_weights_tf_dim_ordering_tf_kernels"
_SPECS = (
    _spec("VGG16", 224, "caffe", "block5_conv3", "block4_pool", f"vgg16{_KERAS}.h5", head="dense"),
    _spec("VGG19", 224, "caffe", "block5_conv4", "block4_pool", f"vgg19{_KERAS}.h5", head="dense"),
    _spec("ResNet50", 224, "caffe", "conv5_block3_out", "conv5_block2_out", f"resnet50{_KERAS}.h5"),
    _spec("InceptionV3", 299, "tf", "mixed10", "mixed9", f"inception_v3{_KERAS}.h5", title="Inception V3"),
    _spec(
        "InceptionResNetV2",
        299,
        "tf",
        "conv_7b_ac",
        "block8_9_ac",
        f"inception_resnet_v2{_KERAS}.h5",
        title="Inception-ResNet V2",
    ),
    _spec("Xception", 299, "tf", "block14_sepconv2_act", "block13_pool", f"xception{_KERAS}.h5"),
    _spec(
        "MobileNet",
        224,
        "tf",
        "conv_pw_13_relu",
        "conv_pw_12_relu",
        "mobilenet_v1_*.weights.h5",
        "mobilenet_[0-9]_*_tf.h5",
    ),
    _spec(
        "MobileNetV2",
        224,
        "tf",
        "out_relu",
        "block_15_add",
        "mobilenet_v2_*.weights.h5",
        "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_[0-9].*_[0-9][0-9][0-9].h5",
        title="MobileNet V2",
    ),
    _spec("DenseNet121", 224, "torch", "relu", "conv5_block15_concat", f"densenet121{_KERAS}.h5"),
    _spec(
        "NASNetMobile",
        224,
        "tf",
        "activation_187",
        "normal_concat_11",
        "nasnet_mobile.h5",
        "NASNet-mobile.h5",
        title="NASNet Mobile",
    ),
    _spec(
        "EfficientNetB0",
        224,
        "raw",
        "top_activation",
        "block6d_add",
        "efficientnetb0.h5",
        title="EfficientNet B0",
    ),
    _spec(
        "demo-cnn",
        224,
        "tf",
        "features_relu",
        "stage3_code_bn",
        "demo_cnn.weights.h5",
        title="Demo CNN (19 coarse groups)",
    ),
)

CLASSIFIERS: dict[str, ClassifierSpec] = {spec.name: spec for spec in _SPECS}

METHODS = gathered(OWN_METHODS, os.environ.get(VARIABLE, ""))
BASES = tuple(key for key, spec in METHODS.items() if not spec.control)
GRADIENT_BASES = tuple(key for key in BASES if METHODS[key].in_full_set)
CONTROLS = tuple(key for key, spec in METHODS.items() if spec.control)
EXPERIMENTS = ("add", "mul", "comp")
INPUTS = ("edges", "blend21", "blend11")
COMBINATIONS = tuple(f"{experiment}-{source}" for experiment in EXPERIMENTS for source in INPUTS)
OURS = {"add-edges": 1, "add-blend21": 2, "add-blend11": 3, "comp-edges": 4, "comp-blend11": 5}
# hed: the bundled compact network; hed-authors: the full-width one with its authors' weights (fetched on demand).
EDGE_MODELS = ("hed", "hed-authors", "sobel")
COLOUR_MAPS = ("jet", "turbo", "viridis")
# How a network of one's own takes a picture: its values, by the name in the engine, and its shape.
PREPROCESSING = {
    "raw": "0..255: the network scales itself",
    "unit": "0..1",
    "tf": "-1..1",
    "torch": "standardised RGB, as PyTorch's networks and DenseNet",
    "caffe": "BGR minus the ImageNet mean, as VGG and ResNet of Keras",
}
FITS = {"crop": "the centre square", "squash": "the whole picture, its proportions changed"}

_EXPERIMENT_LABELS = {"add": "addition", "mul": "product", "comp": "complement"}
_INPUT_LABELS = {"edges": "F1", "blend21": "F2", "blend11": "F3"}


def classifier(name: str) -> ClassifierSpec:
    """The catalogue's row, whatever the case of ``name``. Raises UnknownName with the nearest name."""
    for spec in _SPECS:
        if spec.name.lower() == name.lower():
            return spec
    raise UnknownName("classifier", name, CLASSIFIERS)


def join_key(base: str, combination: str = "") -> str:
    """``join_key("gradcam", "add-edges") == "gradcam.add-edges"``; of one alone, as of a control, that one."""
    return ".".join(part for part in (base, combination) if part)


def split_key(key: str) -> tuple[str, str]:
    """Base (or control) and combination ("" for a bare base) of a method key. Raises UnknownName."""
    base, _, combination = key.partition(".")
    if base in CONTROLS and "." not in key:
        return base, ""
    if base not in BASES:
        raise UnknownName("method", key, ALL_KEYS)
    if "." in key and combination not in COMBINATIONS:
        raise UnknownName("method", key, [join_key(base, known) for known in COMBINATIONS])
    return base, combination


def label(key: str) -> str:
    """What people read: "Ours 2" for the paper's five, "product F1" for the others, "Grad-CAM" for a base."""
    base, combination = split_key(key)
    if not combination:
        return METHODS[base].title
    if combination in OURS:
        return f"Ours {OURS[combination]}"
    experiment, source = combination.split("-")
    return f"{_EXPERIMENT_LABELS[experiment]} {_INPUT_LABELS[source]}"


def full_label(key: str) -> str:
    """The label with its base in front: "Grad-CAM++ Ours 2"."""
    base, combination = split_key(key)
    return f"{METHODS[base].title} {label(key)}" if combination else label(key)


FULL_SET = tuple(join_key(base, combination) for base in GRADIENT_BASES for combination in ("", *OURS))
FAMILY_SET = tuple(key for key in BASES if METHODS[key].family != "cam")
"""The methods of the paper's other families and since, each bare."""
_SINCE = {key for key in FAMILY_SET if not METHODS[key].is_outside}
ALL_KEYS = (
    *(join_key(base, combination) for base in BASES for combination in ("", *COMBINATIONS)),
    *CONTROLS,
)
EVERYTHING = tuple(key for key in ALL_KEYS if key.partition(".")[0] not in _SINCE)
SETS = {"all": FULL_SET, "everything": EVERYTHING, "families": FAMILY_SET}
"""Words that stand for several keys."""


def method(key: str) -> MethodSpec:
    """The declaration behind a full key: that of its base or control. Raises UnknownName."""
    return METHODS[split_key(key)[0]]


def parameters(keys: Iterable[str]) -> dict[str, Parameter]:
    """The numbers that these methods take, by the name of their setting: first those of passes that are shared."""
    specs = [spec for key in dict.fromkeys(keys) for spec in sources(key)]
    needs = {need for spec in specs for need in spec.needs}
    found = {each.name: each for need, own in SHARED_PARAMETERS.items() if need in needs for each in own}
    for spec in specs:
        found |= spec.options()
    return found


def sources(key: str) -> tuple[MethodSpec, ...]:
    """The declarations that decide the map of a key: the method's, and of noisy maps that of their method."""
    spec = method(key)
    return (spec, METHODS[spec.of]) if spec.of else (spec,)


def suits(key: str, head: str) -> bool:
    """Whether a method can explain a classifier of that ``head``: the weights of CAM exist for ``gap`` alone.

    Raises UnknownName.
    """
    needed = {need for spec in sources(key) for need in spec.needs}
    return head == "gap" or Need.CLASS_WEIGHTS not in needed


def explains_class(key: str) -> bool:
    """Whether the map is another one for another class; a photo and its edges are not. Raises UnknownName."""
    return any(need in OF_CLASS for spec in sources(key) for need in spec.needs)


def family(key: str) -> str:
    """The title of a method's family, "Controls" for those. Raises UnknownName."""
    spec = method(key)
    return "Controls" if spec.control else FAMILIES[spec.family]


def bases_by_family() -> dict[str, tuple[str, ...]]:
    """The bases under the titles of their families, in the order of the catalogue."""
    return {
        title: tuple(key for key in BASES if METHODS[key].family == name) for name, title in FAMILIES.items()
    }


def parse_methods(text: str) -> tuple[str, ...]:
    """Method keys of a comma-separated list of keys and of the words of SETS, each key once.

    Raises UnknownName with the nearest key, ValueError when nothing is named.
    """
    keys: list[str] = []
    for part in (part.strip() for part in text.split(",")):
        if part in SETS:
            keys.extend(SETS[part])
        elif part:
            split_key(part)
            keys.append(part)
    if not keys:
        raise ValueError(
            'No method named: write "all", "everything", "families" or keys such as "gradcam.add-edges".'
        )
    return tuple(dict.fromkeys(keys))
