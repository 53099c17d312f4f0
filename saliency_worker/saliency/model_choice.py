"""How a classifier is written down: a name of the catalogue or a model's file, then layer and options.

``NAME|PATH[@[LAYER][:OPTION]...]``; an option is a preprocessing (``tf``) or ``size=192x256``, ``fit=squash``,
``mean=0.5/0.5/0.5``, ``std=...``, ``tokens=8x8``, ``output=NAME``. Standard library alone.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from saliency_worker import catalog
from saliency_worker.catalog import UnknownName
from saliency_worker.saliency.errors import ModelError

MODES = ("raw", "unit", "tf", "torch", "caffe")
FITS = ("crop", "squash")
SUFFIXES = (".keras", ".h5", ".hdf5")
_FILE = re.compile(r"(?P<path>.+\.(?:keras|h5|hdf5))(?:@(?P<rest>.*))?", re.IGNORECASE)
_PAIR = re.compile(r"([1-9]\d{0,4})(?:[x×]([1-9]\d{0,4}))?")


@dataclass(frozen=True)
class ModelChoice:
    """A classifier and how it is to be explained; what is empty or None is found out by the engine.

    name: of the catalogue, "" for a model of one's own at ``path``. layer: name of a feature map, as
    ``python -m saliency_worker layers`` lists them. preprocessing: one of MODES, "" for the default (``raw``; ``unit``
    where mean or std are given). mean, std: per channel, in the units of that preprocessing; ``(x - mean) / std``
    follows it. size: height and width of the input in pixels. fit: ``crop`` (the centre in the input's proportions) or
    ``squash`` (the whole picture). tokens: rows and columns that the last tokens of a transformer's layer form.
    output: name of the output, where the network has several. Raises ModelError, UnknownName.
    """

    name: str = ""
    path: Path | None = None
    layer: str = ""
    preprocessing: str = ""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    size: tuple[int, int] | None = None
    fit: str = "crop"
    tokens: tuple[int, int] | None = None
    output: str = ""

    def __post_init__(self) -> None:
        if self.preprocessing and self.preprocessing not in MODES:
            raise UnknownName("preprocessing", self.preprocessing, MODES)
        if self.fit not in FITS:
            raise UnknownName("fit", self.fit, FITS)
        if any(value <= 0 for value in self.std):
            raise ModelError(f"std is {self.std}: every value must be above 0.")

    @property
    def title(self) -> str:
        """The name that results are filed under."""
        return self.name or (self.path.stem if self.path else "")

    @property
    def mode(self) -> str:
        """The preprocessing, its default filled in."""
        return self.preprocessing or ("unit" if self.mean or self.std else "raw")


def parse(text: str) -> ModelChoice:
    """The choice that a text means. Raises UnknownName with the nearest name, ModelError for a wrong option."""
    named = text.partition("@")
    if named[0].lower() in {name.lower() for name in catalog.CLASSIFIERS}:
        return _with_options(ModelChoice(name=catalog.classifier(named[0]).name), named[2])
    found = _FILE.fullmatch(text)
    if found:
        return _with_options(ModelChoice(path=Path(found["path"])), found["rest"] or "")
    for place in range(len(text), 0, -1):  # a folder's name may hold an @
        if (place == len(text) or text[place] == "@") and Path(text[:place]).is_dir():
            return _with_options(ModelChoice(path=Path(text[:place])), text[place + 1 :])
    if "/" in named[0] or "\\" in named[0]:
        raise ModelError(f"No model at {named[0]}: give a .keras or .h5 file or the folder of a SavedModel.")
    raise UnknownName("classifier", text, catalog.CLASSIFIERS)


def _with_options(choice: ModelChoice, text: str) -> ModelChoice:
    layer, *options = text.split(":")
    choice = replace(choice, layer=layer.strip())
    for option in options:
        key, equals, value = option.partition("=")
        if not equals:
            choice = replace(choice, preprocessing=key.strip().lower())
        elif key == "fit":
            choice = replace(choice, fit=value.strip().lower())
        elif key == "output":
            choice = replace(choice, output=value)
        elif key == "size":
            choice = replace(choice, size=pair(key, value))
        elif key == "tokens":
            choice = replace(choice, tokens=pair(key, value))
        elif key == "mean":
            choice = replace(choice, mean=numbers(key, value))
        elif key == "std":
            choice = replace(choice, std=numbers(key, value))
        else:
            raise UnknownName("option", key, ("size", "fit", "mean", "std", "tokens", "output"))
    return choice


def pair(what: str, text: str) -> tuple[int, int]:
    """``192x256`` as height and width, ``224`` as both. Raises ModelError."""
    found = _PAIR.fullmatch(text.strip())
    if not found:
        raise ModelError(f'{what}="{text}": write height x width in whole numbers, such as {what}=192x256.')
    return int(found[1]), int(found[2] or found[1])


def numbers(what: str, text: str) -> tuple[float, ...]:
    """``0.5/0.5/0.5`` as numbers, one per channel or one for all. Raises ModelError."""
    try:
        return tuple(float(part) for part in re.split("[/,]", text))
    except ValueError:
        raise ModelError(
            f'{what}="{text}": write one number per channel, such as {what}=0.5/0.5/0.5.'
        ) from None
