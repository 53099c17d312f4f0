"""Maps of every shape of network in the zoo, against a tape over the author's own layers."""

import pytest

from tests.saliency.tape import assert_maps_are_right
from tests.saliency.zoo import ZOO

pytestmark = pytest.mark.tensorflow


@pytest.mark.parametrize("name", ZOO)
def test_its_maps_are_those_of_the_tape(name: str) -> None:
    assert_maps_are_right(ZOO[name]())


def test_the_zoo_is_large(record_testsuite_property: object) -> None:
    print(f"\n{len(ZOO)} shapes of networks compared with a tape")
    assert len(ZOO) >= 40
