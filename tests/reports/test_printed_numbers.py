"""Numbers of the report as they are printed: halves as in Table 1, no minus before a zero."""

import pytest

from survey_site.statistics.printing import places


@pytest.mark.parametrize(
    ("value", "count", "text"),
    [
        (12.5, 0, "13"),  # 63 % against 50 %, as Table 1 rounds them
        (-12.5, 0, "−13"),
        (2.675, 2, "2.68"),
        (0.0004, 2, "0.00"),
        (-0.0004, 2, "0.00"),
        (1e22, 1, "10000000000000000000000.0"),
        (float("inf"), 2, "inf"),
        (None, 2, "–"),
    ],
)
def test_a_number_has_its_places(value: float | None, count: int, text: str) -> None:
    assert places(value, count) == text
