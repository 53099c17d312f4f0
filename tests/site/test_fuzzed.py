"""The fuzzers: whatever is sent, the answer is no 5xx, and a file that cannot be read is refused with words."""

import io
import random
import re
from urllib.parse import quote

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.test import Client

from survey_site.accounts import second_factor
from survey_site.accounts.models import MustUseSecondFactor
from survey_site.recruitment.submissions import BadFile, read_submissions
from survey_site.stimuli.archives import BadArchive, read_archive, read_labels
from survey_site.stimuli.arrays import BadMap, read_map
from tests import factories
from tests.site import junk
from tests.site.wsgi_call import call, signed_in
from tests.stimuli.pictures import encoded, zipped
from tests.trials.player import begin

REQUESTS, FILES, EACH_SESSION = 6000, 20_000, 50
NOT_FUZZED = ("logout", "jsi18n")
SERVER_ERRORS_OF_USE = {503}  # the statistics' queue, or a broken part, told to the browser


def somebody_who_may_do_all() -> Client:
    """A superuser's session; what was sent before may have ended it, or demanded a second factor."""
    user, _ = User.objects.update_or_create(
        username="fuzzer", defaults={"is_superuser": True, "is_staff": True, "is_active": True}
    )
    second_factor.remove(user)
    MustUseSecondFactor.objects.all().delete()
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def told(what: str, tried: int, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{what}: {tried} tried")


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_no_request_makes_the_site_fail(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    study = factories.live()
    token = begin(client, "test").split("/")[2]
    known = {"slug": "test", "token": token, "pk": str(study.pk), "object_id": str(study.pk)}
    dice, failed = random.Random(20), {}
    routes = [route for route in junk.patterns() if not any(name in route for name in NOT_FUZZED)]
    for number in range(REQUESTS):
        route = routes[number % len(routes)]
        path = re.sub(
            r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)",
            lambda m: known.get(m[1] or m[2], "1") if dice.random() < 0.5 else dice.choice(junk.IDS),
            route,
        )
        path = path.encode("utf-8", "surrogatepass").decode("latin-1")
        query = junk.query(dice)
        kind = dice.choice(junk.TYPES)
        method, extra = dice.choice(junk.METHODS), junk.headers(dice)
        if number % EACH_SESSION == 0:
            session = signed_in(somebody_who_may_do_all())
        who = session if dice.random() < 0.8 else {}
        body = junk.body(dice, kind) if method not in ("GET", "HEAD") else b""
        status = call(method, path, body, query=query, content_type=kind, **who | extra).status
        if status >= 500 and status not in SERVER_ERRORS_OF_USE:
            failed.setdefault((method, route, status), (quote(path), query, kind, extra, body[:300]))
    told("requests", REQUESTS, capsys)
    assert not failed, "\n".join(f"{key}: {example}" for key, example in failed.items())


@pytest.mark.slow
def test_no_file_makes_its_reader_fail(capsys: pytest.CaptureFixture[str]) -> None:
    out = io.BytesIO()
    np.save(out, np.random.default_rng(1).random((16, 16)).astype("<f4"))
    zips = zipped({"cats/a.png": encoded(1), "b.png": encoded(2), "labels.csv": b"file,class\na.png,lion\n"})
    csv = b"Participant id,Status,Completion code\na,APPROVED,C1\nb,RETURNED,\n"
    readers = [
        (zips, BadArchive, lambda data: list(read_archive(data, max_total=10**7, max_file=10**6))),
        (out.getvalue(), BadMap, lambda data: read_map("a.npy", data)),
        (encoded(3, size=(16, 16)), BadMap, lambda data: read_map("a.png", data)),
        (csv, BadFile, read_submissions),
        (b"file,class\na.png,cat\n", BadArchive, lambda data: read_labels(data.decode("latin-1"))),
    ]
    dice, tried = random.Random(21), 0
    for good, refusal, read in readers:
        read(good)
        for _ in range(FILES // len(readers)):
            data = junk.damaged(dice, good)
            tried += 1
            try:
                read(data)
            except refusal:
                continue
            except Exception as error:
                raise AssertionError(f"{read}: {error!r} of {data!r}") from error
    told("files", tried, capsys)
