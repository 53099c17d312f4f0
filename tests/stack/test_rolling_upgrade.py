"""Two web programs are replaced one after the other, with a migration in between, while people answer: nobody notices."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers
from tests.faults.acknowledged import Acknowledged
from tests.faults.crowd import Crowd
from tests.stack.part import ROOT
from tests.stack.stack import Stack
from tests.stack.waiting import until

pytestmark = pytest.mark.slow
PEOPLE = 6

# A later version of the program: a table that people write to has one column more, which the earlier version does not know.
LATER_SETTINGS = """
from survey_site.settings import *
INSTALLED_APPS = [*INSTALLED_APPS, "later_version"]
"""
MIGRATION = """
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("trials", "__first__")]
    operations = [migrations.RunSQL("ALTER TABLE trials_response ADD COLUMN later varchar(20) NOT NULL DEFAULT ''")]
"""
OPEN = "from tests import factories; factories.live(images=12, target_participants=1000)"
COUNT = """
import sys
from pathlib import Path
from survey_site.studies.models import Study
from tests.faults import counted
from tests.faults.acknowledged import Acknowledged
notes, study = Acknowledged.kept_in(Path(sys.stdin.readline().strip())), Study.objects.get(slug="test")
count = counted.answers(study, notes) + counted.participants(study, [notes])
print(count.asked, count.found, count.lost, count.doubled)
"""


@pytest.fixture
def stack() -> Iterator[Stack]:
    if not all(servers.find(name) for name in ("initdb", "redis-server", "nginx")):
        pytest.skip("needs PostgreSQL, Redis and nginx")
    # Not below pytest's own folder, which nginx's user may not enter.
    with tempfile.TemporaryDirectory(prefix="survey-") as folder:
        later = Path(folder, "later")
        (later / "later_version" / "migrations").mkdir(parents=True)
        (later / "later_settings.py").write_text(LATER_SETTINGS)
        (later / "later_version" / "__init__.py").touch()
        (later / "later_version" / "migrations" / "__init__.py").touch()
        (later / "later_version" / "migrations" / "0001_initial.py").write_text(MIGRATION)
        path = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(later)])}
        with Stack(Path(folder), webs=2, processes=1, front=True, workers=False, variables=path) as one:
            yield one


def told(stack: Stack, script: str, given: str = "", **variables: str) -> str:
    """What a script prints that runs with the site's settings."""
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", script],
        env={**stack.environment, **variables},
        cwd=ROOT,
        input=given,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.strip()


def test_nothing_is_lost_and_no_error_page_is_shown(stack: Stack) -> None:
    told(stack, OPEN)
    notes = Acknowledged.kept_in(stack.folder / "notes")
    crowd = Crowd(stack.url, "test", PEOPLE, notes, think_s=0.05)
    later = {"DJANGO_SETTINGS_MODULE": "later_settings"}

    def goes_on() -> None:
        wanted = notes.total + 10 * PEOPLE
        until(lambda: notes.total >= wanted, "people answer", 60)

    crowd.start()
    try:
        goes_on()
        told(
            stack,
            "from django.core.management import call_command; call_command('migrate', verbosity=0)",
            **later,
        )
        for number in range(2):
            goes_on()
            stack.replace_web(number, **later)
        goes_on()
    finally:
        crowd.stop()
    pages = {what: count for what, count in crowd.trouble.items() if what.isdigit()}
    assert (pages, crowd.refused) == ({}, [])
    asked, found, lost, doubled = map(int, told(stack, COUNT, f"{stack.folder}/notes\n").split())
    assert (found, lost, doubled) == (asked, 0, 0)
    assert asked == notes.total >= 40 * PEOPLE
