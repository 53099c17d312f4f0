"""Plays N participants at once through the real pages, and checks afterwards that no answer was lost or doubled.

python benchmarks/load.py                                    a private server on SQLite, 200 participants
DATABASE_URL=postgres://… python benchmarks/load.py          the same on PostgreSQL (an empty database)
python benchmarks/load.py --url http://host --study demo     a running site; bots, counted apart

One page is a GET and the POST that answers it, as oTree counts. Without think time every participant sends
as fast as the site answers. The check reads the database of this environment; against a foreign site it is
left out and said so.
"""

import argparse
import contextlib
import http.client
import os
import re
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
OFFERED = re.compile(r'<input type="radio" name="(choice|rating)" value="([^"]+)"')


@dataclass
class Log:
    """What one participant measured and answered; `answers` maps a trial's position to what was sent."""

    token: str = ""
    posts_s: list[float] = field(default_factory=list)
    gets_s: list[float] = field(default_factory=list)
    answers: dict[int, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    finished: bool = False


class Visitor:
    """A browser without eyes over one kept-alive connection."""

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.netloc, timeout=120)
        self._origin, self._cookie = f"{parts.scheme}://{parts.netloc}", ""

    def send(self, path: str, fields: dict[str, str] | None = None) -> tuple[int, str, str]:
        """(status, location, body)."""
        headers = {"Cookie": self._cookie, "Referer": self._origin + path}
        body = None
        if fields is not None:
            body = urllib.parse.urlencode(fields)
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": self._origin}
        self._connection.request("GET" if body is None else "POST", path, body, headers)
        response = self._connection.getresponse()
        text = response.read().decode()
        if cookie := response.getheader("Set-Cookie"):
            self._cookie = cookie.partition(";")[0]
        return response.status, response.getheader("Location") or "", text


def play(url: str, study: str, log: Log, query: str, think_s: float) -> None:
    """One participant from start to end; errors are noted, never raised."""
    try:
        visitor = Visitor(url)
        start = f"/s/{study}/{query}"
        _, _, page = visitor.send(start)
        status, address, text = visitor.send(start, dict(HIDDEN.findall(page)) | {"consent": "yes"})
        if status != 303:
            log.errors.append(f"start answered {status}: {text[:200]}")
            return
        log.token = address.strip("/").split("/")[-1]
        _run(visitor, address, log, think_s)
    except (OSError, http.client.HTTPException) as error:
        log.errors.append(f"{type(error).__name__}: {error}")


def _run(visitor: Visitor, address: str, log: Log, think_s: float) -> None:
    while True:
        began = time.perf_counter()
        status, _, page = visitor.send(address)
        log.gets_s.append(time.perf_counter() - began)
        fields = dict(HIDDEN.findall(page))
        if status != 200:
            log.errors.append(f"page answered {status}")
            return
        if "trial" not in fields and "page" not in fields:
            log.finished = True
            return
        offered = OFFERED.findall(page)
        if offered:
            position = int(fields["trial"].partition("-")[0])
            name, value = offered[(position * 7 + len(log.token)) % len(offered)]
            fields[name] = log.answers[position] = value
        time.sleep(think_s)
        began = time.perf_counter()
        status, _, text = visitor.send(address, fields)
        if offered:
            log.posts_s.append(time.perf_counter() - began)
        if status != 303:
            log.errors.append(f"answer got {status}: {text[:200]}")
            return


def run(url: str, study: str, participants: int, query: str, think_s: float) -> tuple[list[Log], float]:
    """All participants at once, one thread each; returns their logs and the seconds it took."""
    logs = [Log() for _ in range(participants)]
    threads = [threading.Thread(target=play, args=(url, study, log, query, think_s)) for log in logs]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return logs, time.perf_counter() - began


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


def _as_sent(row: object) -> str:
    if row.rating is not None:  # type: ignore[attr-defined]
        return str(row.rating)  # type: ignore[attr-defined]
    if row.cant_tell:  # type: ignore[attr-defined]
        return "cant_tell"
    return str(row.trial.pool.index(row.choice_id))  # type: ignore[attr-defined]


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else float("nan")


def report(logs: list[Log], seconds: float) -> int:
    """Prints the figures; returns the number of errors."""
    posts = [value for log in logs for value in log.posts_s]
    gets = [value for log in logs for value in log.gets_s]
    errors = Counter(error for log in logs for error in log.errors)
    pages = min(len(gets), sum(len(log.gets_s) - 1 for log in logs))
    print(
        f"{len(logs)} participants, {sum(log.finished for log in logs)} finished, {len(posts)} answers, {seconds:.1f} s"
    )
    print(f"{pages / seconds:.0f} pages/s (GET + POST)")
    p50, p99 = quantile(posts, 0.5), quantile(posts, 0.99)
    print(f"answer POST p50 {1000 * p50:.0f} ms, p99 {1000 * p99:.0f} ms, p99/p50 {p99 / p50:.1f}")
    print(f"page GET p50 {1000 * quantile(gets, 0.5):.0f} ms, p99 {1000 * quantile(gets, 0.99):.0f} ms")
    print(
        f"errors: {sum(errors.values())}"
        + "".join(f"\n  {count} × {text}" for text, count in errors.most_common(5))
    )
    return sum(errors.values())


@contextlib.contextmanager
def own_server(workers: int, threads: int) -> Iterator[str]:
    """A private site with a live study of 24 images, on DATABASE_URL or SQLite in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="survey-load-") as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        os.environ["DATA_DIR"] = folder
        _prepare()
        command = [
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--no-ws"),
            *("--port", str(port), "--workers", str(workers), "--blocking-threads", str(threads)),
            *("--backlog", "2048", "--log-level", "warning", "survey_site.wsgi:application"),
        ]
        server = subprocess.Popen(command, cwd=ROOT)
        try:
            _wait(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(20)


def _prepare() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "survey_site.settings")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    from tests import factories

    factories.live(
        "load", images=24, pool_size=4, rating_trials_per_column=4, matching_trials_per_column=2, reserve=6
    )


def _wait(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise SystemExit("the server did not start")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", default="", help="a running site; empty: a private one is started")
    parser.add_argument("--study", default="demo", help="slug, with --url")
    parser.add_argument("--participants", type=int, default=200)
    parser.add_argument("--think-ms", type=float, default=0.0)
    parser.add_argument("--workers", type=int, default=2, help="server processes of the private site")
    parser.add_argument("--threads", type=int, default=4, help="threads of each")
    options = parser.parse_args()
    if options.url:
        logs, seconds = run(
            options.url, options.study, options.participants, "?bot=1", options.think_ms / 1000
        )
        failures = report(logs, seconds)
        print("answers were not compared with a database: the site is not ours")
        return int(failures > 0)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with own_server(options.workers, options.threads) as url:
        from django.db import connection

        print(f"database: {connection.vendor}, {options.workers} workers × {options.threads} threads")
        run(url, "load", 2, "", 0)  # caches are filled before the clock starts
        logs, seconds = run(url, "load", options.participants, "", options.think_ms / 1000)
        failures = report(logs, seconds)
        problems = lost_or_doubled(logs)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    pages = sum(len(log.gets_s) for log in logs)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # Wall-clock figures depend on what else runs; this one does not (the start of the server is in it).
    print(f"server CPU {1000 * spent / pages:.1f} ms per page, without the database's own processes")
    print("nothing lost, nothing doubled" if not problems else "\n".join(problems[:20]))
    return int(failures > 0 or bool(problems))


if __name__ == "__main__":
    sys.exit(main())
