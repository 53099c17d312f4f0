import math

import numpy as np
import pytest

from saliency_worker.saliency.metrics import Prediction, average_drop, map_metrics, predict, softmax


def test_softmax_equals_a_naive_loop() -> None:
    logits = np.array([[0.5, -1.0, 2.0], [3.0, 3.0, 3.0]], np.float32)
    for row, result in zip(logits, softmax(logits), strict=True):
        total = sum(math.exp(value) for value in row)
        np.testing.assert_allclose(result, [math.exp(value) / total for value in row], rtol=1e-12)


def test_softmax_does_not_overflow() -> None:
    np.testing.assert_allclose(softmax(np.array([1e30, 0, -1e30], np.float32)), [1, 0, 0])


def test_a_prediction_has_the_top_class_and_the_explained_one() -> None:
    prediction = predict(np.array([1.0, 3.0, 2.0], np.float32), target=2)
    assert prediction.class_index == 1
    total = math.e + math.e**3 + math.e**2
    assert prediction.confidence == pytest.approx(math.e**3 / total)
    assert prediction.target_confidence == pytest.approx(math.e**2 / total)


@pytest.mark.parametrize(
    ("original", "explained", "drop"), [(0.8, 0.2, 0.75), (0.5, 0.6, 0.0), (0.0, 0.3, 0.0), (0.4, 0.0, 1.0)]
)
def test_average_drop(original: float, explained: float, drop: float) -> None:
    assert average_drop(original, explained) == pytest.approx(drop)


def test_metrics_compare_with_the_original_and_with_the_bare_map() -> None:
    original = Prediction(4, 0.6, 0.6)
    metrics = map_metrics(original, Prediction(4, 0.7, 0.7), Prediction(4, 0.8, 0.8), 0.8)
    assert metrics["right"]
    assert metrics["higher_than_original"]
    assert metrics["increase"]
    assert metrics["higher_than_base"] is False
    assert metrics["drop"] == 0
    assert metrics["kept_share"] == 0.8


def test_a_confident_wrong_class_is_no_increase_of_the_explained_class() -> None:
    metrics = map_metrics(Prediction(4, 0.6, 0.6), Prediction(1, 0.9, 0.03), None, 0.8)
    assert not metrics["right"]
    assert metrics["higher_than_original"]
    assert not metrics["increase"]
    assert metrics["drop"] == pytest.approx(0.95)
    assert metrics["higher_than_base"] is None
