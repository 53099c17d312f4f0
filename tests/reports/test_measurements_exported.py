"""What the browser measured leaves in trials.csv, and summed up by participant."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

from survey_site.reports.exports.tables import TABLES
from survey_site.reports.population import Population
from survey_site.trials.measurements import NUMBERS, WORDS
from survey_site.trials.scoring import client_of
from tests.reports.factory import Survey

pytestmark = pytest.mark.django_db
FIRST = {"viewport_w": 1280, "viewport_h": 720.5, "dpr": 2, "blurs": 1, "hidden_ms": 250.5, "input": "mouse"}
SECOND = {"viewport_w": 900, "map_w": 224.1, "blurs": 2, "hidden_ms": 0, "input": "touch"}


def rows(own: Survey, name: str) -> list[dict[str, str]]:
    table = TABLES[name]
    data = b"".join(table.stream(own.study, Population()))
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def test_every_measurement_is_a_column_of_trials(small: Survey) -> None:
    who = small.participant()
    small.rating(who, 0, 3, client=FIRST, rt_ms=812)
    small.rating(who, 0, 3, client=SECOND)
    small.rating(who, 0, 3, client={"scripts": "failed"}, seen="unknown")
    first, second, third = rows(small, "trials")
    assert {name: first[name] for name in FIRST} == {name: str(value) for name, value in FIRST.items()}
    assert (first["rt_ms"], first["seen"], first["map_w"]) == ("812", "yes", "")
    assert (second["map_w"], second["dpr"]) == ("224.1", "")
    assert (third["scripts"], third["seen"], third["viewport_w"]) == ("failed", "unknown", "")


def test_participants_have_their_device_at_consent_and_at_the_first_trial(small: Survey) -> None:
    at_consent = {"viewport_w": 1300, "touch": 5, "consent_ms": 8000.5}
    who = small.participant(device="tablet", user_agent_family="Firefox", client=at_consent)
    small.rating(who, 0, 3, client=FIRST)
    small.rating(who, 0, 3, client=SECOND)
    (row,) = rows(small, "participants")
    assert (row["device"], row["browser"]) == ("tablet", "Firefox")
    assert (row["consent_viewport_w"], row["consent_touch"], row["consent_ms"]) == ("1300", "5", "8000.5")
    assert (row["first_viewport_w"], row["first_dpr"], row["first_input"]) == ("1280", "2", "mouse")


def test_participants_have_the_sums_of_events_and_nothing_where_nothing_was_measured(small: Survey) -> None:
    who = small.participant()
    for client in (FIRST, {"scripts": "failed"}, SECOND):
        small.rating(who, 0, 3, client=client)
    small.participant()
    measured, nothing = rows(small, "participants")
    assert (measured["trials_blurs"], measured["trials_hidden_ms"]) == ("3", "250.5")
    assert {nothing[name] for name in nothing if name.startswith(("consent_", "first_", "trials_"))} == {""}


def test_what_the_script_sends_is_known_to_those_who_store_and_export_it() -> None:
    script = Path(str(finders.find("trials/measure.js"))).read_text(encoding="utf-8")
    sent = re.search(r"const client = \{(.*?)\n      \};", script, re.DOTALL)
    assert sent
    names = re.findall(r"^\s+(\w+):", sent[1], re.MULTILINE)
    assert len(names) > 10 and set(names) <= {*NUMBERS, *WORDS}
    assert client_of(json.dumps({"dpr": 2, "input": "pen", "more": 1})) == {"dpr": 2, "input": "pen"}
