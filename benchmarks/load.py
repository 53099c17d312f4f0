"""Plays N participants at once through the real pages, and checks afterwards that no answer was lost or doubled.

python benchmarks/load.py                                    a private server on SQLite, 200 participants
DATABASE_URL=postgres://… python benchmarks/load.py          the same on PostgreSQL
python benchmarks/load.py --url http://host --study demo --bot-token "$(manage.py simulate demo --print-token)"
                                                             a running site; bots, counted apart

One page is a GET and the POST that answers it, as oTree counts; with --scripts it is what a browser with scripts asks for
in their place: one POST, whose acknowledgement brings the next trial. Without think time every participant sends as fast as
the site answers. The check reads the database of this environment; against a foreign site it is
left out and said so.
"""

import argparse
import os
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOOK_S = 8  # at a page, as docs/operations.md plans
sys.path.insert(0, str(ROOT))

from benchmarks.load_client import Log, run  # noqa: E402
from benchmarks.load_site import STUDY, Spent, prepared, serving  # noqa: E402
from survey_site.tasks.matching.answers import CANT_TELL  # noqa: E402
from tests.front_server import nginx  # noqa: E402


def lost_or_doubled(logs: list[Log]) -> list[str]:
    """Compares what was acknowledged with what the database holds, answer by answer."""
    from survey_site.trials.models import Participant, Response

    problems = []
    for log in logs:
        participant = Participant.objects.filter(token=log.token).first()
        if participant is None:
            problems.append(f"participant {log.token[:6]} is missing")
            continue
        rows = Response.objects.filter(trial__participant=participant).select_related("trial")
        stored = Counter(row.trial.position for row in rows)
        if doubled := [position for position, count in stored.items() if count > 1]:
            problems.append(f"{participant.code}: doubled {doubled}")
        for row in rows:
            if _as_sent(row) != log.answers.get(row.trial.position):
                problems.append(f"{participant.code}/{row.trial.position}: other answer stored than sent")
        if lost := set(log.answers) - set(stored):
            problems.append(f"{participant.code}: lost {sorted(lost)}")
    return problems


def _as_sent(row: Any) -> str:
    """The value that a form must have sent to be stored like this."""
    from survey_site.stimuli.models import Stimulus

    if "rating" in row.answer:
        return str(row.answer["rating"])
    if row.declined:
        return CANT_TELL
    keys = Stimulus.objects.in_bulk(row.trial.pool)
    return str([keys[pk].key for pk in row.trial.pool].index(row.answer["choice"]))


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else float("nan")


def report(logs: list[Log], seconds: float) -> int:
    """Prints the figures; returns the number of errors."""
    posts = [value for log in logs for value in log.posts_s]
    gets = [value for log in logs for value in log.gets_s]
    errors = Counter(error for log in logs for error in log.errors)
    pages = sum(log.pages for log in logs)
    print(
        f"{len(logs)} participants, {sum(log.finished for log in logs)} finished, {len(posts)} answers, {seconds:.1f} s"
    )
    print(f"{pages / seconds:.0f} pages/s ({(len(gets) + pages) / max(pages, 1):.1f} requests each)")
    p50, p99 = quantile(posts, 0.5), quantile(posts, 0.99)
    print(f"answer POST p50 {1000 * p50:.0f} ms, p99 {1000 * p99:.0f} ms, p99/p50 {p99 / p50:.1f}")
    print(f"page GET p50 {1000 * quantile(gets, 0.5):.0f} ms, p99 {1000 * quantile(gets, 0.99):.0f} ms")
    print(
        f"errors: {sum(errors.values())}"
        + "".join(f"\n  {count} × {text}" for text, count in errors.most_common(5))
    )
    return sum(errors.values())


def report_cpu(before: Spent, after: Spent, pages: int) -> None:
    """Wall-clock figures depend on what else runs; these hardly do."""
    spent_ms = {}
    for who in ("server", "client", "database"):
        earlier, later = getattr(before, who), getattr(after, who)
        if earlier is not None and later is not None:
            spent_ms[who] = 1000 * (later - earlier) / pages
    print("CPU per page:" + "".join(f"  {who} {value:.1f} ms" for who, value in spent_ms.items()))
    if "server" in spent_ms:
        a_core = 1000 * LOOK_S / (spent_ms["server"] + spent_ms.get("database", 0))
        print(f"a core of the site serves {a_core:.0f} participants at once who look {LOOK_S} s at a page")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", default="", help="a running site; empty: a private one is started")
    parser.add_argument("--study", default="demo", help="slug, with --url")
    parser.add_argument(
        "--bot-token", default="", help="with --url: what `simulate --print-token` says there"
    )
    parser.add_argument(
        "--participants", type=int, nargs="+", default=[200], help="at once; several: in turn"
    )
    parser.add_argument("--think-ms", type=float, default=0.0)
    parser.add_argument(
        "--scripts", action="store_true", help="participants whose browsers run the page's script"
    )
    parser.add_argument("--workers", type=int, default=2, help="server processes of the private site")
    parser.add_argument("--threads", type=int, default=4, help="threads of each")
    parser.add_argument("--interface", choices=["rsgi", "wsgi"], default="rsgi", help="of the private site")
    parser.add_argument("--front", action="store_true", help="the private site behind nginx, as on a server")
    options = parser.parse_args()
    if options.url:
        if not options.bot_token:
            parser.error("--url needs --bot-token: on that machine, `manage.py simulate STUDY --print-token`")
        failures = 0
        for number in options.participants:
            bots = f"?bot={options.bot_token}"
            played = run(
                options.url, options.study, number, bots, options.think_ms / 1000, scripts=options.scripts
            )
            failures += report(*played)
        print("answers were not compared with a database: the site is not ours")
        return int(failures > 0)
    return private(options)


def private(options: argparse.Namespace) -> int:
    """Plays on a site of our own; returns the status."""
    wrong = 0
    with ExitStack() as stack:
        data = stack.enter_context(prepared())
        port, server = stack.enter_context(serving(options.workers, options.threads, options.interface))
        parents = [server]
        if options.front:
            port, front = stack.enter_context(nginx(port, data))
            parents.append(front)
        url = f"http://127.0.0.1:{port}"
        from django.db import connection

        where = f"{connection.vendor}, {options.interface}{', nginx' if options.front else ''}"
        print(f"database: {where}, {options.workers} workers × {options.threads} threads")
        run(url, STUDY, 2 * options.workers, "", 0)  # caches are filled before the clock starts
        for number in options.participants:
            before = Spent.now(*parents)
            logs, seconds = run(url, STUDY, number, "", options.think_ms / 1000, scripts=options.scripts)
            after = Spent.now(*parents)
            wrong += report(logs, seconds)
            report_cpu(before, after, sum(log.pages for log in logs))
            problems = lost_or_doubled(logs)
            print("nothing lost, nothing doubled" if not problems else "\n".join(problems[:20]))
            print(f"load of the machine, this run included: {os.getloadavg()[0]:.1f}", flush=True)
            wrong += len(problems)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
