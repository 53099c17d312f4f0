"""The drill: a backup while answers come in, restored elsewhere, and everything that had been acknowledged is there."""

import re
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.test import Client

from survey_site.backup import encryption
from survey_site.studies import audit
from survey_site.trials.models import Response
from tests import factories
from tests.backup.elsewhere import empty
from tests.trials.player import Form, begin, fill

pytestmark = pytest.mark.django_db(transaction=True)

COUNT = "from survey_site.trials.models import Response as R; print('answers', R.objects.count())"


class Answering(threading.Thread):
    """Participants who answer one after the other until they are told to stop; counts what was acknowledged."""

    def __init__(self) -> None:
        super().__init__()
        self.acknowledged = 0
        self.stopped = threading.Event()
        self.refused: list[int] = []

    def run(self) -> None:
        try:
            while not self.stopped.is_set():
                client = Client()
                self._one(client, begin(client, "test"))
        finally:
            connections.close_all()

    def _one(self, client: Client, address: str) -> None:
        while not self.stopped.is_set():
            form = Form(client.get(address).content.decode())
            if not form.forms:
                return
            status = client.post(address, fill(form)).status_code
            if status != 303:
                self.refused.append(status)
            elif form.offered:
                self.acknowledged += 1

    def wait_for(self, count: int) -> None:
        while self.acknowledged < count:
            assert self.is_alive() and not self.refused
            self.join(0.01)


@pytest.fixture
def study(media: Path) -> Any:
    made = factories.live(attention_checks=1, target_participants=1000)
    audit.record_command(made, "exported", "responses.csv")
    audit.record_command(None, "looked", "around")
    return made


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])
def test_a_backup_made_while_answers_come_in_is_whole(
    study: Any, tmp_path: Path, capsys: Any, encrypted: bool
) -> None:
    key = tmp_path / "key.txt"
    options = ["--encrypt-to", encryption.new_key(key)] if encrypted else []
    crowd = Answering()
    crowd.start()
    try:
        crowd.wait_for(12)
        before = crowd.acknowledged
        call_command("backup", str(tmp_path), *options)
        after = Response.objects.count()
        crowd.wait_for(after + 3)  # they were not held up
    finally:
        crowd.stopped.set()
        crowd.join()
    assert crowd.refused == []
    printed = capsys.readouterr().out
    assert re.search(r"\d+ files, [\d.]+ MB, [\d.]+ s; SECRET_KEY is not in it", printed)
    (file,) = tmp_path.glob("saliency-survey-*.tar*")
    assert (file.read_bytes()[:3] == b"age") == encrypted
    assert oct(file.stat().st_mode & 0o777) == "0o600"
    assert [path.name for path in tmp_path.glob(".*")] == []
    with empty(tmp_path / "elsewhere") as there:
        done = there.manage("restore", str(file), *(["--identity", str(key)] if encrypted else []))
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert re.fullmatch(r"restored the backup of [\dT:+-]+: \d+ files, [\d.]+ s", lines[0])
        assert "test: all as stored" in done.stdout and "all as stored" in lines[-2]
        assert re.fullmatch(r"verified in [\d.]+ s", lines[-1])
        counted = there.manage("shell", "-v", "0", "-c", COUNT).stdout
        assert before <= int(counted.split()[-1]) <= after
        again = there.manage("restore", str(file), *(["--identity", str(key)] if encrypted else []))
        assert again.returncode == 1
        assert again.stderr.startswith("CommandError: This installation is not empty (")
    print(printed, done.stdout)
