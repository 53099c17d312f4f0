"""Methods that ask the network again, through the engine: right classes, no pass too many, the same bytes again."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import keras
import numpy as np
import pytest

from saliency_worker import catalog
from saliency_worker.saliency import answers
from saliency_worker.saliency.classifiers import Classifier
from saliency_worker.saliency.errors import FormulaError, SettingsError
from saliency_worker.saliency.explain import Explainer, Explanation
from saliency_worker.saliency.metrics import probabilities
from saliency_worker.saliency.probe import in_pixels, places
from saliency_worker.saliency.settings import Settings
from tests.saliency.conftest import classifier_of, small_network

pytestmark = pytest.mark.tensorflow
Pictures = Callable[[int], list[tuple[str, np.ndarray]]]
# Few masks; the superpixels of the small pictures, which are noise, are few as well.
SMALL = {
    **{
        "occlusion_size": 0.25,
        "occlusion_stride": 0.125,
        "discrepancy_size": 0.25,
        "discrepancy_stride": 0.125,
    },
    **{"rise_masks": 37, "rise_cells": 3, "lime_samples": 33, "lime_segments": 9},
    **{"multiscale_finest": 9, "multiscale_scales": 2, "multiscale_fillings": 2},
}
PERTURBATION = ("occlusion", "discrepancy", "lime", "multiscale", "rise")
ASKING = (*PERTURBATION, "scorecam", "ablationcam")
SINCE = ("layercam", "hirescam", "xgradcam", "eigencam", "scorecam", "ablationcam")


def settings_of(*keys: str, **chosen: object) -> Settings:
    bases = {key.partition(".")[0] for key in keys}
    parameters = {name: value for name, value in SMALL.items() if name.partition("_")[0] in bases}
    return Settings(keys, edges="sobel", parameters=parameters, **{"metrics": False, **chosen})


def explained(
    classifier: Classifier, settings: Settings, images: list[tuple[str, np.ndarray]]
) -> list[Explanation]:
    return list(Explainer(classifier, settings).explain(images))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The number of rows of every question beyond the network's first pass."""
    counted: list[int] = []

    def counting(graph: object, *arguments: np.ndarray) -> dict[str, np.ndarray]:
        counted.append(len(arguments[0]))
        return run(graph, *arguments)

    run = answers.run
    monkeypatch.setattr(answers, "run", counting)
    return counted


def test_each_map_has_its_place_and_its_combinations(small: Classifier, pictures: Pictures) -> None:
    keys = tuple(k for base in dict.fromkeys((*PERTURBATION, *SINCE)) for k in (base, f"{base}.add-blend21"))
    (found,) = explained(small, settings_of(*keys, metrics=True), pictures(1))
    for key in keys:
        made = found.maps[key]
        assert made.scalar.shape == (32, 32) and made.scalar.min() >= 0 and made.scalar.max() == 1, key
        assert made.metrics["kept_share"] > 0.79 and 0 <= made.metrics["sparsity"] < 1
    drawn = {key for key in PERTURBATION if found.maps[key].provenance["noise_seed"] is not None}
    assert drawn == {"discrepancy", "lime", "multiscale", "rise"}
    assert found.maps["rise"].provenance["parameters"]["rise_masks"] == 37
    with_superpixels = {
        key for key in PERTURBATION if "scikit-image" in found.maps[key].provenance["versions"]
    }
    assert with_superpixels == {"lime", "multiscale"}
    assert found.maps["occlusion"].provenance["batch"]["asked"] == 16


def test_the_same_picture_and_seed_give_the_same_bytes_in_any_company(
    small: Classifier, pictures: Pictures
) -> None:
    first, second = pictures(2)
    alone = explained(small, settings_of(*ASKING, seed=4), [second])[0]
    in_company = explained(small, settings_of(*ASKING, seed=4), [first, second])[1]
    other_seed = explained(small, settings_of(*ASKING, seed=5), [second])[0]
    for key in ASKING:
        assert alone.maps[key].array_sha256 == in_company.maps[key].array_sha256, key
        differs = alone.maps[key].array_sha256 != other_seed.maps[key].array_sha256
        assert differs == (key in ("discrepancy", "lime", "multiscale", "rise")), key


def test_each_method_asks_for_the_passes_it_needs_and_no_more(
    small: Classifier, pictures: Pictures, asked: list[int]
) -> None:
    images = pictures(2)
    squares = len(places((32, 32), in_pixels(0.25, (32, 32)), in_pixels(0.125, (32, 32))))
    counts = {}
    for key in ("occlusion", "discrepancy", "rise", "lime", "scorecam", "ablationcam"):
        asked.clear()
        explained(small, settings_of(key), images)
        assert max(asked) <= 16
        counts[key] = sum(asked)
    assert counts["occlusion"] == counts["discrepancy"] == 2 * (1 + squares)
    assert (counts["rise"], counts["lime"]) == (2 * 37, 2 * 33)
    # 12 channels, of which those that are 0 everywhere cost nothing.
    assert counts["scorecam"] <= 2 * 12 and counts["ablationcam"] == counts["scorecam"] + 2


def test_further_classes_share_the_passes(small: Classifier, pictures: Pictures, asked: list[int]) -> None:
    first = explained(small, settings_of(*PERTURBATION), pictures(1))
    once = sum(asked)
    asked.clear()
    both = explained(small, settings_of(*PERTURBATION, ranks=(0, 1)), pictures(1))
    assert sum(asked) == once
    second = both[0].further[1]
    (alone,) = explained(small, settings_of(*PERTURBATION, target_class=second.class_index), pictures(1))
    for key in PERTURBATION:
        np.testing.assert_allclose(both[0].maps[key].scalar, first[0].maps[key].scalar, atol=1e-5)
        np.testing.assert_allclose(second.maps[key].scalar, alone.maps[key].scalar, atol=1e-5)


def test_occlusion_of_a_network_is_that_of_its_keras_model(small: Classifier, pictures: Pictures) -> None:
    ((sha256, rgb),) = pictures(1)
    (found,) = explained(small, settings_of("occlusion", raw=True), [(sha256, rgb)])
    row = small.input.rows(small.input.picture(rgb))
    grey = small.input.rows(np.full(3, 128, np.uint8))
    scores = lambda rows: small.model.predict(rows, verbose=0)[:, found.class_index]  # noqa: E731
    total, covered = np.zeros((32, 32)), np.zeros((32, 32))
    own = scores(row[None])[0]
    for top in range(0, 25, 4):
        for left in range(0, 25, 4):
            changed = row.copy()
            changed[top : top + 8, left : left + 8] = grey
            total[top : top + 8, left : left + 8] += own - scores(changed[None])[0]
            covered[top : top + 8, left : left + 8] += 1
    np.testing.assert_allclose(found.maps["occlusion"].raw, total / covered, atol=1e-6)


@pytest.mark.parametrize("dense", [False, True])
def test_ablationcam_of_a_network_is_that_of_its_keras_model(pictures: Pictures, dense: bool) -> None:
    classifier = classifier_of(small_network(dense=dense))
    ((sha256, rgb),) = pictures(1)
    (found,) = explained(classifier, settings_of("ablationcam", raw=True), [(sha256, rgb)])
    model = classifier.model
    trunk = keras.Model(model.input, model.get_layer("last").output)
    A = trunk.predict(classifier.input.rows(classifier.input.picture(rgb))[None], verbose=0)
    weights = [layer.get_weights() for layer in model.layers if isinstance(layer, keras.layers.Dense)]

    def logit(a: np.ndarray) -> float:
        x = a.astype(np.float64).reshape(-1) if dense else a.astype(np.float64).mean(axis=(1, 2))[0]
        for kernel, bias in weights[:-1]:
            x = np.tanh(x @ kernel + bias)
        return float((x @ weights[-1][0] + weights[-1][1])[found.class_index])

    expected = np.zeros(A.shape[1:3])
    for k in range(A.shape[3]):
        without = A.copy()
        without[..., k] = 0
        expected += (logit(A) - logit(without)) * A[0, ..., k]
    expected = np.maximum(expected, 0)
    np.testing.assert_allclose(found.maps["ablationcam"].raw, expected, atol=1e-4 * expected.max())


def test_scorecam_asks_about_the_picture_behind_each_channel(small: Classifier, pictures: Pictures) -> None:
    ((sha256, rgb),) = pictures(1)
    (found,) = explained(small, settings_of("scorecam", "layercam", raw=True), [(sha256, rgb)])
    raw = found.maps["scorecam"].raw
    assert raw.shape == (8, 8) and (raw >= 0).all() and raw.max() > 0


@pytest.mark.parametrize(
    ("key", "parameters", "reason"),
    [
        ("occlusion", {"occlusion_size": 1.5}, "must be from 0.001 to 1"),
        ("occlusion", {"occlusion_size": 0.1, "occlusion_stride": 0.5}, "leave gaps"),
        ("rise", {"rise_masks": 0}, "rise_masks is 0: it must be from 1"),
        ("lime", {"lime_segments": 1}, "lime_segments is 1: it must be from 2"),
        ("lime", {"lime_samples": 0}, "lime_samples is 0"),
        ("multiscale", {"multiscale_scales": 0}, "multiscale_scales is 0"),
    ],
)
def test_bad_parameters_are_refused_in_one_line(
    small: Classifier, pictures: Pictures, key: str, parameters: dict[str, float], reason: str
) -> None:
    with pytest.raises((SettingsError, FormulaError), match=reason) as refused:
        explained(small, Settings((key,), edges="sobel", metrics=False, parameters=parameters), pictures(1))
    assert "\n" not in str(refused.value)


def test_deletion_and_insertion_are_measured_where_they_are_asked_for(
    small: Classifier, pictures: Pictures, asked: list[int]
) -> None:
    keys = ("gradcam", "gradcam.add-edges", "eigencam")
    (plain,) = explained(small, settings_of(*keys, metrics=True), pictures(1))
    assert not asked and "deletion" not in plain.maps["gradcam"].metrics
    settings = settings_of(*keys, metrics=True, measures=("curves",), steps=8)
    (found,) = explained(small, settings, pictures(1))
    assert sum(asked) == 3 + len(keys) * 2 * 7
    ((_, rgb),) = pictures(1)
    row = small.input.rows(small.input.picture(rgb))
    for key in keys:
        made = found.maps[key]
        assert made.provenance["parameters"]["steps"] == 8 and made.provenance["noise_seed"] is not None
        order = np.argsort(-made.scalar.ravel(), kind="stable")
        gone = []
        for step in range(9):
            flat = row.reshape(-1, 3).copy()
            flat[order[: 128 * step]] = -1
            logits = np.log(small.model.predict(flat.reshape(1, 32, 32, 3), verbose=0))
            gone.append(probabilities(logits)[0, found.class_index])
        expected = np.trapezoid(gone, dx=1 / 8)
        assert made.metrics["deletion"] == pytest.approx(expected, abs=0.02)  # ties fall elsewhere
        assert 0 <= made.metrics["insertion"] <= 1


def test_the_pointing_game_knows_the_region_in_the_pictures_own_pixels(
    small: Classifier, pictures: Pictures
) -> None:
    ((sha256, rgb),) = pictures(1)
    everything = np.ones(rgb.shape[:2], bool)
    settings = settings_of("gradcam", "original", metrics=True)
    explainer = Explainer(small, settings)
    (found,) = explainer.explain([(sha256, rgb)])
    assert "pointing" not in found.maps["gradcam"].metrics
    (inside,) = explainer.explain([(sha256, rgb, None, everything)])
    (outside,) = explainer.explain([(sha256, rgb, None, ~everything)])
    assert inside.maps["gradcam"].metrics["pointing"] == 1
    assert outside.maps["gradcam"].metrics["pointing"] is None
    top, left = np.unravel_index(found.maps["gradcam"].scalar.argmax(), (32, 32))
    # 40 x 50 pixels, of which the middle 40 are seen, at 32: four fifths.
    half = np.zeros_like(everything)
    half[: 20 if top < 16 else 40, 5:] = True
    if top >= 16:
        half[:20] = False
    (hit,) = explainer.explain([(sha256, rgb, None, half)])
    assert hit.maps["gradcam"].metrics["pointing"] == 1 and left < 32
    (missed,) = explainer.explain([(sha256, rgb, None, ~half & (np.arange(50) >= 5))])
    assert missed.maps["gradcam"].metrics["pointing"] == 0


def test_the_sanity_check_runs_through_the_engine(small: Classifier, pictures: Pictures) -> None:
    settings = settings_of("gradcam", "rise", metrics=True, measures=("sanity",), sanity_networks=2)
    found = explained(small, settings, pictures(2))
    for each in found:
        for key in ("gradcam", "rise"):
            metrics = each.maps[key].metrics
            assert [layer for layer, _ in metrics["sanity_layers"]] == ["scores", "first"]
            assert metrics["sanity"] is None or -1 <= metrics["sanity"] <= 1
            assert each.maps[key].provenance["parameters"]["sanity_networks"] == 2


def test_measures_without_metrics_or_unknown_ones_are_refused() -> None:
    with pytest.raises(SettingsError, match="Without metrics there is no curves"):
        Settings(("gradcam",), metrics=False, measures=("curves",))
    with pytest.raises(catalog.UnknownName, match='did you mean "sanity"'):
        Settings(("gradcam",), measures=("sanety",))
    with pytest.raises(SettingsError, match="steps is 0"):
        replace(Settings(("gradcam",), measures=("curves",)), steps=0)
