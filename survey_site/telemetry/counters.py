"""What processes count for Prometheus while they work. What the database knows is asked there (desk/site_metrics.py).

The web has several processes: each writes into a folder that `/metrics` adds up (shared_counters.py). A worker is one
process and answers on a port of its own (`METRICS_PORT`).
"""

import time
from collections.abc import Callable
from typing import Any

from celery import signals
from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter, Histogram

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
LONG = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600)

REQUESTS = Histogram(
    "survey_request_seconds", "Requests, by view and status class", ["view", "status"], buckets=SECONDS
)
ANSWERS = Counter("survey_answers", "Answers stored, after their commit", ["task"])
TASKS = Histogram("survey_task_seconds", "Tasks of the workers", ["task"], buckets=LONG)
TASK_FAILURES = Counter("survey_task_failures", "Tasks that ended in an exception", ["task"])
MAPS = Counter("survey_maps", "Saliency maps stored", ["classifier"])
IMAGES = Histogram("survey_image_seconds", "An image explained and stored", ["classifier"], buckets=LONG)
ROW_FAILURES = Counter(
    "survey_row_failures", "Rows that failed, by kind; final: not tried again", ["kind", "final"]
)
SWEEPS = Counter("survey_sweeps", "Looks at the rows of the queue")
RUNG_AGAIN = Counter("survey_rows_rung_again", "Rows that nobody had heard of, announced again", ["kind"])
LEASES_LOST = Counter("survey_leases_lost", "Rows whose worker did not renew its lease", ["kind"])


def rows_from_zero(kind: str) -> None:
    """Shows what rows of this kind are counted by before the first: what is born as 1 has not grown, and alarms no one."""
    for final in ("yes", "no"):
        ROW_FAILURES.labels(kind, final)
    RUNG_AGAIN.labels(kind)
    LEASES_LOST.labels(kind)


@signals.worker_ready.connect
def _tasks_from_zero(sender: Any = None, **_: object) -> None:
    """As rows_from_zero, of the tasks that this worker knows."""
    for name in sender.app.tasks:
        TASK_FAILURES.labels(name)


class RequestsMiddleware:
    """Times each request. A view is named, never its address: addresses are credentials, and without number."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self._get_response(request)
        match = request.resolver_match
        view = (match.view_name if match else "") or "other"
        REQUESTS.labels(view, f"{response.status_code // 100}xx").observe(time.perf_counter() - began)
        return response


_began: dict[str, float] = {}


@signals.task_prerun.connect
def _begin(task_id: str = "", **_: object) -> None:
    _began[task_id] = time.perf_counter()


@signals.task_postrun.connect
def _end(task_id: str = "", task: Any = None, **_: object) -> None:
    TASKS.labels(task.name).observe(time.perf_counter() - _began.pop(task_id, time.perf_counter()))


@signals.task_failure.connect
def _failed(sender: Any = None, **_: object) -> None:
    TASK_FAILURES.labels(sender.name).inc()
