"""A plan past this machine, by simulation with measured constants: maps on many GPUs, and participants of one day.

python -m benchmarks plan                                    both plans, with the constants below
python -m benchmarks plan --seconds-per-image 0.12 --gpus 8 16 32 64 --gpu-hour 2.5
python -m benchmarks plan --participants 100000 --page-ms 9 --cores 4 8 16

Every constant is an option; docs/operations.md says which command measures it. Maps: workers take chunks from one queue;
some chunks are stragglers, and workers die at random: what they held is done again once its lease has run out. Participants
arrive by a day's curve, think between pages, and share the cores of the site. The seeds are fixed: a run prints what the
run before printed.
"""

import argparse
import heapq
import math
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass

LEASE_S, SWEEP_S = 120.0, 10.0
HOURS = (1, 1, 1, 1, 1, 1, 2, 3, 5, 6, 7, 7, 7, 7, 7, 6, 6, 6, 7, 7, 6, 5, 3, 2)
"""Arrivals of each hour of the day, in relation to one another."""


@dataclass(frozen=True, slots=True)
class MapsPlan:
    """Constants of the maps' part: seconds, shares and bytes."""

    images: int = 1_000_000
    maps: int = 18
    chunk: int = 64
    seconds_per_image: float = 0.12
    straggler_share: float = 0.02
    straggler_times: float = 5.0
    hours_between_deaths: float = 48.0
    restart_s: float = 90.0
    database_ms: float = 12.0
    bytes_per_map: float = 256_000.0  # an array of 224 × 224 float32 and its picture


@dataclass(frozen=True, slots=True)
class MapsOutcome:
    """hours until the last map; lost: share of the computed time that was computed again; busy: of the GPUs, on average."""

    hours: float
    lost: float
    busy: float
    gpu_hours: float


def simulate_maps(plan: MapsPlan, gpus: int, seed: int = 1) -> MapsOutcome:
    """Chunks on so many workers, event by event."""
    rng = random.Random(seed)
    free = [(0.0, worker) for worker in range(gpus)]
    dies = [_next_death(plan, rng, 0.0) for _ in range(gpus)]
    chunks = math.ceil(plan.images / plan.chunk)
    ready = [0.0] * chunks  # when a chunk may be taken: at once, or when a dead worker's lease has run out
    heapq.heapify(ready)
    left, end, worked, again = plan.images, 0.0, 0.0, 0.0
    sizes = [plan.chunk] * (chunks - 1) + [plan.images - plan.chunk * (chunks - 1)]
    while ready:
        at, worker = heapq.heappop(free)
        at = max(at, heapq.heappop(ready))
        size = sizes.pop()
        slow = plan.straggler_times if rng.random() < plan.straggler_share else 1.0
        takes = size * plan.seconds_per_image * slow
        if dies[worker] < at + takes:
            died = max(dies[worker], at)
            again += died - at
            sizes.append(size)
            heapq.heappush(ready, died + LEASE_S + SWEEP_S)
            heapq.heappush(free, (died + plan.restart_s, worker))
            dies[worker] = _next_death(plan, rng, died + plan.restart_s)
            continue
        worked, left, end = worked + takes, left - size, max(end, at + takes)
        heapq.heappush(free, (at + takes, worker))
    assert left == 0
    return MapsOutcome(end / 3600, again / (worked + again), worked / (gpus * end), gpus * end / 3600)


def _next_death(plan: MapsPlan, rng: random.Random, after: float) -> float:
    if math.isinf(plan.hours_between_deaths):
        return math.inf
    return after + rng.expovariate(1 / (3600 * plan.hours_between_deaths))


@dataclass(frozen=True, slots=True)
class DayPlan:
    """Constants of the participants' part. page_ms: CPU of a page and its answer, database included."""

    participants: int = 100_000
    pages: int = 30
    think_s: float = 5.0
    page_ms: float = 9.0
    bytes_per_answer: float = 3_000.0


@dataclass(frozen=True, slots=True)
class DayOutcome:
    """Of the pages: how long they take; at once: most participants at a time; busy: of the cores in the fullest hour."""

    p50_ms: float
    p99_ms: float
    at_once: int
    busy: float


def simulate_day(plan: DayPlan, cores: int, seed: int = 1, share: int = 1) -> DayOutcome:
    """Every page of a day in turn. share: simulate one of so many participants, each page being so many times as long."""
    rng = random.Random(seed)
    arrivals = sorted(_arrival(rng) for _ in range(plan.participants // share))
    events = [(at, 0) for at in arrivals]  # when a page is asked for, and how many its participant has had
    heapq.heapify(events)
    free = [0.0] * cores
    took: list[float] = []
    by_hour = [0.0] * 25
    leaving: list[float] = []
    at_once = here = 0
    while events:
        at, had = heapq.heappop(events)
        if had == 0:
            here += 1
            while leaving and leaving[0] <= at:
                heapq.heappop(leaving)
                here -= 1
            at_once = max(at_once, here)
        work = rng.expovariate(1.0) * plan.page_ms / 1000 * share
        begins = max(at, heapq.heappop(free))
        heapq.heappush(free, begins + work)
        took.append((begins - at + work) / share)
        by_hour[min(int(begins // 3600), 24)] += work
        if had + 1 < plan.pages:
            heapq.heappush(events, (begins + work + rng.expovariate(1 / plan.think_s), had + 1))
        else:
            heapq.heappush(leaving, begins + work)
    took.sort()
    quantile = [1000 * took[int(q * (len(took) - 1))] for q in (0.5, 0.99)]
    return DayOutcome(quantile[0], quantile[1], at_once * share, max(by_hour) / (3600 * cores))


def _arrival(rng: random.Random) -> float:
    return 3600 * (rng.choices(range(24), HOURS)[0] + rng.random())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    maps, day = MapsPlan(), DayPlan()
    parser.add_argument("--images", type=int, default=maps.images)
    parser.add_argument(
        "--seconds-per-image", type=float, default=maps.seconds_per_image, help="of one GPU, all maps"
    )
    parser.add_argument(
        "--database-ms", type=float, default=maps.database_ms, help="CPU of PostgreSQL per image"
    )
    parser.add_argument("--gpus", type=int, nargs="+", default=[1, 8, 32, 128])
    parser.add_argument("--gpu-hour", type=float, default=2.0, help="its price, in any currency")
    parser.add_argument("--participants", type=int, default=day.participants)
    parser.add_argument("--page-ms", type=float, default=day.page_ms)
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2, 4, 8])
    given = parser.parse_args(arguments)
    plan = MapsPlan(given.images, seconds_per_image=given.seconds_per_image, database_ms=given.database_ms)
    size = plan.images * plan.maps * plan.bytes_per_map / 1e12
    print(
        f"{plan.images} images × {plan.maps} maps, {plan.seconds_per_image} s an image on one GPU; {size:.1f} TB of files"
    )
    print(f"{'GPUs':>6}{'hours':>9}{'busy':>7}{'again':>8}{'GPU hours':>11}{'cost':>9}{'database cores':>16}")
    for gpus in given.gpus:
        found = simulate_maps(plan, gpus)
        cores = plan.images / (3600 * found.hours) * plan.database_ms / 1000
        print(
            f"{gpus:6}{found.hours:9.1f}{100 * found.busy:6.0f}%{100 * found.lost:7.2f}%{found.gpu_hours:11.0f}"
            f"{given.gpu_hour * found.gpu_hours:9.0f}{cores:16.2f}"
        )
    people = DayPlan(given.participants, page_ms=given.page_ms)
    answers = people.participants * people.pages
    print(
        f"\n{people.participants} participants in a day, {people.pages} pages each, {people.page_ms} ms of CPU a page"
    )
    print(
        f"{answers / 1e6:.1f} million answers, about {answers * people.bytes_per_answer / 1e9:.0f} GB in the database"
    )
    print(f"{'cores':>6}{'p50 ms':>9}{'p99 ms':>9}{'at once':>9}{'busy in the fullest hour':>26}")
    for cores in given.cores:
        found_day = simulate_day(people, cores, share=max(people.participants // 20_000, 1))
        print(
            f"{cores:6}{found_day.p50_ms:9.0f}{found_day.p99_ms:9.0f}{found_day.at_once:9}{100 * found_day.busy:25.0f}%"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
