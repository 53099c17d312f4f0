"""The leak audit of what a task keeps to itself, and of methods that not every task shows."""

import random

from survey_site.trials.simulation.leaks import Observation, audit


def pages(leaking: bool) -> list[Observation]:
    """Whether a prediction is right, on pages whose length tells it, or does not."""
    rng = random.Random(1)
    found = []
    for person in range(20):
        for position in range(12):
            right = rng.random() < 0.5
            page = {
                "task": "doubt",
                "position": position,
                "length": 900 + (right if leaking else rng.randrange(2)),
            }
            found.append(Observation(str(person), "A", page, {}, (), None, "right" if right else "wrong"))
    return found


def test_a_page_that_tells_the_secret_is_found() -> None:
    results = audit(pages(leaking=True)).results
    assert {result.target for result in results} == {"secret"}
    assert all(result.leaking and result.accuracy == 1 for result in results)


def test_a_page_that_does_not_is_at_chance() -> None:
    assert not audit(pages(leaking=False)).leaking


def test_a_method_that_one_task_leaves_out_is_no_leak() -> None:
    rng = random.Random(2)
    found = [
        Observation(
            str(person),
            rng.choice(("A", "B") if task == "short" else ("A", "B", "C", "D", "E", "F")),
            {"task": task, "position": position},
            {},
        )
        for person in range(20)
        for position in range(16)
        for task in (rng.choice(("short", "long")),)
    ]
    assert not audit(found).leaking
