"""How often the leak audit cries wolf, and how small a leak it finds: simulated pages, known truth.

    python -m benchmarks.leak_audit [--studies 100]

The figures of docs/study-design.md come from here; about a minute per hundred studies.
"""

import argparse
import random

from survey_site.trials.simulation.leaks import Observation, audit

METHODS = ("Grad-CAMs", "Ours 1", "Ours 2", "Ours 3")
PARTICIPANTS, TRIALS, OPTIONS = 20, 12, 4


def study(seed: int, leaking_share: float) -> list[Observation]:
    """Clean pages, but in a share of the trials the true option's file is one byte larger than the others."""
    rng = random.Random(seed)
    observations = []
    for person in range(PARTICIPANTS):
        methods = [METHODS[n % len(METHODS)] for n in range(TRIALS)]
        rng.shuffle(methods)
        for position, method in enumerate(methods):
            answer = rng.randrange(OPTIONS)
            page = {"position": position, "bytes": 5000 + rng.randrange(9)}
            pictures = [
                {"url": f"/i/{rng.getrandbits(64):x}", "bytes": 65536, "ms": rng.gauss(20, 5)}
                for _ in range(OPTIONS + 1)
            ]
            chosen = answer if rng.random() < leaking_share else rng.randrange(OPTIONS)
            pictures[chosen]["bytes"] = 65537
            observations.append(
                Observation(str(person), method, page, pictures[-1], tuple(pictures[:-1]), answer)
            )
    return observations


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--studies", type=int, default=100)
    studies = parser.parse_args().studies
    print(
        f"{PARTICIPANTS} participants × {TRIALS} trials, {OPTIONS} options and methods, {studies} studies\n"
    )
    print(
        "| trials in which one byte tells the answer | right by knowing it | audits that report the answer | … the method |"
    )
    print("|---|---|---|---|")
    for share in (0.0, 0.1, 0.2, 0.3):
        found = {"answer": 0, "method": 0}
        for seed in range(studies):
            results = audit(study(seed, share), seed=str(seed)).results
            for target in found:
                found[target] += any(r.leaking for r in results if r.target == target)
        best = share + (1 - share) / OPTIONS
        print(f"| {share:.0%} | {best:.0%} | {found['answer']} | {found['method']} |")


if __name__ == "__main__":
    main()
