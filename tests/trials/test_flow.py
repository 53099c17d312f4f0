"""The order of pages and trials, as a pure function of what is answered and read."""

from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from survey_site.trials.flow import LONGEST_STRETCH, break_positions, next_step, stretch


@dataclass(frozen=True)
class Planned:
    position: int
    block: str
    task: str
    answered: bool


def plan(practice: int, matching: int, practice_rating: int, rating: int) -> list[Planned]:
    kinds = [("practice", "matching")] * practice + [("matching", "matching")] * matching
    kinds += [("practice", "rating")] * practice_rating + [("rating", "rating")] * rating
    return [Planned(position, block, task, False) for position, (block, task) in enumerate(kinds)]


PLANS = st.builds(plan, st.integers(0, 3), st.integers(0, 70), st.integers(0, 3), st.integers(1, 70))


def walk(trials: list[Planned], demographics: bool) -> list[str]:
    """Goes on from step to step until the end, answering and reading whatever comes."""
    trials, read, met = list(trials), [], []
    for _ in range(600):
        step = next_step(trials, read, demographics)
        if step.kind == "done":
            return met
        if step.kind == "page":
            read.append(step.key)
            met.append(step.key)
        else:
            trials[step.position] = replace(trials[step.position], answered=True)
            met.append(str(step.position))
    raise AssertionError("no end")


def test_the_order_is_the_one_described() -> None:
    assert walk(plan(1, 2, 1, 1), demographics=True) == [
        "demographics", "instructions_matching", "0", "feedback-0", "begin_matching", "1", "2",
        "instructions_rating", "3", "feedback-3", "begin_rating", "4", "debrief",
    ]  # fmt: skip


@given(PLANS, st.booleans())
def test_every_trial_comes_once_and_in_order(trials: list[Planned], demographics: bool) -> None:
    met = walk(trials, demographics)
    assert [int(key) for key in met if key.isdecimal()] == list(range(len(trials)))
    assert len(set(met)) == len(met)
    assert met[-1] == "debrief"


@given(PLANS)
def test_no_stretch_is_longer_than_declared_and_breaks_lie_evenly(trials: list[Planned]) -> None:
    breaks = break_positions(trials)
    for task in ("matching", "rating"):
        counted = [t.position for t in trials if t.task == task and t.block != "practice"]
        lengths, current = [], 0
        for position in counted:
            if position in breaks:
                lengths.append(current)
                current = 0
            current += 1
        lengths.append(current)
        assert max(lengths) <= LONGEST_STRETCH
        assert max(lengths) - min(lengths) <= 1


@given(PLANS, st.data())
def test_what_is_fetched_ahead_never_crosses_a_page(trials: list[Planned], data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(trials) - 1))
    met = walk(trials, demographics=False)
    start = met.index(str(position))
    following = []
    for key in met[start:]:
        if not key.isdecimal():
            break
        following.append(int(key))
    assert list(stretch(trials, position)) == following
