"""`make screenshots`: every page, desktop and phone, light and dark, into screenshots/."""

import os
import subprocess
import sys

if __name__ == "__main__":
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "tests/browser/test_every_page.py"]
    raise SystemExit(subprocess.call(command, env={**os.environ, "SCREENSHOTS": "screenshots"}))
