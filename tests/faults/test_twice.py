"""Messages delivered twice: what MONITOR shows is read back to the very bytes, and repeated once."""

import pytest
import redis

from tests import servers
from tests.faults.twice import Twice, words
from tests.stack.waiting import until

URGENT = "reports\x06\x163"  # as Celery names the list of a priority
AWKWARD = b'{"a": "\\"x\\" \\\\ \\n"}\x00\xff\r\n'


def test_a_line_of_monitor_is_read_as_the_words_that_were_sent() -> None:
    line = (
        rb'+1339518083.107412 [0 127.0.0.1:60866] "LPUSH" "saliency" "{\"a\": \"\\\"x\\\" \\\\\\\\\"}\x00\n"'
        + b"\r\n"
    )
    assert words(line) == ("127.0.0.1:60866", [b"LPUSH", b"saliency", b'{"a": "\\"x\\" \\\\\\\\"}\x00\n'])
    assert words(b"+OK\r\n") == ("", [])


def test_each_message_of_the_queues_comes_once_more_and_no_other() -> None:
    if not servers.find("redis-server"):
        pytest.skip("needs redis-server")
    with servers.redis() as url, redis.Redis.from_url(url) as client, Twice(url):
        client.delete("saliency", "another")
        client.lpush("another", b"x")
        client.lpush("saliency", AWKWARD)
        until(lambda: client.llen("saliency") == 2, "the message is there twice", 20)
        client.lpush(URGENT, b"end")
        until(lambda: client.llen(URGENT) == 2, "the last message is there twice", 20)
        assert client.lrange("saliency", 0, -1) == [AWKWARD, AWKWARD]
        assert client.llen("another") == 1
        client.delete("saliency", "another", URGENT)


def test_it_listens_however_long_nothing_is_sent() -> None:
    if not servers.find("redis-server"):
        pytest.skip("needs redis-server")
    with servers.redis() as url, Twice(url) as twice:
        assert twice._watch.connection and twice._watch.connection._sock.gettimeout() is None
