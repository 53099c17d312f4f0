"""What counting costs a request: CPU of this middleware, and of django-prometheus's two where that is installed.

python -m benchmarks.metrics

Each is measured in a process of its own that counts into a folder, as web processes do.
"""

import os
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from typing import Any

REQUESTS, WARM_UP = 5000, 500


def measure(name: str) -> float:
    """Microseconds of CPU a request, beyond the view's own."""
    from django.conf import settings

    settings.configure(ALLOWED_HOSTS=["*"])
    import django

    django.setup()
    from django.http import HttpRequest, HttpResponse
    from django.test import RequestFactory

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("x" * 5000)

    wrapped: Any
    if name == "ours":
        from survey_site.telemetry.counters import RequestsMiddleware

        wrapped = RequestsMiddleware(view)
    else:
        from django_prometheus.middleware import PrometheusAfterMiddleware, PrometheusBeforeMiddleware

        wrapped = PrometheusBeforeMiddleware(PrometheusAfterMiddleware(view))
    request: Any = RequestFactory().post("/x", {"a": 1})
    request.resolver_match = type("Match", (), {"view_name": "resume"})()
    return _of(wrapped, request) - _of(view, request)


def _of(answer: Any, request: Any) -> float:
    for _ in range(WARM_UP):
        answer(request)
    began = time.process_time()
    for _ in range(REQUESTS):
        answer(request)
    return 1e6 * (time.process_time() - began) / REQUESTS


def main() -> None:
    for name in ("ours", "django_prometheus"):
        if name != "ours" and not find_spec(name):
            print(f"{name:20} not installed")
            continue
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": folder}
            command = [sys.executable, "-m", "benchmarks.metrics", name]
            done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        print(f"{name:20} {float(done.stdout):6.0f} µs of CPU a request")


if __name__ == "__main__":
    if sys.argv[1:]:
        print(measure(sys.argv[1]))
    else:
        main()
