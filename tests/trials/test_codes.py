"""Participants' codes are letters alone: no program of statistics takes one for a number."""

import re

from survey_site.trials.models import new_code


def test_a_code_can_not_be_read_as_a_number_or_a_word() -> None:
    for code in (new_code() for _ in range(2000)):
        assert re.fullmatch(r"[b-df-hj-np-tv-xz]{12}", code)
        assert code not in ("nan", "inf", "null")
    assert len({new_code() for _ in range(2000)}) == 2000
