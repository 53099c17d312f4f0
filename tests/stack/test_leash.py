"""Whoever starts programs may be killed with SIGKILL: the programs end all the same."""

import os
import subprocess
import sys

from tests.stack.leash import alive, left
from tests.stack.part import ROOT
from tests.stack.waiting import until

STARTS_AND_WAITS = """
import subprocess, sys
from tests.stack.leash import Leash
leash = Leash()
program = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True)
leash.began(program.pid)
print(program.pid, flush=True)
input()
"""


def test_what_ended_is_left_out_and_the_last_comes_first() -> None:
    assert left(["+1\n", "+2\n", "-1\n", "+3\n"]) == [3, 2]
    assert left(["+1\n", "+2\n", "+1\n"]) == [1, 2]
    assert left([]) == []


def test_programs_end_when_their_starter_is_killed() -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTS_AND_WAITS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert starter.stdout
    program = int(starter.stdout.readline())
    assert list(alive([program])) == [program]
    starter.kill()
    starter.communicate()
    until(lambda: not list(alive([program])), "the program ends", 30)
