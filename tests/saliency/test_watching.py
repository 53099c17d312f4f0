"""How far a slow method is within an image: told in order, seldom, and only while it is asked for."""

import numpy as np
import pytest

from saliency_worker.saliency.classifiers import Classifier
from saliency_worker.saliency.explain import Explainer
from saliency_worker.saliency.settings import Settings
from saliency_worker.saliency.watching import Asked, seldom

SHA256 = "a" * 64
PICTURE = np.random.default_rng(0).integers(0, 256, (48, 40, 3), dtype=np.uint8)
FEW = {"rise_masks": 40, "lime_samples": 20, "lime_segments": 6}


@pytest.mark.tensorflow
def test_methods_that_ask_about_copies_tell_how_far_they_are(small: Classifier) -> None:
    told: list[Asked] = []
    settings = Settings(("gradcam", "rise", "lime"), edges="sobel", metrics=False, parameters=FEW, asked=16)
    engine = Explainer(small, settings)
    list(engine.explain([(SHA256, PICTURE)], told.append))
    assert [(a.method, a.place, a.methods, a.done, a.wanted) for a in told] == [
        ("rise", 1, 2, 16, 40), ("rise", 1, 2, 32, 40), ("rise", 1, 2, 40, 40),
        ("lime", 2, 2, 16, 20), ("lime", 2, 2, 20, 20),
    ]  # fmt: skip
    assert {a.sha256 for a in told} == {SHA256}
    list(engine.explain([(SHA256, PICTURE)]))
    assert len(told) == 5  # nobody watches any more


def test_it_is_told_no_more_than_once_in_a_while() -> None:
    now, told = [0.0], []
    watch = seldom(told.append, 2.0, lambda: now[0])
    for tenth in range(100):  # ten seconds
        now[0] = tenth / 10
        watch(Asked(SHA256, "rise", 1, 1, tenth, 100))
    assert [asked.done for asked in told] == [20, 40, 60, 80]
