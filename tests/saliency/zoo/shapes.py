"""What the cases of the zoo are built of, and the list that they stand in.

A case is built twice out of the same layers: as a Keras model, and as two plain functions that its reference calls.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from tests.saliency.tape import Case

Function = Callable[[Any], Any]
ZOO: dict[str, Callable[[], Case]] = {}
SIDE = 20


def shape(build: Callable[[], Case]) -> Callable[[], Case]:
    """Adds a case to the zoo; its weights are the same in every run."""

    def seeded() -> Case:
        keras.utils.set_random_seed(sum(map(ord, build.__name__)))
        case = build()
        stir(case.model)
        return case

    ZOO[build.__name__] = seeded
    return seeded


def stir(model: keras.Model) -> None:
    """Batch norms that do something: their statistics and scales are drawn."""
    generator = np.random.default_rng(5)
    for weight in model.weights:
        if weight.name in ("gamma", "moving_variance"):
            weight.assign(generator.uniform(0.5, 1.5, weight.shape))
        if weight.name in ("beta", "moving_mean", "bias"):
            weight.assign(generator.uniform(-0.3, 0.3, weight.shape))


def conv(channels: int = 6, name: str = "last", **options: Any) -> keras.Layer:
    return layers.Conv2D(channels, 3, **{"activation": "relu", "name": name, "padding": "same", **options})


def chain(*steps: Function) -> Function:
    def run(x: Any) -> Any:
        for step in steps:
            x = step(x)
        return x

    return run


def plain(trunk: Function, head: Function, end: Function = ops.softmax, **known: Any) -> Case:
    """One functional model of trunk, head and ending. size: of its input."""
    image = keras.Input(known.pop("size", (SIDE, SIDE, 3)), dtype=known.pop("dtype", None))
    return Case(keras.Model(image, end(head(trunk(image))), name="net"), trunk, head, **known)


def backbone(
    name: str = "backbone", size: tuple[int | None, ...] = (SIDE, SIDE, 3), **last: Any
) -> keras.Model:
    """A network without a head that ends in ``NAME/last``."""
    image = keras.Input(size)
    x = layers.Conv2D(5, 3, 2, "same", use_bias=False, name="first")(image)
    x = layers.ReLU(name="first_relu")(layers.BatchNormalization(name="first_norm")(x))
    return keras.Model(image, conv(8, **last)(x), name=name)


def two(logit: Any) -> Any:
    """Logits of two classes out of one."""
    return ops.concatenate([-logit, logit], axis=-1)


GAP = layers.GlobalAveragePooling2D
