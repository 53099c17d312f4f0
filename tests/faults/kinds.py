"""The kinds of fault, each with what an operator or a supervisor does about it."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.faults.bench import Bench, NotRun, Reported
from tests.faults.cutting_proxy import Cut, CuttingProxy
from tests.faults.round import Fault
from tests.faults.twice import Twice
from tests.stack import programs
from tests.stack.part import Part
from tests.stack.waiting import Late, until

DOWN_S = 2.0  # how long a killed program is away, as a supervisor waits before it starts one again
FULL_S = 15.0
FORMS_CUT = 25
MESSAGES = 4
STARTS_WITHOUT = 4
REPORT_WITHIN_S = 200
FAKETIME = (
    "lib/*/faketime/libfaketimeMT.so.1",
    "lib/faketime/libfaketimeMT.so.1",
    "lib64/faketime/libfaketimeMT.so.1",
)


def killed(part: Part) -> None:
    """SIGKILL, and started again after a while."""
    part.kill()
    threading.Event().wait(DOWN_S)
    part.start()


def _web(bench: Bench) -> None:
    killed(bench.stack.webs[0])


def _one_web_process(bench: Bench) -> None:
    """The others end with it, so that a supervisor sees it."""
    web = bench.stack.webs[0]
    web.kill_one_child()
    until(lambda: not web.is_running(), "the web server ends when one of its processes was killed", 60)
    web.kill()
    web.start()


def _worker(bench: Bench) -> None:
    bench.until_mid_batch()
    killed(bench.stack.worker)


def _reports(bench: Bench) -> None:
    """Killed while it computes; the page asks again, and gets what an undisturbed worker found."""
    reported = Reported(bench.reported_study())
    undisturbed = reported.until_found(REPORT_WITHIN_S)
    reported.forget()
    reported.ask()
    until(reported.is_under_way, "the reports worker computes", REPORT_WITHIN_S)
    killed(bench.stack.reports)
    if reported.until_found(REPORT_WITHIN_S) != undisturbed:
        raise Late("the report after the fault is another one than before")


def _redis(bench: Bench) -> None:
    """Away for so long that people begin without it: limits are counted there, and nothing else that they need."""
    bench.stack.redis.kill()
    _until_some_began(bench)
    bench.stack.redis.start()


def _silent_redis(bench: Bench) -> None:
    with bench.stack.redis.silent():
        _until_some_began(bench)


def _until_some_began(bench: Bench) -> None:
    begun = bench.crowd.notes.begun
    wanted = len(begun) + STARTS_WITHOUT
    until(lambda: len(begun) >= wanted, "people begin without Redis", 120)


def _postgres(bench: Bench) -> None:
    killed(bench.stack.database)


def _silent_postgres(bench: Bench) -> None:
    """So long that those who wait give up; what it had received it carries out afterwards, unseen by who sent it."""
    before = bench.crowd.trouble.total()
    with bench.stack.database.silent():
        until(lambda: bench.crowd.trouble.total() > before + 5, "a silent database is noticed", 120)


def _database_s_disk(bench: Bench) -> None:
    """Filled until answers are refused, then freed; a server that gave up is started again."""
    disk = bench.disks.get("postgres")
    if disk is None:
        raise NotRun("needs root, which may mount a small disk")
    before = bench.crowd.trouble.total()
    disk.fill()
    try:
        until(lambda: bench.crowd.trouble.total() > before + 5, "a full disk is noticed", 120)
        threading.Event().wait(FULL_S)
    finally:
        disk.free()
    if not bench.stack.database.is_running():
        bench.stack.database.start()


@contextmanager
def _disk_or_failing_storage(bench: Bench) -> Iterator[str]:
    """Without a disk that may be filled, a worker whose storage fails as a full one does."""
    worker = bench.stack.worker
    usual, full = worker.command, bench.stack.folder / "full"
    if "media" not in bench.disks:
        worker.stop()
        worker.command = [sys.executable, "-m", "tests.faults.full_storage"]
        worker.start(FULL_WHILE=str(full))
    try:
        yield bench.stack.url
    finally:
        if worker.command != usual:
            worker.stop()
            worker.command = usual
            worker.start()


def _media_s_disk(bench: Bench) -> None:
    disk, full = bench.disks.get("media"), bench.stack.folder / "full"
    disk.fill() if disk else full.touch()
    try:
        bench.until_a_job_was_put_back()
    finally:
        disk.free() if disk else full.unlink()


def _storage_cut(bench: Bench) -> None:
    """The folder is empty, as a network folder that is not mounted, and comes back as it was."""
    with bench.storage_away():
        bench.until_a_job_was_put_back()


@contextmanager
def _through_cutting_proxy(bench: Bench, cut: Cut) -> Iterator[str]:
    with CuttingProxy(bench.stack.url, cut) as proxy:
        bench.proxy = proxy
        yield proxy.url


def _until_cut_often(bench: Bench) -> None:
    assert bench.proxy
    forms = bench.proxy.forms
    until(lambda: forms["cut"] >= FORMS_CUT, "connections are cut", 120)


@contextmanager
def _everything_twice(bench: Bench) -> Iterator[str]:
    """With a second worker, so that both deliveries are worked on at once."""
    second = bench.stack.celery("worker-2", programs.WORKER)
    second.start()
    try:
        with Twice(bench.stack.redis_url(programs.SUITE, 0)) as twice:
            bench.twice = twice
            yield bench.stack.url
    finally:
        second.stop()


def _until_repeated(bench: Bench) -> None:
    reported = Reported(bench.reported_study())
    reported.forget()  # another fault may have had it made
    reported.until_found(REPORT_WITHIN_S)
    bench.until_maps_are_there(bench.draft)
    assert bench.twice
    if bench.twice.repeated < MESSAGES:
        raise Late(f"only {bench.twice.repeated} messages were delivered twice")


def _library() -> Path:
    found = (path for pattern in FAKETIME for path in sorted(Path("/usr").glob(pattern)))
    if library := next(found, None):
        return library
    raise NotRun("libfaketime is not here; install faketime (Debian's name)")


@contextmanager
def _other_clock(bench: Bench) -> Iterator[str]:
    """Web and worker see a clock that can be put forward and back while they run."""
    clock = bench.stack.folder / "clock"
    clock.write_text("+0")
    variables = {
        "LD_PRELOAD": str(_library()),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # which no jump of a real clock moves either
    }
    parts = [bench.stack.webs[0], bench.stack.worker]
    for part in parts:
        part.stop()
        part.start(**variables)
    try:
        yield bench.stack.url
    finally:
        for part in parts:
            part.stop()
            part.start()


def _jump(bench: Bench, by: str) -> None:
    """The clock jumps, stays there for a while, and jumps back."""
    clock = bench.stack.folder / "clock"
    for offset in (by, "+0"):
        clock.write_text(offset)
        bench.until_more_answers(100, 120)


def _cut(cut: Cut) -> Fault:
    return Fault(
        f"network cut {cut.value}", _until_cut_often, partial(_through_cutting_proxy, cut=cut), maps=False
    )


FAULTS = (
    Fault("kill -9 web", _web),
    Fault("kill -9 one of two web processes", _one_web_process),
    Fault("kill -9 worker in mid-batch", _worker),
    Fault("kill -9 reports worker", _reports),
    Fault("kill -9 Redis", _redis),
    Fault("Redis falls silent", _silent_redis),
    Fault("kill -9 PostgreSQL", _postgres),
    Fault("PostgreSQL falls silent", _silent_postgres),
    Fault("disk of the database full", _database_s_disk),
    Fault("disk of the files full", _media_s_disk, _disk_or_failing_storage),
    Fault("storage cut off", _storage_cut),
    Fault("clock jumps an hour ahead, and back", partial(_jump, by="+3600"), _other_clock),
    Fault("clock jumps an hour back, and ahead", partial(_jump, by="-3600"), _other_clock),
    Fault("every task delivered twice", _until_repeated, _everything_twice),
    *(_cut(cut) for cut in Cut),
)
