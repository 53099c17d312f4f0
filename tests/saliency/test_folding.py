import gc

import keras
import numpy as np
import pytest
import tensorflow as tf

from saliency_worker.saliency import frozen
from saliency_worker.saliency.frozen import freeze

pytestmark = pytest.mark.tensorflow


def network() -> keras.Model:
    layers = keras.layers
    image = keras.Input((16, 16, 3))
    x = layers.Conv2D(6, 3, strides=2, padding="same", use_bias=False)(image)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    y = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, use_bias=False)(x)
    y = layers.ReLU()(layers.BatchNormalization(scale=False)(y))
    y = layers.Conv2D(6, 1, use_bias=False)(y)
    both = layers.Add()(
        [layers.BatchNormalization()(y), y]
    )  # the convolution has two users: not to be folded
    return keras.Model(image, layers.BatchNormalization()(both))


def test_very_large_networks_keep_their_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frozen, "_MOST_CONSTANTS", 100)
    rows = np.random.default_rng(1).normal(size=(2, 16, 16, 3)).astype(np.float32)

    def traced() -> tuple[frozen.Graph, np.ndarray]:
        model = network()
        call = freeze(lambda x: {"y": model(x, training=False)}, tf.TensorSpec(rows.shape, tf.float32))
        return call, np.asarray(model(rows, training=False))

    graph, expected = traced()
    assert any(node.op == "ReadVariableOp" for node in graph.graph.as_graph_def().node)
    gc.collect()  # the model is gone, its variables are not
    np.testing.assert_allclose(graph(tf.constant(rows))["y"], expected, rtol=1e-5, atol=1e-6)


def test_a_folded_graph_computes_what_the_network_computes() -> None:
    model = network()
    generator = np.random.default_rng(0)
    for weight in model.weights:
        low = 0.5 if "variance" in weight.name or "gamma" in weight.name else -0.5
        weight.assign(generator.uniform(low, 1.5, weight.shape))
    rows = generator.normal(size=(2, 16, 16, 3)).astype(np.float32)
    graph = freeze(lambda x: {"y": model(x, training=False)}, tf.TensorSpec(rows.shape, tf.float32))
    expected = np.asarray(model(rows, training=False))
    np.testing.assert_allclose(graph(tf.constant(rows))["y"], expected, atol=1e-5 * np.abs(expected).max())
    operations = [node.op for node in graph.graph.as_graph_def().node]
    assert operations.count("BiasAdd") == 2
    assert "BatchNorm" not in "".join(operations)
