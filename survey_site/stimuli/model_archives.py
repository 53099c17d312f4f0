"""Is an uploaded `.keras` file a network and nothing else? Judged by reading alone, before anything builds it.

A model file is a program: its configuration names what is to be called. Taken is what names layers and operations of Keras
and no others, of bounded size. Standard library alone; the worker then loads it in a process of its own.
"""

import json
from collections.abc import Iterator
from typing import Any

from survey_site.stimuli.archives import Archive, BadArchive, Source, opened

MEMBERS = frozenset({"config.json", "metadata.json", "model.weights.h5"})
MOST_CONFIG = 8 * 1024 * 1024  # EfficientNetV2-L has 1 MB
TIMES_UNPACKED = 2  # Keras packs without compression
# What a configuration may name, by the beginning of its module; functions and classes alike.
MODULES = (
    "keras",
    "keras.activations",
    "keras.constraints",
    "keras.dtype_policies",
    "keras.initializers",
    "keras.layers",
    "keras.losses",
    "keras.metrics",
    "keras.models",
    "keras.ops",
    "keras.optimizers",
    "keras.regularizers",
    "keras.src.applications",
    "keras.src.layers",
    "keras.src.models",
    "keras.src.ops",
    "keras.src.optimizers",
)
# Of Keras, and yet code, or readers of other files.
REFUSED = frozenset(
    {
        "Lambda",
        "__lambda__",
        "TFSMLayer",
        "TorchModuleWrapper",
        "JaxLayer",
        "FlaxLayer",
        "get_file",
        "load_model",
    }
)
PLAIN = frozenset(
    {"__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__", "__tuple__"}
)
INSTEAD = (
    "build it of Keras's own layers and operations, or have an operator put the file into SALIENCY_MODELS_DIR"
)


class BadModel(ValueError):
    """The file is not taken. One line that says why and what to do."""


def judge(name: str, source: Source, size: int, most_mb: int) -> None:
    """Raises BadModel for anything but a `.keras` file of Keras's own layers within the limits.

    size: bytes of the file; most_mb: the largest, which unpacked may be twice that.
    """
    most = most_mb * 1024 * 1024
    if not name.lower().endswith(".keras"):
        raise BadModel(
            f"{name} is no .keras file; save the network by model.save('net.keras'). Other kinds are taken from the "
            "operator's folder only"
        )
    if size > most:
        raise BadModel(
            f"it has {size / 1e6:.0f} MB, more than {most / 1e6:.0f}; an operator may raise MAX_MODEL_MB"
        )
    try:
        with opened(source, max_total=TIMES_UNPACKED * most, max_file=TIMES_UNPACKED * most) as archive:
            problem = next(_problems(archive), "")
    except BadArchive as error:
        raise BadModel(f"it is no .keras file: {error}") from error
    if problem:
        raise BadModel(problem)


def _problems(archive: Archive) -> Iterator[str]:
    if missing := sorted(MEMBERS - set(archive.members)):
        yield f"it is no .keras file: {', '.join(missing)} is missing; save the network by model.save('net.keras')"
        return
    if more := sorted(set(archive.members) - MEMBERS):
        yield f"it holds {more[0]!r}, which no network of pictures needs; save it anew without"
    for member in ("config.json", "metadata.json"):
        if archive.members[member].file_size > MOST_CONFIG:
            yield f"its {member} has more than {MOST_CONFIG // 2**20} MB; that is no configuration"
            return
    try:
        config = json.loads(archive.read("config.json"))
    except (ValueError, RecursionError):
        yield "its config.json is no JSON; save the network anew"
        return
    if not isinstance(config, dict):
        yield "its config.json is no configuration; save the network anew"
        return
    yield from problems_of_config(config)


def problems_of_config(config: Any) -> Iterator[str]:
    """What in a configuration is no layer or operation of Keras, a line each; nothing is imported."""
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()
            if "class_name" in value:
                yield from _problems_of_object(value)


def _problems_of_object(value: dict[str, Any]) -> Iterator[str]:
    name, module = value["class_name"], value.get("module")
    if not isinstance(name, str) or not (module is None or isinstance(module, str)):
        yield "its configuration names something that is no class; save the network anew"
        return
    # Functions are written as {"class_name": "function", "config": their name}.
    told = value.get("config") if name == "function" else name
    if name in REFUSED or told in REFUSED or str(value.get("registered_name")).rpartition(">")[2] in REFUSED:
        yield f"it holds {told if isinstance(told, str) else name}, which is code or reads other files; {INSTEAD}"
    elif module is None:
        if name not in PLAIN and not _is_legacy(value):
            yield f"it is built of {name}, which is not Keras's own; {INSTEAD}"
    elif not any(
        module == known or (module.startswith(f"{known}.") and known != "keras") for known in MODULES
    ):
        yield f"it is built of {module}.{name}, which is not Keras's own; {INSTEAD}"


def _is_legacy(value: dict[str, Any]) -> bool:
    """Parts that Keras writes without a module, such as the configuration of an input or of a compiled loss."""
    return value["class_name"] in ("InputSpec", "TensorShape")
