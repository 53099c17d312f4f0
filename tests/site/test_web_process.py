"""The web process stays small: no TensorFlow, no statistics libraries, little memory."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "tensorflow",
    "keras",
    "cv2",
    "scipy",
    "statsmodels",
    "pandas",
    "matplotlib",
    "numpy",
    "pyreadstat",
    "xlsxwriter",
    "choix",
)
SCRIPT = f"""
import sys
from survey_site.wsgi import application
from django.urls import get_resolver
import io

def request(path):
    environ = dict(REQUEST_METHOD="GET", PATH_INFO=path, SERVER_NAME="localhost", SERVER_PORT="80",
                   HTTP_HOST="localhost", QUERY_STRING="")
    environ.update({{"wsgi.input": io.BytesIO(), "wsgi.errors": sys.stderr, "wsgi.url_scheme": "http",
                    "wsgi.version": (1, 0), "wsgi.multithread": True, "wsgi.multiprocess": False,
                    "wsgi.run_once": False}})
    status = []
    list(application(environ, lambda s, h, e=None: status.append(s)))
    return status[0]

print(request("/healthz"), request("/admin/login/"), request("/api/schema/"))
print(sorted(name for name in {HEAVY!r} if name in sys.modules))
# Not ru_maxrss: across exec it keeps the peak of the test run that forked this process.
print(next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) // 1024)
"""


def test_the_web_process_loads_no_tensorflow_and_stays_under_150_mb(tmp_path: Path) -> None:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {**kept, "DATA_DIR": str(tmp_path), "DEBUG": "true"}
    migrate = [sys.executable, "manage.py", "migrate", "-v", "0"]
    subprocess.run(migrate, env=environment, cwd=ROOT, check=True)
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    statuses, heavy, megabytes = result.stdout.strip().splitlines()
    assert statuses.startswith("200 OK 200 OK")
    assert heavy == "[]"
    assert int(megabytes) < 150
