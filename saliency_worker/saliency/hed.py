"""HED: Holistically-Nested Edge Detection as a Keras network of any width.

Xie, Tu: Holistically-Nested Edge Detection, ICCV 2015. Five stages of 3×3 convolutions with 2×2 max pooling between
them; a 1×1 convolution reads a side output off each stage (deep supervision), the side outputs are enlarged to the
input's size and a last 1×1 convolution fuses them. Layers carry the names of the authors' Caffe model.

Alignment: the pooled pixel i of a stage with stride s covers the input pixels i·s … i·s + s − 1. Enlarging bilinearly
with half-pixel centres puts it back at their centre; it is what the authors reach by deconvolution and cropping.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import keras
import numpy as np
import tensorflow as tf

from saliency_worker.saliency.errors import WeightsError

STRIDE = 16  # of the deepest stage: the network itself takes sizes that are multiples of it


@dataclass(frozen=True)
class HedConfig:
    """Form of an HED network.

    ``widths`` and ``convolutions``: channels and number of 3×3 convolutions of each of the stages.
    ``scale`` and ``offset``: the first layer computes ``scale · RGB + offset`` from RGB in 0..1.
    ``border``: zeros put around that and cut off again from the result, in pixels, a multiple of 16.
    """

    widths: tuple[int, ...]
    convolutions: tuple[int, ...] = (2, 2, 3, 3, 3)
    scale: float = 4.0
    offset: tuple[float, float, float] = (-2.0, -2.0, -2.0)
    border: int = 0

    def __post_init__(self) -> None:
        if len(self.widths) != 5 or len(self.convolutions) != 5:
            raise ValueError("HED has five stages: give five widths and five numbers of convolutions")
        if self.border % STRIDE:
            raise ValueError(f"The border of HED is a multiple of {STRIDE} pixels, not {self.border}")


# The bundled network, trained by fixtures/training/hed_train.py.
COMPACT = HedConfig(widths=(16, 32, 64, 96, 128))
# The authors' network: VGG16 without its head; the mean of ImageNet in RGB (their model reads BGR, 0..255). Their
# border is 34 pixels wide (the padding of 35 of conv1_1); 32 keeps the pooling in step with the picture.
ORIGINAL = HedConfig(
    widths=(64, 128, 256, 512, 512),
    scale=255.0,
    offset=(-122.67891434, -116.66876762, -104.00698793),
    border=32,
)


def build_hed(
    config: HedConfig = COMPACT,
    *,
    size: tuple[int, int] | None = None,
    convolution: Callable[..., keras.layers.Layer] = keras.layers.Conv2D,
) -> keras.Model:
    """Network from RGB ``(N, H, W, 3)`` in 0..1 to logits ``(N, H, W, 6)``: five side outputs, then the fused one.

    H and W are multiples of 16 (``edge_maps`` pads other sizes); ``size`` fixes them in the graph.
    ``convolution`` makes the 3×3 convolutions (the training puts its own layer in their place).
    """
    height, width = size or (None, None)
    if any(n is not None and n % STRIDE for n in (height, width)):
        raise ValueError(f"HED takes heights and widths that are multiples of {STRIDE}, not {height}×{width}")
    image = keras.Input((height, width, 3), name="data")
    x = keras.layers.Rescaling(config.scale, config.offset, name="scaled")(image)
    if config.border:
        x = keras.layers.ZeroPadding2D(config.border, name="border")(x)
    sides = []
    for stage, (channels, repeats) in enumerate(
        zip(config.widths, config.convolutions, strict=True), start=1
    ):
        if stage > 1:
            x = keras.layers.MaxPooling2D(2, name=f"pool{stage - 1}")(x)
        for index in range(1, repeats + 1):
            name = f"conv{stage}_{index}"
            x = convolution(channels, 3, padding="same", kernel_initializer="he_normal", name=name)(x)
            x = keras.layers.ReLU(name=f"relu{stage}_{index}")(x)
        side = keras.layers.Conv2D(1, 1, name=f"score-dsn{stage}")(x)
        if stage > 1:
            side = keras.layers.UpSampling2D(
                2 ** (stage - 1), interpolation="bilinear", name=f"upsample_{2 ** (stage - 1)}"
            )(side)
        sides.append(side)
    joined = keras.layers.Concatenate(name="concat")(sides)
    fifth = keras.initializers.Constant(0.2)
    fused = keras.layers.Conv2D(1, 1, kernel_initializer=fifth, name="new-score-weighting")(joined)
    logits = keras.layers.Concatenate(name="logits", dtype="float32")([joined, fused])
    if config.border:
        logits = keras.layers.Cropping2D(config.border, name="crop")(logits)
    return keras.Model(image, logits, name="hed")


def save_hed(network: keras.Model, file: Path, dtype: str = "float16") -> None:
    """Write the variables of every layer as ``<layer>/<variable>``: readable by any version of Keras and of HDF5."""
    with h5py.File(file, "w") as store:
        for layer in network.layers:
            for variable in layer.weights:
                data = np.asarray(variable).astype(dtype)
                store.create_dataset(f"{layer.name}/{variable.name}", data=data, track_times=False)


def load_hed(file: Path, config: HedConfig = COMPACT) -> keras.Model:
    """The network with the weights of a file of ``save_hed`` (float16 or float32; computed in float32).

    Raises ``WeightsError`` where the file can't be read or does not fit the form.
    """
    network = build_hed(config)
    try:
        with h5py.File(file) as store:
            stored = {name: node[()] for name, node in _datasets(store).items()}
    except (OSError, RuntimeError, KeyError) as error:
        raise WeightsError(f"The HED weights {file} can't be read; give a file of save_hed") from error
    wanted = {f"{layer.name}/{v.name}": v for layer in network.layers for v in layer.weights}
    shapes = {name: tuple(variable.shape) for name, variable in wanted.items()}
    if {name: data.shape for name, data in stored.items()} != shapes:
        raise WeightsError(f"{file} does not hold the weights of an HED network with widths {config.widths}")
    for name, variable in wanted.items():
        variable.assign(stored[name].astype(np.float32))
    return network


def _datasets(group: h5py.Group, prefix: str = "") -> dict[str, h5py.Dataset]:
    found: dict[str, h5py.Dataset] = {}
    for name, node in group.items():
        path = f"{prefix}{name}"
        found |= _datasets(node, f"{path}/") if isinstance(node, h5py.Group) else {path: node}
    return found


def edge_tensor(network: keras.Model, images: tf.Tensor) -> tf.Tensor:
    """Fused edge maps as a graph: float32 RGB ``(N, H, W, 3)`` in 0..1 to float32 ``(N, H, W)`` in 0..1.

    H and W are at least 16; the image is continued by reflection to multiples of 16 and the result cut back,
    so that pixel (y, x) of the map is pixel (y, x) of the image.
    """
    height, width = tf.shape(images)[1], tf.shape(images)[2]
    padding = [[0, 0], [0, -height % STRIDE], [0, -width % STRIDE], [0, 0]]
    logits = network(tf.pad(images, padding, "SYMMETRIC"), training=False)
    return tf.sigmoid(logits[:, :height, :width, -1])


def edge_maps(network: keras.Model, images: np.ndarray) -> np.ndarray:
    """Fused edge maps of a batch: uint8 (0..255) or float32 (0..1) RGB ``(N, H, W, 3)`` to float32 ``(N, H, W)``, 0..1.

    Raises ``ValueError`` for another shape or a picture smaller than 16×16.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[3] != 3 or min(images.shape[1:3]) < STRIDE:
        raise ValueError(f"HED takes RGB images (N, H, W, 3) of at least 16×16 pixels, not {images.shape}")
    scaled = images.astype(np.float32) / 255.0 if images.dtype == np.uint8 else images.astype(np.float32)
    return np.asarray(edge_tensor(network, tf.constant(scaled)))
