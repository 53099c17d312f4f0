"""The leak audit: pages without a leak score at chance, a planted leak is caught and named."""

import random
from collections.abc import Callable

import pytest

from survey_site.trials.simulation.leaks import Observation, audit

METHODS = ("Grad-CAMs", "Ours 1", "Ours 2", "Ours 3")


def run_through(
    plant: Callable[[dict], None] = lambda trial: None,
    participants: int = 20,
    trials: int = 12,
    seed: int = 3,
) -> list[Observation]:
    """Observations of clean pages: opaque addresses, equal sizes, timing without meaning; then `plant`."""
    rng = random.Random(seed)
    observations = []
    for person in range(participants):
        methods = [METHODS[n % len(METHODS)] for n in range(trials)]
        rng.shuffle(methods)
        for position, method in enumerate(methods):
            trial = {
                "rng": rng,
                "method": method,
                "answer": rng.randrange(4),
                "page": {"position": position, "bytes": 5000 + rng.randrange(9), "header": "no-store"},
                "shown": {"url": f"/i/{rng.getrandbits(64):x}", "bytes": 65536, "ms": rng.gauss(20, 5)},
                "options": [
                    {"url": f"/i/{rng.getrandbits(64):x}", "bytes": 65536, "ms": rng.gauss(20, 5)}
                    for _ in range(4)
                ],
            }
            plant(trial)
            observations.append(
                Observation(
                    f"person {person}",
                    method,
                    trial["page"],
                    trial["shown"],
                    tuple(trial["options"]),
                    trial["answer"],
                )
            )
    return observations


@pytest.mark.parametrize("seed", range(3))
def test_clean_pages_score_at_chance(seed):
    found = audit(run_through(seed=seed), seed=f"audit {seed}")
    assert [result for result in found.results if result.leaking] == []
    assert found.suspects == ()
    assert {(result.target, result.classifier) for result in found.results} == {
        (target, classifier)
        for target in ("answer", "method")
        for classifier in ("naive Bayes", "decision tree")
    }
    for result in found.results:
        assert result.low <= result.chance <= result.high
        assert (result.chance, result.trials, result.participants) == (0.25, 192, 16)


def one_byte_more(trial):
    trial["options"][trial["answer"]]["bytes"] += 1


def other_size_that_varies(trial):
    for option in trial["options"]:
        option["bytes"] = 1000 + trial["rng"].randrange(100_000)
    trial["options"][trial["answer"]]["bytes"] = 200_000 + trial["rng"].randrange(100_000)


def same_tag_as_the_map(trial):
    for option in trial["options"]:
        option["etag"] = f"{trial['rng'].getrandbits(64):x}"
    trial["shown"]["etag"] = trial["options"][trial["answer"]]["etag"]


def slower_answer(trial):
    trial["options"][trial["answer"]]["ms"] += 6


@pytest.mark.parametrize(
    ("plant", "feature"),
    [
        (one_byte_more, "bytes"),
        (other_size_that_varies, "bytes"),
        (same_tag_as_the_map, "etag"),
        (slower_answer, "ms"),
    ],
)
def test_a_planted_leak_of_the_answer_is_caught_and_named(plant, feature):
    found = audit(run_through(plant))
    assert any(result.leaking and result.target == "answer" for result in found.results)
    assert not any(result.leaking and result.target == "method" for result in found.results)
    assert feature in found.suspects[0][0]


def method_in_the_address(trial):
    trial["shown"]["url"] += f"-{METHODS.index(trial['method'])}.png"


def smaller_files_of_one_method(trial):
    trial["shown"]["bytes"] = 50_000 - 9_000 * (trial["method"] == "Ours 1") + trial["rng"].gauss(0, 4_000)


@pytest.mark.parametrize("plant", [method_in_the_address, smaller_files_of_one_method])
def test_a_planted_leak_of_the_method_is_caught(plant):
    found = audit(run_through(plant, participants=30))
    assert any(result.leaking and result.target == "method" for result in found.results)
    assert not any(result.leaking and result.target == "answer" for result in found.results)


def test_results_are_printed_with_interval_and_chance():
    text = str(audit(run_through(one_byte_more)).results[0])
    assert text.startswith("answer by naive Bayes: 100.0% [")
    assert "chance 25.0%, 192 trials of 16 participants: LEAK" in text


def test_ratings_are_audited_for_the_method_alone():
    ratings = [
        Observation(f"p{n % 10}", METHODS[n // 10 % 4], {"position": n}, {"bytes": 1}) for n in range(80)
    ]
    assert {result.target for result in audit(ratings).results} == {"method"}


def test_the_audit_is_the_same_on_every_call():
    observations = run_through(slower_answer)
    assert audit(observations) == audit(observations)


def test_too_few_participants_are_refused():
    with pytest.raises(ValueError, match="5 participants or more, there are 3"):
        audit(run_through(participants=3))
