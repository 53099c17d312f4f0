"""What observers chose stands in trials.csv, one column for each, and beside people in the report."""

import csv
import io
from collections.abc import Iterator

import pytest

from saliency_worker import observer_store
from saliency_worker.observer_kinds import KINDS
from survey_site.protocols import freeze, masking
from survey_site.reports.analysis import analyse
from survey_site.reports.exports.tables import TABLES
from survey_site.reports.population import Population
from survey_site.stimuli.observed import ObservedMap, ObserverJob
from survey_site.studies.models import AuditEntry, Study
from survey_site.tasks.behaviour import Behaviour, Simulator
from survey_site.trials.models import Trial
from survey_site.trials.simulation.play import play
from survey_site.trials.simulation.robot import InProcess
from tests.observers import painted

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
NAMES = [f"observer_{kind.key}" for kind in KINDS]
BOTS = Population(bots=True)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Iterator[Study]:
    """Four bots, who always match rightly where edges are drawn and never else, in a study that observers have tried."""
    monkeypatch.setattr(observer_store, "ring", lambda pk: None)
    study = painted.study(rating_trials_per_column=0, target_participants=4)
    painted.observe(study)
    freeze.go_live(study)
    effects = {"matching": {"Column 0": 0.0, "Column 1": 1.0}}
    for number in range(4):
        play(
            InProcess(),
            study,
            Simulator(Behaviour(effects=effects, lapse=0, careless=0, drop_out=0), "s"),
            number,
        )
    masking.open_names(study, None, "the tests show them")
    yield study


def rows_of(study: Study) -> list[dict[str, str]]:
    text = b"".join(TABLES["trials"].stream(study, BOTS)).decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_each_trial_says_what_each_observer_chose(played: Study) -> None:
    rows = rows_of(played)
    assert [name for name in rows[0] if name.startswith("observer_")] == NAMES
    counted = [row for row in rows if row["column"] and row["block"] != "practice"]
    assert counted
    for row in counted:
        trial = Trial.objects.get(participant__code=row["participant"], position=row["position"])
        (stored,) = ObservedMap.objects.filter(saliency_map=trial.saliency_map)
        for kind in KINDS:
            assert row[f"observer_{kind.key}"] == stored.found.get(kind.key, {}).get("choice", "")
        assert row["observer_edge"] in row["pool"].split("|")
    assert all(row["observer_edge"] == row["stimulus"] for row in counted if row["column"] == "Column 1")


def test_practice_and_studies_without_observers_have_empty_cells(played: Study) -> None:
    assert all(row["observer_edge"] == "" for row in rows_of(played) if row["block"] == "practice")
    ObservedMap.objects.all().delete()
    assert all(row[name] == "" for row in rows_of(played) for name in NAMES)


def test_the_report_shows_observers_beside_people(played: Study) -> None:
    found = analyse(played, BOTS).report
    bare, edges = (column["faith"]["observers"] for column in found["columns"])
    assert edges["edge"]["accuracy"]["percent"] == 100
    assert edges["edge"]["beyond"]["difference_percent"] == 0
    chosen = painted.choices(played, painted.BARE, "edge")
    shown = Trial.objects.filter(condition__column="Column 0", attention_check=False).exclude(
        block="practice"
    )
    share = sum(chosen[t.stimulus.key] == t.stimulus.key for t in shown.select_related("stimulus")) / len(
        shown
    )
    assert bare["edge"]["accuracy"]["percent"] == pytest.approx(100 * share)
    assert bare["edge"]["beyond"]["difference_percent"] == pytest.approx(-100 * share)
    keys = {section["key"] for section in found["sections"]}
    assert {"observers", "beyond_edge_observer", "observer_errors"} <= keys
    assert any("solves the matching of Column 1 (Edge, 100 %)" in note for note in found["notes"])


def test_a_report_without_observers_is_what_it_was(played: Study) -> None:
    ObservedMap.objects.all().delete()
    ObserverJob.objects.all().delete()
    found = analyse(played, BOTS).report
    assert all("observers" not in column["faith"] for column in found["columns"])
    assert not {"observers", "beyond_edge_observer"} & {section["key"] for section in found["sections"]}


def test_while_names_are_hidden_observers_are_too(played: Study) -> None:
    # An observer of edges is right in the columns that show them: its choices would name the column.
    AuditEntry.objects.all().delete()
    assert masking.column_letters(played)
    assert all(row[name] == "" for row in rows_of(played) for name in NAMES)
    assert all("observers" not in column["faith"] for column in analyse(played, BOTS).report["columns"])
