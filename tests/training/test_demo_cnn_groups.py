"""The coarse groups of the demo classifier are a partition of the 1000 ImageNet classes."""

from pathlib import Path

import numpy as np
import pytest

from fixtures.training.demo_cnn_groups import check_partition, group_matrix, read_groups


def test_every_imagenet_class_stands_in_exactly_one_group() -> None:
    groups = read_groups()
    members = [index for group in groups.values() for index in group]
    assert sorted(members) == list(range(1000))
    assert 15 <= len(groups) <= 25


def test_group_probabilities_are_sums_of_class_probabilities() -> None:
    groups = read_groups()
    probabilities = np.random.default_rng(0).dirichlet(np.ones(1000), 3)
    sums = probabilities @ group_matrix(groups)
    np.testing.assert_allclose(sums.sum(1), 1, rtol=1e-6)
    naive = [sum(probabilities[2, index] for index in members) for members in groups.values()]
    np.testing.assert_allclose(sums[2], naive, rtol=1e-6)


@pytest.mark.parametrize(
    ("index", "group"),
    [
        (207, "dog, wolf or fox"),
        (281, "cat"),
        (967, "food, drink or tableware"),
        (812, "boat, aircraft or rocket"),
    ],
)
def test_well_known_classes_are_where_a_person_looks_for_them(index: int, group: str) -> None:
    assert index in read_groups()[group]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"a": list(range(999))}, "999"),
        ({"a": list(range(1000)), "b": [7]}, "7"),
        ({"a": [1000]}, "does not exist"),
    ],
)
def test_a_class_missing_doubled_or_unknown_is_refused(groups: dict[str, list[int]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_partition(groups)


def test_a_class_before_the_first_group_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "groups.txt").write_text("# comment\n0 tench\n")
    with pytest.raises(ValueError, match=r"groups\.txt, line 2"):
        read_groups(tmp_path / "groups.txt")
