"""The training of the compact HED, small: labels, augmentation, loss, and a run that really learns and resumes."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import savemat

keras = pytest.importorskip("keras")

from fixtures.training.boundaries import evaluate  # noqa: E402
from fixtures.training.hed_data import (  # noqa: E402
    Picture,
    augmented_crop,
    batches,
    consensus,
    load_picture,
    split_names,
)
from fixtures.training.hed_loss import balanced_cross_entropy, dice  # noqa: E402
from fixtures.training.hed_train import (  # noqa: E402
    Training,
    TrainSettings,
    learning_rate,
    plain,
    train,
)
from saliency_worker.saliency.hed import HedConfig, edge_maps, load_hed  # noqa: E402

pytestmark = pytest.mark.tensorflow
TINY = HedConfig(widths=(4, 6, 8, 8, 8), convolutions=(1, 1, 1, 1, 1))


def discs(seed: int, size: int = 96) -> Picture:
    """Coloured discs on a grained ground; two people who drew the rims one pixel apart."""
    rng = np.random.default_rng(seed)
    rgb = np.full((size, size, 3), rng.integers(60, 110, 3), np.uint8)
    people = np.zeros((2, size, size), np.uint8)
    for _ in range(3):
        centre, radius = tuple(int(n) for n in rng.integers(20, size - 20, 2)), int(rng.integers(8, 18))
        colour = tuple(int(n) for n in rng.integers(150, 255, 3))
        cv2.circle(rgb, centre, radius, colour, -1)
        for person in (0, 1):
            cv2.circle(people[person], centre, radius, 0, -1)
            cv2.circle(people[person], centre, radius + person, 1, 1)
    rgb = np.clip(rgb + rng.normal(0, 12, rgb.shape), 0, 255).astype(np.uint8)
    return Picture(f"discs{seed}", rgb, tuple(p.astype(bool) for p in people))


def best_f(network: keras.Model, pictures: list[Picture]) -> float:
    maps = [edge_maps(network, picture.rgb[None])[0] for picture in pictures]
    return evaluate(maps, [picture.boundaries for picture in pictures], np.linspace(0.1, 0.9, 9)).ods


def test_lines_one_pixel_apart_make_one_ridge_between_them() -> None:
    first, second = np.zeros((9, 9), bool), np.zeros((9, 9), bool)
    first[:, 3], second[:, 5] = True, True
    label = consensus([first, second], ridge=2.0)
    assert label[4].argmax() == 4
    assert np.all(np.diff(label[4, :5]) > 0) and np.all(np.diff(label[4, 4:]) < 0)


def test_the_label_on_a_line_is_the_share_of_people_who_drew_it() -> None:
    drawn, nothing = np.zeros((20, 20), bool), np.zeros((20, 20), bool)
    drawn[:, 10] = True
    label = consensus([drawn, drawn, nothing, nothing])
    assert label[:, 10] == pytest.approx(0.5)
    assert label[:, 0].max() < 1e-6


@pytest.mark.parametrize("seed", range(6))
def test_augmentation_moves_the_label_with_the_picture(seed: int) -> None:
    """A picture that is white exactly on its boundary stays bright under the label, wherever it is moved."""
    drawn = np.zeros((120, 160), bool)
    cv2_canvas = np.zeros((120, 160), np.uint8)
    cv2.rectangle(cv2_canvas, (40, 30), (110, 85), 1, 3)
    cv2.rectangle(drawn_bytes := np.zeros((120, 160), np.uint8), (40, 30), (110, 85), 1, 1)
    drawn |= drawn_bytes.astype(bool)
    rgb = np.repeat(cv2_canvas[..., None] * np.uint8(255), 3, 2)
    crop = augmented_crop(Picture("box", rgb, (drawn,)), 96, np.random.default_rng(seed))
    luma = crop.rgb.mean(2)
    inside = crop.valid > 0
    on, off = inside & (crop.label > 0.8), inside & (crop.label < 0.01)
    assert on.sum() > 20
    assert luma[on].mean() > luma[off].mean() + 0.25


def test_a_step_has_the_same_batch_after_a_resume() -> None:
    pictures = [discs(seed) for seed in range(3)]
    settings = {"size": 32, "batch": 2, "seed": 5, "last_step": 4}
    whole = list(batches(pictures, first_step=0, **settings))
    resumed = list(batches(pictures, first_step=2, **settings))
    assert len(whole) == 4 and len(resumed) == 2
    for one, other in zip(whole[2:], resumed, strict=True):
        for left, right in zip(one, other, strict=True):
            np.testing.assert_array_equal(left, right)


def test_every_picture_is_seen_once_in_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    real = augmented_crop
    monkeypatch.setattr(
        "fixtures.training.hed_data.augmented_crop",
        lambda picture, size, rng: seen.append(picture.name) or real(picture, size, rng),
    )
    list(batches([discs(s) for s in range(6)], size=32, batch=2, seed=1, first_step=0, last_step=3))
    assert sorted(seen) == [f"discs{s}" for s in range(6)]


def test_the_loss_is_the_formula_of_the_paper_with_soft_labels() -> None:
    rng = np.random.default_rng(0)
    label = rng.choice([0.0, 0.05, 0.4, 1.0], (2, 4, 5), p=[0.5, 0.1, 0.2, 0.2]).astype(np.float32)
    logits = rng.normal(size=(2, 4, 5, 3)).astype(np.float32)
    valid = (rng.random((2, 4, 5)) > 0.2).astype(np.float32)
    means = []
    for n in range(2):
        counted = [
            (y, x)
            for y in range(4)
            for x in range(5)
            if valid[n, y, x] and label[n, y, x] != np.float32(0.05)
        ]
        positive = sum(label[n, y, x] for y, x in counted)
        weight = max((len(counted) - positive) / (positive + 1), 1) ** 0.5
        norm = weight * positive + len(counted) - positive + 1
        for k in range(3):
            p = 1 / (1 + np.exp(-logits[n, :, :, k].astype(float)))
            total = sum(
                -weight * label[n, y, x] * np.log(p[y, x]) - (1 - label[n, y, x]) * np.log(1 - p[y, x])
                for y, x in counted
            )
            means.append(total / norm)
    loss = balanced_cross_entropy(label, logits, valid, threshold=0.1, balance=0.5)
    assert float(loss) == pytest.approx(np.mean(means), rel=1e-5)


def test_dice_is_zero_for_the_label_itself_and_one_for_its_opposite() -> None:
    label = np.zeros((1, 16, 16), np.float32)
    label[:, :, 4] = 1
    logits = np.where(label > 0, 50, -50).astype(np.float32)
    assert float(dice(label, logits, np.ones_like(label))) == pytest.approx(0, abs=1e-5)
    assert float(dice(label, -logits, np.ones_like(label))) > 0.99


def test_the_rate_warms_up_and_falls_to_a_hundredth() -> None:
    settings = TrainSettings(steps=1000, rate=1e-2)
    rates = [learning_rate(settings, step) for step in range(1000)]
    assert rates[0] < rates[10] < rates[29] == pytest.approx(1e-2)
    assert np.all(np.diff(rates[30:]) < 0)
    assert rates[-1] == pytest.approx(1e-4, rel=0.05)


def test_the_written_network_computes_what_was_trained() -> None:
    training = Training(TrainSettings(precision="float32"), TINY)
    network = training.averaged_network()
    picture = np.random.default_rng(0).random((1, 32, 48, 3), np.float32)
    np.testing.assert_allclose(plain(network, TINY)(picture), network(picture), atol=1e-5)


@pytest.mark.slow
def test_a_short_training_learns_resumes_and_beats_an_untrained_network(tmp_path: Path) -> None:
    pictures, held_out = [discs(seed) for seed in range(8)], [discs(100), discs(101)]
    first = TrainSettings(steps=150, batch=4, size=64, rate=1e-2, evaluate_every=75, precision="float32")
    untrained = best_f(Training(first, TINY).averaged_network(), held_out)
    rows = train(TrainSettings(**{**vars(first), "steps": 75}), tmp_path, pictures, held_out, TINY)
    assert [row["step"] for row in rows] == [75]
    rows = train(first, tmp_path, pictures, held_out, TINY)
    assert [row["step"] for row in rows] == [75, 150]
    assert rows[1]["loss"] < 0.8 * rows[0]["loss"]
    everything_is_an_edge = 0.35
    written = best_f(load_hed(tmp_path / "hed.weights.h5", TINY), held_out)
    assert written > max(untrained, everything_is_an_edge) + 0.2


def test_the_split_is_fixed_and_disjoint(tmp_path: Path) -> None:
    for split, count in (("train", 200), ("val", 100)):
        folder = tmp_path / "images" / split
        folder.mkdir(parents=True)
        for number in range(count):
            (folder / f"{number:04}.jpg").touch()
    for_training, held_out = split_names(tmp_path)
    assert len(for_training) == 260 and len(held_out) == 40
    assert not set(for_training) & set(held_out)
    assert split_names(tmp_path)[1] == held_out


def test_boundaries_are_read_from_the_files_of_bsds(tmp_path: Path) -> None:
    picture = discs(3)
    (tmp_path / "images" / "train").mkdir(parents=True)
    (tmp_path / "groundTruth" / "train").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "images" / "train" / "7.jpg"), picture.rgb[..., ::-1])
    people = np.empty((1, 2), object)
    for index, drawn in enumerate(picture.boundaries):
        people[0, index] = {"Boundaries": drawn.astype(np.uint8)}
    savemat(tmp_path / "groundTruth" / "train" / "7.mat", {"groundTruth": people})
    loaded = load_picture(tmp_path, "train", "7")
    assert loaded.rgb.shape == picture.rgb.shape
    for one, other in zip(loaded.boundaries, picture.boundaries, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_folder_without_pictures_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="--bsds"):
        split_names(tmp_path)
