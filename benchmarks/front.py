"""Pages per second with and without the front server, in turn in one run: what nginx (`deploy/`) costs, or saves.

python -m benchmarks front                                   SQLite
DATABASE_URL=postgres://… python -m benchmarks front         PostgreSQL

Four ways, all on one database: the site alone over WSGI, which half-sent forms stop; alone over granian's interface, which
stands; and each behind nginx. In each round each way serves as many participants, in an order that turns. A ratio is the
median over the rounds of the ratio within a round, since other programs slow one round more than another. Status 1 where the
documented way, nginx before granian's interface, keeps less than 95 % of the same processes without nginx, or where
anything went wrong.
"""

import argparse
import os
import statistics
import sys
from contextlib import ExitStack

from benchmarks.load_client import run
from benchmarks.load_site import STUDY, Spent, prepared, serving
from tests.front_server import nginx

KEEPS = 0.95
WAYS = ("wsgi alone", "rsgi alone", "nginx + wsgi", "nginx + rsgi")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--participants", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2, help="processes of the site")
    parser.add_argument("--threads", type=int, default=4, help="threads of each")
    options = parser.parse_args()
    speeds: dict[str, list[float]] = {way: [] for way in WAYS}
    cpu: dict[str, list[float]] = {way: [] for way in WAYS}
    errors = 0
    with ExitStack() as stack:
        data = stack.enter_context(prepared())
        places: dict[str, tuple[str, list[int]]] = {}
        for interface in ("wsgi", "rsgi"):
            port, site = stack.enter_context(serving(options.workers, options.threads, interface))
            front, before = stack.enter_context(nginx(port, data))
            places[f"{interface} alone"] = f"http://127.0.0.1:{port}", [site]
            places[f"nginx + {interface}"] = f"http://127.0.0.1:{front}", [site, before]
        for url, _ in places.values():
            run(url, STUDY, 2 * options.workers, "", 0)  # caches are filled before the clock starts
        for number in range(options.rounds):
            for way in WAYS[number % len(WAYS) :] + WAYS[: number % len(WAYS)]:
                url, parents = places[way]
                earlier = Spent.now(*parents)
                logs, seconds = run(url, STUDY, options.participants, "", 0)
                later = Spent.now(*parents)
                pages = sum(log.pages for log in logs)
                errors += sum(len(log.errors) for log in logs)
                speeds[way].append(pages / seconds)
                if later.server is not None and earlier.server is not None:
                    cpu[way].append(1000 * (later.server - earlier.server) / pages)
    return told(speeds, cpu, errors)


def told(speeds: dict[str, list[float]], cpu: dict[str, list[float]], errors: int) -> int:
    """Prints the figures; returns the status."""
    print(f"load of the machine, this run included: {os.getloadavg()[1]:.1f}")
    print(f"{'':14}{'pages/s':>9}{'range':>12}{'to wsgi':>10}{'to rsgi':>10}{'CPU ms/page':>14}")
    for way in WAYS:
        found, spent = speeds[way], cpu[way]
        span = f"{min(found):.0f}-{max(found):.0f}"
        own = f"{statistics.median(spent):.1f}" if spent else "?"
        to_wsgi, to_rsgi = (ratio(found, speeds[other]) for other in WAYS[:2])
        print(f"{way:14}{statistics.median(found):9.0f}{span:>12}{to_wsgi:10.2f}{to_rsgi:10.2f}{own:>14}")
    kept = ratio(speeds["nginx + rsgi"], speeds["rsgi alone"])
    print(f"errors: {errors}; the documented way keeps {100 * kept:.0f} % of the pages per second")
    return int(errors > 0 or kept < KEEPS)


def ratio(ours: list[float], theirs: list[float]) -> float:
    return statistics.median(own / other for own, other in zip(ours, theirs, strict=True))


if __name__ == "__main__":
    sys.exit(main())
