"""The demo classifier: a small residual CNN of our own, trained by distillation (fixtures/training).

Its head is global average pooling and one dense layer, so CAM (eq. 1) applies. The last
convolutional activation is ``features_relu``, at a sixteenth of the input: 14 × 14 at 224 px.
"""

import keras
from keras import layers

INPUT_SIZE = 224
LAYER = "features_relu"
STEM = (16, 32)
STAGES = ((32, 1, 24), (80, 1, 32), (128, 2, 96))
"""(channels, residual blocks, channels of the linear code at the end). Stages 2 and 3 halve the
resolution. The codes are where training compares the network to its teacher, stage by stage."""
LAST_STAGE = (160, 480, 3)
"""Channels, channels inside a block, inverted residual blocks (Sandler et al. 2018). Dilated, they see as much of
the picture as the teacher's at half the resolution."""
FEATURES = 512


def build_demo_cnn(
    classes: int,
    input_size: int | None = INPUT_SIZE,
    classifier_activation: str | None = "softmax",
) -> keras.Model:
    """The network without weights.

    Input float32 (N, S, S, 3) in -1..1 (preprocessing "tf": ``x / 127.5 - 1``), S = ``input_size``, or any
    multiple of 16 where that is None. Output float32 (N, classes): probabilities, or logits where
    ``classifier_activation`` is None. Plain 3 × 3 convolutions up to the last stage: at high resolution a CPU
    trains them 2.6 times as fast as depthwise ones of the same size.
    """
    image = keras.Input((input_size, input_size, 3), name="image")
    x = image
    for index, channels in enumerate(STEM):
        x = _conv(x, channels, f"stem{index + 1}", stride=2)
    for number, (channels, blocks, code) in enumerate(STAGES, 1):
        if number > 1:
            x = _conv(x, channels, f"stage{number}_in", stride=2)
        for block in range(blocks):
            x = _residual(x, channels, f"stage{number}_block{block + 1}")
        x = _conv(x, code, f"stage{number}_code", kernel=1, relu=False)
    channels, inside, blocks = LAST_STAGE
    x = _conv(x, channels, "last_in", kernel=1, relu=False)
    for block in range(blocks):
        x = _inverted_residual(x, channels, inside, f"last_block{block + 1}", dilation=2 if block else 1)
    x = _conv(x, FEATURES, "features", kernel=1)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    scores = layers.Dense(classes, activation=classifier_activation, name="predictions")(x)
    return keras.Model(image, scores, name="demo_cnn")


def _conv(
    x: keras.KerasTensor, channels: int, name: str, *, kernel: int = 3, stride: int = 1, relu: bool = True
) -> keras.KerasTensor:
    x = layers.Conv2D(channels, kernel, stride, "same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(momentum=0.98, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if relu else x


def _residual(x: keras.KerasTensor, channels: int, name: str) -> keras.KerasTensor:
    y = _conv(x, channels, f"{name}_a")
    y = _conv(y, channels, f"{name}_b", relu=False)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))


def _inverted_residual(
    x: keras.KerasTensor, channels: int, inside: int, name: str, *, dilation: int
) -> keras.KerasTensor:
    y = _conv(x, inside, f"{name}_widen", kernel=1)
    y = layers.DepthwiseConv2D(
        3, padding="same", dilation_rate=dilation, use_bias=False, name=f"{name}_depthwise"
    )(y)
    y = layers.BatchNormalization(momentum=0.98, name=f"{name}_depthwise_bn")(y)
    y = layers.ReLU(name=f"{name}_depthwise_relu")(y)
    y = _conv(y, channels, f"{name}_narrow", kernel=1, relu=False)
    return layers.Add(name=f"{name}_add")([x, y])
