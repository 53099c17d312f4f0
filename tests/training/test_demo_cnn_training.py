"""The training of the demo classifier learns, stops and goes on: on drawn patterns, in seconds."""

import json
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from fixtures.training.demo_cnn_data import draw_views
from fixtures.training.demo_cnn_export import measure, measure_lines, write_bundle
from fixtures.training.demo_cnn_teacher import Cache
from fixtures.training.demo_cnn_train import Recipe, Trainer, make_batch, predict_groups
from saliency_worker.saliency.bundled import bundled
from saliency_worker.saliency.demo_cnn import STAGES, build_demo_cnn

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

SIZE = 64
RECIPE = Recipe(60, size=SIZE, batch=16, warmup=5, ema=0.9, evaluate_every=20, learning_rate=3e-3)
NAMES = ["horizontal", "vertical", "plain"]


def drawn(kind: int, rng: np.random.Generator) -> np.ndarray:
    """uint8 (64, 64, 3): stripes of random colours along a row, along a column, or none."""
    period = int(rng.integers(6, 12))
    ramp = (np.arange(64) // (period // 2) % 2).astype(float)
    pattern = [np.tile(ramp[:, None], (1, 64)), np.tile(ramp, (64, 1)), np.full((64, 64), 0.5)][kind]
    low, high = rng.uniform(0, 100, 3), rng.uniform(150, 255, 3)
    return (low + pattern[..., None] * (high - low)).astype(np.uint8)


def drawn_teacher() -> keras.Model:
    """Stands for the bottlenecks: edges of random orientation, averaged at strides 4, 8, 16 and 32."""
    image = keras.Input((SIZE, SIZE, 3))
    initial = keras.initializers.RandomNormal(seed=3)
    edges = keras.layers.Conv2D(16, 3, padding="same", activation="relu", kernel_initializer=initial)(image)
    widths = [*(code for *_, code in STAGES), 64]
    maps = [
        keras.layers.Conv2D(width, 1, kernel_initializer=initial)(
            keras.layers.AveragePooling2D(4 * 2**n)(edges)
        )
        for n, width in enumerate(widths)
    ]
    return keras.Model(image, maps)


@pytest.fixture(scope="module")
def lesson() -> tuple[list[np.ndarray], Cache, np.ndarray]:
    """Pictures, the "teacher's" answers to their views, and the class → group matrix."""
    rng = np.random.default_rng(0)
    kinds = np.arange(48) % 3
    pictures = [drawn(int(kind), rng) for kind in kinds]
    views = draw_views([p.shape[:2] for p in pictures], 4, 1, scale=(0.5, 1))
    kind = kinds[views.picture]
    probabilities = np.zeros((len(views), 1000), np.float16)
    probabilities[np.arange(len(views)), kind] = 1
    groups = np.zeros((1000, 3), np.float32)
    groups[[0, 1, 2], [0, 1, 2]] = 1
    return pictures, Cache(views, probabilities), groups


@pytest.fixture(scope="module")
def trained(
    lesson: tuple[list[np.ndarray], Cache, np.ndarray], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Trainer, Path]:
    pictures, cache, groups = lesson
    folder = tmp_path_factory.mktemp("run")
    trainer = Trainer(RECIPE, groups, drawn_teacher())
    trainer.run(pictures, cache, folder)
    return trainer, folder


def test_every_loss_falls_and_every_stage_learns_its_lesson(trained: tuple[Trainer, Path]) -> None:
    first, *_, last = trained[0].history
    for name in ("group", "classes", "hint1", "hint2", "hint3", "hint4"):
        assert last[name] < 0.9 * first[name], name
    assert last["hint1"] < 0.5  # 1 is the error of always answering the mean


def test_the_teachers_channels_are_measured_once_with_mean_0_and_spread_1(
    lesson: tuple[list[np.ndarray], Cache, np.ndarray], trained: tuple[Trainer, Path]
) -> None:
    pictures, cache, _ = lesson
    images = np.concatenate([make_batch(step, RECIPE, pictures, cache).images for step in range(4)])
    for target in trained[0].targets(images):
        np.testing.assert_allclose(np.mean(target, (0, 1, 2)), 0, atol=0.02)
        np.testing.assert_allclose(np.std(target, (0, 1, 2)), 1, atol=0.02)


def test_it_beats_the_majority_on_pictures_it_never_saw(trained: tuple[Trainer, Path]) -> None:
    rng = np.random.default_rng(99)
    kinds = np.arange(30) % 3
    pictures = np.stack([drawn(int(kind), rng)[:SIZE, :SIZE] for kind in kinds])
    predicted = predict_groups(trained[0].averaged(SIZE), pictures).argmax(1)
    assert np.mean(predicted == kinds) > 2 / 3


def test_a_resumed_run_goes_on_where_the_other_stopped(
    lesson: tuple[list[np.ndarray], Cache, np.ndarray], trained: tuple[Trainer, Path]
) -> None:
    pictures, cache, groups = lesson
    trainer, folder = trained
    longer = Trainer(replace(RECIPE, steps=62), groups, drawn_teacher())
    history = longer.run(pictures, cache, folder)
    assert [entry["step"] for entry in history] == [20, 40, 60, 62]
    assert int(longer.optimizer.iterations) == 62
    assert history[-1]["group"] < trainer.history[0]["group"]


def test_a_run_takes_over_what_fits_of_another_runs_student(
    lesson: tuple[list[np.ndarray], Cache, np.ndarray], trained: tuple[Trainer, Path], tmp_path: Path
) -> None:
    groups = lesson[2]
    donor = trained[0].student
    arrays = {variable.path: variable.numpy() for variable in donor.variables}
    arrays["predictions/kernel"] = np.zeros((7, 7), np.float32)  # another head
    np.savez(tmp_path / "start.npz", **arrays)
    trainer = Trainer(RECIPE, groups, drawn_teacher())
    head = trainer.student.get_layer("predictions").get_weights()[0]
    assert trainer.start_from(tmp_path / "start.npz") == len(donor.variables) - 1
    np.testing.assert_array_equal(trainer.student.get_layer("predictions").get_weights()[0], head)
    np.testing.assert_array_equal(
        trainer.averaged(SIZE).get_layer("stem1_conv").get_weights()[0],
        donor.get_layer("stem1_conv").get_weights()[0],
    )


def test_a_batch_depends_on_seed_and_number_only(lesson: tuple[list[np.ndarray], Cache, np.ndarray]) -> None:
    pictures, cache, _ = lesson
    once, again, next_one = (make_batch(step, RECIPE, pictures, cache) for step in (3, 3, 4))
    np.testing.assert_array_equal(once.images, again.images)
    np.testing.assert_array_equal(once.probabilities, again.probabilities)
    assert not np.array_equal(once.images, next_one.images)


def test_the_exported_files_load_as_the_network_that_was_measured(
    trained: tuple[Trainer, Path], tmp_path: Path
) -> None:
    student = trained[0].averaged(SIZE)
    write_bundle(student, NAMES, tmp_path)
    loaded = build_demo_cnn(3, SIZE)
    loaded.load_weights(bundled("demo_cnn.weights.h5", tmp_path))
    assert json.loads(bundled("demo_cnn.json", tmp_path).read_text()) == NAMES
    assert {str(w.dtype) for w in loaded.get_weights()} == {"float32"}
    pictures = np.random.default_rng(1).integers(0, 256, (4, SIZE, SIZE, 3), np.uint8)
    np.testing.assert_allclose(predict_groups(loaded, pictures), predict_groups(student, pictures), atol=0.01)
    assert (tmp_path / "demo_cnn.weights.h5").stat().st_size < 4_000_000


def test_the_measured_figures_stand_beside_the_majority_baseline(trained: tuple[Trainer, Path]) -> None:
    student = build_demo_cnn(3, None)
    student.set_weights(trained[0].averaged(SIZE).get_weights())
    rng = np.random.default_rng(5)
    kinds = np.array([0, 1, 2, 2, 2])
    pictures = [drawn(int(kind), rng) for kind in kinds]
    teacher = np.eye(3)[[0, 1, 2, 2, 0]]
    result = measure(student, pictures, teacher, kinds, np.array([2, 2, 1]), NAMES)
    assert result["majority"] == "plain"
    assert result["majority_agreement"] == 0.4
    assert result["majority_label_accuracy"] == 0.6
    assert result["teacher_label_accuracy"] == 0.8
    assert result["agreement_top3"] == 1.0
    assert [n for _, n in result["per_group"].values()] == [2, 1, 2]
    assert "majority_agreement: 0.4" in measure_lines(result)
