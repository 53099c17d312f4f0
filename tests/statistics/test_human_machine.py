"""People against machine metrics, map by map: what the images can and cannot tell."""

import numpy as np

from survey_site.statistics.correlation import human_machine, rank_correlation
from survey_site.statistics.data import from_rows
from tests.statistics.two_tasks import OUTCOMES


def test_images_that_are_all_alike_give_no_interval() -> None:
    """Leaving out any of them changes nothing but floating dust, which had p = 1e-162."""
    x, y = np.tile([1.0, 0.0, 0.0], 12), np.tile([1.0, 1.0, 0.0], 12)
    found = rank_correlation(x, y, np.repeat(np.arange(12), 3))
    assert found["rho"] is not None and (found["ci"], found["p"]) == (None, None)
    assert "the images do not differ" in str(found["reason"])


def test_maps_in_one_order_give_no_interval_and_say_so() -> None:
    found = rank_correlation(np.arange(8.0), np.arange(8.0), np.arange(8))
    assert (found["rho"], found["ci"]) == (1.0, None) and "one order" in str(found["reason"])


def test_equal_arrays_of_several_images_are_several_maps() -> None:
    """Empty maps have one hash; they counted as one map of the last image."""
    rows = [
        {"participant": f"p{p}", "task": "rating", "column": "A", "stimulus": f"i{k}", "score": (k + p) % 7,
         "map_sha256": "empty" if k < 3 else f"m{k}"}
        for p in range(2)
        for k in range(6)
    ]  # fmt: skip
    maps = [
        {"stimulus": f"i{k}", "map_sha256": "empty" if k < 3 else f"m{k}", "confidence": k / 10}
        for k in range(6)
    ]
    found = next(r for r in human_machine(from_rows(rows), maps, OUTCOMES) if r["human"] == "index"
                 and r["machine"] == "confidence")  # fmt: skip
    assert (found["n"], found["images"], found["rho"]) == (6, 6, 1.0)
