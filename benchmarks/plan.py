"""A plan past this machine, by simulation with measured constants: maps on many workers, people of a day, and the cost.

python -m benchmarks plan                                    both plans, with the constants below
python -m benchmarks plan --worker gpu --seconds-per-image 0.02 --workers 1 8 32     GPUs, whose speed `benchmarks gpu` says
python -m benchmarks plan --participants 100000 --page-ms 9 --cores 4 8 16 --price-per-hour 2.5 0.04

Every constant is an option; where its default was measured stands beside it. Maps: workers take chunks from one queue;
some chunks are stragglers, and workers die at random: what they held is done again once its lease has run out. Participants
arrive by a day's curve, think between pages, and share the cores of the site. The seeds are fixed: a run prints what the
run before printed, as tables for docs/operations.md.
"""

import argparse
import heapq
import math
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LEASE_S, SWEEP_S = 120.0, 10.0
HOURS = (1, 1, 1, 1, 1, 1, 2, 3, 5, 6, 7, 7, 7, 7, 7, 6, 6, 6, 7, 7, 6, 5, 3, 2)
"""Arrivals of each hour of the day, in relation to one another."""


@dataclass(frozen=True, slots=True)
class MapsPlan:
    """Constants of the maps' part: seconds, shares and bytes. A worker is a machine of some cores, or a GPU.

    Sources: docs/methods.md, “Speed and agreement with other libraries” (seconds_per_image: MobileNetV2, full set, two
    cores); docs/operations.md, “Many workers” (database_ms), “Millions of rows” (row_bytes), “Sizing” (image_bytes; of
    map_bytes array, picture, picture as it is served). Lease, sweep and chunk are the program's own. Assumed, not
    measured: stragglers and deaths, as of machines that a provider takes back.
    """

    images: int = 1_000_000
    maps: int = 18
    chunk: int = 16  # on a CPU; 64 on a GPU
    seconds_per_image: float = 0.265
    cores_per_worker: int = 2
    straggler_share: float = 0.02
    straggler_times: float = 5.0
    hours_between_deaths: float = 48.0
    restart_s: float = 90.0
    database_ms: float = 14.0
    image_bytes: float = 274_000.0
    map_bytes: float = 367_000.0
    row_bytes: float = 2_153.0


@dataclass(frozen=True, slots=True)
class MapsOutcome:
    """hours until the last map; lost: share of the time that was computed again; busy: of the workers, in all."""

    hours: float
    lost: float
    busy: float
    worker_hours: float


def simulate_maps(plan: MapsPlan, workers: int, seed: int = 1) -> MapsOutcome:
    """Chunks on so many workers, event by event."""
    rng = random.Random(seed)
    free = [(0.0, worker) for worker in range(workers)]
    dies = [_next_death(plan, rng, 0.0) for _ in range(workers)]
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
    return MapsOutcome(end / 3600, again / (worked + again), worked / (workers * end), workers * end / 3600)


def _next_death(plan: MapsPlan, rng: random.Random, after: float) -> float:
    if math.isinf(plan.hours_between_deaths):
        return math.inf
    return after + rng.expovariate(1 / (3600 * plan.hours_between_deaths))


@dataclass(frozen=True, slots=True)
class DayPlan:
    """Constants of the participants' part. page_ms: CPU of a page and its answer, database included.

    Sources: docs/operations.md, “How far it goes” (page_ms: site and nginx 6.9, PostgreSQL 2.2, of 200 participants with
    scripts), “A long run” (bytes_per_answer: 1.2 GB of 1,000,109). Assumed: pages, and the time to think.
    """

    participants: int = 100_000
    pages: int = 30
    think_s: float = 5.0
    page_ms: float = 9.1
    bytes_per_answer: float = 1_200.0


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


@dataclass(frozen=True, slots=True)
class Prices:
    """Of an hour, in any currency: of a GPU with what it stands in, and of a core of another machine. None is measured."""

    gpu: float = 2.0
    core: float = 0.05


def maps_table(plan: MapsPlan, workers: Sequence[int], prices: Prices, gpu: bool) -> Iterator[str]:
    """Lines of a table: how long so many workers take, and what they and the database's cores cost meanwhile."""
    an_hour = prices.gpu if gpu else prices.core * plan.cores_per_worker
    yield "| workers | hours | busy | computed again | worker hours | cores of the database | cost |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for count in workers:
        found = simulate_maps(plan, count)
        cores = plan.images / (3600 * found.hours) * plan.database_ms / 1000
        cost = an_hour * found.worker_hours + prices.core * cores * found.hours
        yield (
            f"| {count} | {found.hours:.1f} | {100 * found.busy:.0f} % | {100 * found.lost:.2f} % | "
            f"{found.worker_hours:.0f} | {cores:.2f} | {cost:.2f} |"
        )


def day_table(plan: DayPlan, cores: Sequence[int], prices: Prices) -> Iterator[str]:
    """Lines of a table: how long pages take on so many cores, and what these cost for the day."""
    yield "| cores | p50 ms | p99 ms | at most at a time | busy in the fullest hour | cost |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for count in cores:
        found = simulate_day(plan, count, share=max(plan.participants // 20_000, 1))
        yield (
            f"| {count} | {found.p50_ms:.0f} | {found.p99_ms:.0f} | {found.at_once} | {100 * found.busy:.0f} % | "
            f"{24 * count * prices.core:.2f} |"
        )


def even(plan: MapsPlan, prices: Prices) -> float:
    """Seconds an image, at which a GPU costs what the cores of a worker cost for the same."""
    return plan.seconds_per_image * plan.cores_per_worker * prices.core / prices.gpu


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    maps, day, prices = MapsPlan(), DayPlan(), Prices()
    parser.add_argument("--worker", choices=("cpu", "gpu"), default="cpu", help="what computes maps")
    parser.add_argument("--images", type=int, default=maps.images)
    parser.add_argument("--seconds-per-image", type=float, help="of one worker, all maps")
    parser.add_argument("--chunk", type=int, help="images that a worker takes at a time")
    parser.add_argument("--cores-per-worker", type=int, default=maps.cores_per_worker)
    parser.add_argument(
        "--database-ms", type=float, default=maps.database_ms, help="CPU of PostgreSQL per image"
    )
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 8, 32, 128])
    parser.add_argument("--participants", type=int, default=day.participants)
    parser.add_argument("--page-ms", type=float, default=day.page_ms)
    parser.add_argument("--bytes-per-answer", type=float, default=day.bytes_per_answer)
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument(
        "--price-per-hour",
        type=float,
        nargs=2,
        default=(prices.gpu, prices.core),
        metavar=("GPU", "CORE"),
        help="of a GPU and of a core, in any currency",
    )
    given = parser.parse_args(arguments)
    if given.worker == "gpu" and given.seconds_per_image is None:
        parser.error("how fast a GPU is, `python -m benchmarks gpu` says there: give --seconds-per-image")
    given.seconds_per_image = given.seconds_per_image or maps.seconds_per_image
    given.chunk = given.chunk or (64 if given.worker == "gpu" else maps.chunk)
    return given


def main(arguments: Sequence[str] | None = None) -> int:
    given = options(arguments)
    prices, gpu = Prices(*given.price_per_hour), given.worker == "gpu"
    plan = MapsPlan(
        given.images,
        chunk=given.chunk,
        seconds_per_image=given.seconds_per_image,
        cores_per_worker=given.cores_per_worker,
        database_ms=given.database_ms,
    )
    maps = plan.images * plan.maps
    worker = "a GPU" if gpu else f"{plan.cores_per_worker} cores"
    print(f"{plan.images} images × {plan.maps} maps, {plan.seconds_per_image} s an image on {worker}:\n")
    print("\n".join(maps_table(plan, given.workers, prices, gpu)))
    print(
        f"\n{(plan.images * plan.image_bytes + maps * plan.map_bytes) / 1e12:.1f} TB of files, "
        f"{maps * plan.row_bytes / 1e9:.0f} GB of rows; an hour of a core costs {prices.core:.2f}, "
        f"of a GPU {prices.gpu:.2f}."
    )
    if not gpu:
        print(f"A GPU costs less where it takes less than {1000 * even(plan, prices):.1f} ms an image.")
    people = DayPlan(given.participants, page_ms=given.page_ms, bytes_per_answer=given.bytes_per_answer)
    answers = people.participants * people.pages
    print(
        f"\n{people.participants} participants in a day, {people.pages} pages each, {people.page_ms} ms of CPU a page:\n"
    )
    print("\n".join(day_table(people, given.cores, prices)))
    print(f"\n{answers / 1e6:.1f} million answers, {answers * people.bytes_per_answer / 1e9:.1f} GB of rows.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
