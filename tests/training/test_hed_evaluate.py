"""The detectors that HED is measured beside, and the table that the command prints."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import savemat

pytest.importorskip("keras")

from fixtures.training.hed_evaluate import canny_map, main, sobel_map

pytestmark = pytest.mark.tensorflow


def two_steps() -> np.ndarray:
    """A strong step at column 30 and a weak one at column 70."""
    rgb = np.full((60, 100, 3), 20, np.uint8)
    rgb[:, 30:70], rgb[:, 70:] = 200, 230
    return rgb


def test_canny_draws_a_strong_step_up_to_a_higher_level_than_a_weak_one() -> None:
    drawn = canny_map(two_steps(), levels=40)
    assert drawn[10:-10, 28:33].max(1).min() > 2 * drawn[10:-10, 68:73].max(1).max() > 0
    assert drawn[:, 40:60].max() == 0


def test_sobel_is_largest_on_the_strong_step() -> None:
    drawn = sobel_map(two_steps())
    assert (drawn[10:-10, 29:31] == drawn.max()).all()
    assert 0 < drawn[30, 69] < 0.5 * drawn[30, 29]
    assert drawn.max() <= 1


def test_the_command_prints_one_line_for_each_detector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its pictures are steps whose boundary everyone drew, so that both detectors find it."""
    for kind in ("images", "groundTruth"):
        (tmp_path / kind / "train").mkdir(parents=True)
    for number in range(3):
        cv2.imwrite(str(tmp_path / "images" / "train" / f"{number}.jpg"), two_steps())
        drawn = np.zeros((60, 100), np.uint8)
        drawn[:, 29] = drawn[:, 69] = 1
        person = np.empty((1, 1), object)
        person[0, 0] = {"Boundaries": drawn}
        savemat(tmp_path / "groundTruth" / "train" / f"{number}.mat", {"groundTruth": person})
    arguments = ["--bsds", str(tmp_path), "--detectors", "canny,sobel", "--thresholds", "9"]
    monkeypatch.setattr("sys.argv", ["hed_evaluate", *arguments])
    main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1 pictures of BSDS500 train + val, held out")
    scores = {line.split()[0]: float(line.split()[1]) for line in lines[2:]}
    assert set(scores) == {"canny", "sobel"}
    assert min(scores.values()) > 0.6
