"""What workers repeat from a thread goes on after an error, begins with the worker and ends with it."""

import threading

import pytest
from celery.utils.dispatch import Signal

from survey_site import celery

ENOUGH = 20  # seconds; a thread that never comes is a failure, not a wait


def test_it_goes_on_after_an_error_from_the_workers_start_to_its_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ready, shutting_down = Signal(), Signal()
    monkeypatch.setattr(celery, "worker_ready", ready)
    monkeypatch.setattr(celery, "worker_shutting_down", shutting_down)
    calls: list[str] = []
    thrice = threading.Event()

    def work() -> None:
        calls.append(threading.current_thread().name)
        if len(calls) == 3:
            thrice.set()
        if len(calls) == 1:
            raise RuntimeError("the database is away")

    celery.while_working("looking", 0.001, work)
    assert not calls and not [t for t in threading.enumerate() if t.name == "looking"]
    ready.send(sender=None)
    assert thrice.wait(ENOUGH)
    assert set(calls) == {"looking"}
    assert "looking failed; it is tried again" in caplog.text and "the database is away" in caplog.text
    (thread,) = (t for t in threading.enumerate() if t.name == "looking")
    shutting_down.send(sender=None)
    thread.join(ENOUGH)
    assert not thread.is_alive()
