"""The commands of docs/cloud.md for an object store of one's own make the bucket that STORAGE_URL names."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import boto3

from tests.site.markdown import section, text_of
from tests.stack import programs
from tests.stack.leash import Leash
from tests.stack.part import ROOT
from tests.stack.stack import KEPT

PAGE = section(text_of("docs/cloud.md"), "## An object store of your own")


def test_the_bucket_is_made_by_the_command_that_the_page_names(tmp_path: Path) -> None:
    (command,) = re.findall(r"^docker compose exec web python (manage\.py shell .+)$", PAGE, re.MULTILINE)
    (storage,) = re.findall(r"^STORAGE_URL=(\S+)$", PAGE, re.MULTILINE)
    leash = Leash()
    store, given = programs.objects(tmp_path / "log", leash)
    store.start()
    try:
        endpoint = given["STORAGE_URL"].partition("endpoint=")[2].partition("&")[0]
        bucket = "others"  # the store has made one of the usual name
        url = storage.replace("https://objects.example.org:7070", endpoint).replace(
            "//survey/", f"//{bucket}/"
        )
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        done = subprocess.run(
            [sys.executable, *shlex.split(command)],
            cwd=ROOT,
            env={**kept, **given, "STORAGE_URL": url, "DATA_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        keys = (given["AWS_ACCESS_KEY_ID"], given["AWS_SECRET_ACCESS_KEY"])
        client = boto3.session.Session(*keys, region_name="us-east-1").client("s3", endpoint_url=endpoint)
        assert bucket in {one["Name"] for one in client.list_buckets()["Buckets"]}
    finally:
        store.stop()
        leash.close()
