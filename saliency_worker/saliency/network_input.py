"""From a picture to the rows that a network takes: its size, its channels, its range."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from saliency_worker.saliency.errors import ImageError, ModelError
from saliency_worker.saliency.images import fitted
from saliency_worker.saliency.model_choice import ModelChoice

# Scale and offset per channel that take RGB in 0..1 to the network's input; "caffe" is BGR.
STANDARD = np.array([0.229, 0.224, 0.225])
PREPROCESSING: dict[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]] = {
    "tf": (np.full(3, 2.0), np.full(3, -1.0)),
    "raw": (np.full(3, 255.0), np.zeros(3)),
    "unit": (np.ones(3), np.zeros(3)),
    "torch": (1 / STANDARD, -np.array([0.485, 0.456, 0.406]) / STANDARD),
    "caffe": (np.full(3, 255.0), -np.array([103.939, 116.779, 123.68])),
}
_OF_COLOURS = ("torch", "caffe")


def preprocess(images: npt.NDArray[np.uint8], mode: str) -> npt.NDArray[np.float32]:
    """uint8 RGB (..., 3) to the input of a network of that mode, float32 of the same shape."""
    return NetworkInput(1, 1, mode=mode).rows(images)


@dataclass(frozen=True)
class NetworkInput:
    """What a network takes, and how a picture becomes it.

    height, width: in pixels. channels: 3 (RGB) or 1 (luma). mode: a key of PREPROCESSING. mean, std: as of ModelChoice,
    per channel or empty. fit: ``crop`` or ``squash``. whole: the network takes whole numbers 0..255. Raises ModelError.
    """

    height: int
    width: int
    channels: int = 3
    mode: str = "raw"
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    fit: str = "crop"
    whole: bool = False

    def __post_init__(self) -> None:
        if self.channels == 1 and self.mode in _OF_COLOURS:
            raise ModelError(
                f'The network takes one channel, but "{self.mode}" has one mean per colour: choose raw, unit or tf, '
                "or give mean and std."
            )
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (0, 1, self.channels):
                raise ModelError(
                    f"{name} has {len(values)} values, but the network takes {self.channels} channels: "
                    "give one per channel, or one for all."
                )
        if self.whole and (self.mode != "raw" or self.mean or self.std):
            raise ModelError("The network takes whole numbers 0..255: leave preprocessing, mean and std out.")
        low, high = (self._range[0].min(), self._range[1].max())
        if any(not low <= value <= high for value in self.mean):
            raise ModelError(
                f"mean is {'/'.join(f'{v:g}' for v in self.mean)}, but {self.mode} preprocessing gives {low:g}..{high:g}: "
                "give it in these units, or choose another preprocessing (raw is 0..255, unit 0..1)."
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.height, self.width, self.channels

    @property
    def _range(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        scale, offset = PREPROCESSING[self.mode]
        return offset, scale + offset

    @property
    def scale(self) -> npt.NDArray[np.float64]:
        """Width of the network's input range per channel (channels,): what the step from black to white becomes."""
        return self._affine()[0]

    def _affine(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        scale, offset = PREPROCESSING[self.mode]
        if self.mean or self.std:
            std = np.array(self.std or (1.0,))
            scale, offset = scale / std, (offset - np.array(self.mean or (0.0,))) / std
        return scale[: self.channels], offset[: self.channels]

    def picture(self, rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """uint8 RGB of any size to what the network sees of it, uint8 RGB (height, width, 3); grey stays RGB."""
        seen = fitted(rgb, (self.height, self.width), self.fit)
        if self.channels == 1:
            seen = np.repeat(cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
        return seen

    def region(self, inside: npt.NDArray[np.bool_], size: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """Bool (H, W) of a picture of that height and width to what the network sees of it, more than half covered.

        Raises ImageError where the two are not of one size.
        """
        if inside.shape != size:
            raise ImageError(
                f"The region is {inside.shape[1]}x{inside.shape[0]}, its picture {size[1]}x{size[0]}: give it in the "
                "picture's own pixels."
            )
        levels = np.repeat(inside[..., None].astype(np.uint8) * 255, 3, axis=2)
        return np.asarray(fitted(levels, (self.height, self.width), self.fit)[..., 0] > 127)

    def rows(self, pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """What ``picture`` gives, (..., 3), to the network's input, float32 (..., channels)."""
        scale, offset = self._affine()
        ordered = pictures[..., ::-1] if self.mode == "caffe" else pictures[..., : self.channels]
        return np.asarray(ordered * (scale / 255).astype(np.float32) + offset.astype(np.float32), np.float32)

    def facts(self) -> dict[str, Any]:
        """Provenance: the side of a square input or [height, width], preprocessing, fit."""
        size = self.height if self.height == self.width else [self.height, self.width]
        facts: dict[str, Any] = {"input_size": size, "preprocessing": self.mode, "fit": self.fit}
        facts |= {name: list(values) for name, values in (("mean", self.mean), ("std", self.std)) if values}
        return facts | ({"channels": self.channels} if self.channels != 3 else {})


def network_input(shape: tuple[int | None, ...], dtype: str, choice: ModelChoice, name: str) -> NetworkInput:
    """The input of a network whose image has that shape, without the batch. Raises ModelError with what to do."""
    if len(shape) == 2:
        shape = (*shape, 1)
    if len(shape) != 3:
        raise ModelError(
            f"{name} takes input of shape {shape}: it must be a picture, (height, width, channels)."
        )
    if shape[2] not in (1, 3) and shape[0] in (1, 3):
        raise ModelError(
            f"{name} takes channels first, {shape}: build it with data_format channels_last, which TensorFlow "
            "needs on a CPU too."
        )
    if shape[2] not in (1, 3):
        raise ModelError(
            f"{name} takes pictures of {shape[2]} channels: only RGB (3) and grey (1) can be given."
        )
    height, width = (choice.size or (None, None)) if None in shape[:2] else shape[:2]
    if height is None or width is None:
        raise ModelError(f"{name} takes pictures of any size: say which, as in model.keras@:size=224x224.")
    for fixed, given in zip(shape[:2], choice.size or shape[:2], strict=True):
        if fixed is not None and fixed != given:
            raise ModelError(
                f"{name} takes pictures of {shape[0]}x{shape[1]} (height x width), not "
                f"{'x'.join(map(str, choice.size or ()))}: leave the size out."
            )
    return NetworkInput(
        height,
        width,
        int(shape[2]),
        choice.mode,
        choice.mean,
        choice.std,
        choice.fit,
        whole="int" in dtype,
    )
