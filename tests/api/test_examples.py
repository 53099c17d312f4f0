"""The examples of docs/api.md run as they are printed, and print what the replay says."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from fixtures import write_replay
from tests.api.keys import token_of

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


@pytest.mark.django_db(transaction=True)
def test_the_examples_print_what_they_say(live_server: Any, django_user_model: Any) -> None:
    user = django_user_model.objects.create_user("researcher", is_staff=True)
    call_command("import_study", str(write_replay.FOLDER), "--owner", "researcher", stdout=io.StringIO())
    program = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL))
    env = os.environ | {"SURVEY_URL": live_server.url, "SURVEY_TOKEN": token_of(user)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("feature-cam-table-1 closed ")
    assert lines[1:7] == [
        "Grad-CAMs 48 1.02", "Ours 1 96 4.05", "Ours 2 92 3.63", "Ours 3 92 3.47", "Ours 4 80 3.24", "Ours 5 76 3.30",
    ]  # fmt: skip
    assert lines[7:9] == ["4.05", "25"]
    assert lines[9] == "None 25"
    assert lines[10] == "True"
    assert lines[11] == "400 {'tsak': ['unknown parameter']}"
