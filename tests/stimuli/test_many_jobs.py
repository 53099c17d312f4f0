"""Among very many jobs each is claimed once, whoever asks at the same time; messages stay few; no plan reads the table."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import close_old_connections, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from survey_site.celery import app
from survey_site.stimuli import leased_rows, turns
from survey_site.stimuli.leased_rows import MOST_ANNOUNCED
from survey_site.stimuli.models import JOB_KINDS, PrecomputeJob, Stimulus
from survey_site.studies.models import Study

State = PrecomputeJob.State
TABLE = PrecomputeJob._meta.db_table
MANY = 1000
COLUMNS = [field.column for field in PrecomputeJob._meta.concrete_fields if not field.primary_key]
COPIED = ", ".join("classifier || n" if column == "classifier" else column for column in COLUMNS)
DONE = f"""
    INSERT INTO {TABLE} ({", ".join(COLUMNS)})
    SELECT {COPIED} FROM {TABLE} CROSS JOIN generate_series(1, %s) n WHERE state = 'done'
"""


def fill(queued: int, done: int = 0) -> list[int]:
    """Jobs of one study; returns the ids of those that wait."""
    study = Study.objects.create(slug="many", title="Many")
    images = Stimulus.objects.bulk_create(
        Stimulus(study=study, key=f"i{n}", sha256=f"{n:064x}", width=1, height=1)
        for n in range(queued + done)
    )
    name = turns.queue_of(study.pk, "a", queued).name
    rows = PrecomputeJob.objects.bulk_create(
        PrecomputeJob(
            stimulus=image, classifier="a", methods=[], queue=name, state="queued" if n < queued else "done"
        )
        for n, image in enumerate(images)
    )
    return [row.pk for row in rows[:queued]]


@pytest.fixture
def bell(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    rung: list[list[int]] = []
    monkeypatch.setattr(app, "send_task", lambda name, args: rung.append(args[0]))
    return rung


@pytest.mark.django_db
def test_a_claim_is_one_statement_however_many_rows_it_takes() -> None:
    ids = fill(40)
    for some in (ids[:1], ids[1:30]):
        with CaptureQueriesContext(connection) as captured:
            assert len(leased_rows.claim(PrecomputeJob, some, "w")) == len(some)
        assert [query["sql"].split()[0] for query in captured] == ["WITH", "SELECT"]


@pytest.mark.django_db
def test_a_claim_by_the_same_worker_at_the_same_moment_takes_nothing_twice() -> None:
    ids, now = fill(4), timezone.now()
    assert len(leased_rows.claim(PrecomputeJob, ids, "w", now)) == 4
    assert leased_rows.claim(PrecomputeJob, ids, "w", now) == []
    assert leased_rows.claim(PrecomputeJob, [], "w", now) == []


@pytest.mark.django_db(transaction=True)
def test_workers_that_ask_at_the_same_moment_share_the_jobs_without_double_work() -> None:
    fill(400)
    taken: list[list[int]] = [[] for _ in range(4)]
    ready = threading.Barrier(4)

    def work(number: int) -> None:
        close_old_connections()
        held = turns.NOTHING
        ready.wait()
        while True:
            some, held = turns.take(PrecomputeJob, 7, f"w{number}", held)
            if not some:
                # A row that another one was taking was passed over, and is that one's.
                break
            taken[number] += [job.pk for job in some]
        connection.close()

    _together(work, 4)
    everything = [pk for some in taken for pk in some]
    assert len(everything) == len(set(everything)) == 400
    assert not PrecomputeJob.objects.exclude(state=State.RUNNING, attempts=1).exists()


def _together(work: Callable[[int], None], count: int) -> None:
    threads = [threading.Thread(target=work, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


@pytest.mark.django_db
def test_many_jobs_are_no_flood_of_messages_and_each_chunk_asks_for_the_next(bell: list[list[int]]) -> None:
    ids = fill(MOST_ANNOUNCED + 100)
    leased_rows.announce(PrecomputeJob, ids)
    assert sum(map(len, bell)) == MOST_ANNOUNCED
    assert leased_rows.sweep(JOB_KINDS) == 0  # there is no room
    turns.take(PrecomputeJob, 40, "w")
    leased_rows.announce_more(PrecomputeJob)
    assert sum(map(len, bell)) == MOST_ANNOUNCED + PrecomputeJob.LANE.chunk


@contextmanager
def plans() -> Iterator[list[str]]:
    """How the database carries out the statements of a block on the table of jobs."""
    told: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield told
    with connection.cursor() as cursor:
        for query in captured:
            if TABLE in query["sql"] and query["sql"].split()[0] in ("SELECT", "UPDATE", "WITH"):
                cursor.execute("EXPLAIN " + query["sql"].replace("%", "%%"))
                told.append("\n".join(str(row[-1]) for row in cursor.fetchall()))


@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite uses a partial index for literal values alone"
)
@pytest.mark.django_db
def test_neither_taking_nor_sweeping_nor_announcing_reads_the_whole_table(bell: list[list[int]]) -> None:
    fill(MANY, done=1)
    with connection.cursor() as cursor:
        cursor.execute(DONE, [40_000])
        cursor.execute("ANALYZE stimuli_precomputejob")
    with plans() as found:
        leased_rows.sweep([PrecomputeJob])
        jobs, _ = turns.take(PrecomputeJob, 16, "w")
        leased_rows.announce_more(PrecomputeJob)
        leased_rows.renew(PrecomputeJob, [job.pk for job in jobs], "w")
        leased_rows.finish(jobs[0], "w")
        leased_rows.sweep([PrecomputeJob], timezone.now() + timedelta(hours=1))
    assert len(found) > 8
    assert not [plan for plan in found if f"Seq Scan on {TABLE}" in plan]
