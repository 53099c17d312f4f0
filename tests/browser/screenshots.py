"""`make screenshots`: participants' pages on laptop and phone, the desk on laptop and tablet, light and dark."""

import os
import subprocess
import sys

if __name__ == "__main__":
    tests = ["tests/browser/test_every_page.py", "tests/browser/test_every_desk_page.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", *tests]
    raise SystemExit(subprocess.call(command, env={**os.environ, "SCREENSHOTS": "screenshots"}))
