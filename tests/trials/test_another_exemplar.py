"""“Another exemplar” from the freeze to the export: the source is shown to nobody, its class is what is right."""

import csv
import io
from collections.abc import Iterator

import pytest
from django.test import Client

from survey_site.protocols.freeze import draft_of
from survey_site.reports.exports.csv_stream import responses_csv
from survey_site.reports.point_report import point_report
from survey_site.reports.population import Population
from survey_site.studies.models import Study
from survey_site.studies.texts import texts_of
from survey_site.tasks import registry
from survey_site.tasks.behaviour import Behaviour, Simulator
from survey_site.tasks.contract import AnswerRefused, Given, Reading, Truth
from survey_site.trials.models import Exposure, Participant, Response, Trial
from survey_site.trials.preview import Walk
from survey_site.trials.simulation.leak_collector import collect
from survey_site.trials.simulation.leaks import audit
from survey_site.trials.simulation.play import play
from survey_site.trials.simulation.robot import InProcess
from tests import factories
from tests.trials.player import begin
from tests.trials.player import play as walk_through

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
CLASSES = {"a": "cat", "b": "cat", "c": "dog", "d": "bird"}


@pytest.fixture
def study() -> Iterator[Study]:
    yield factories.live(images=18, reserve=6, pool_size=2, another_exemplar=True, rating_trials_per_column=1)


def truth(pool: tuple[str, ...] = ("c", "b", "d")) -> Truth:
    return Truth("a", pool, CLASSES)


def test_the_other_image_of_the_class_is_right_and_a_guess_is_one_in_the_pool() -> None:
    task = registry.task("matching")
    scored = [task.score(Given({"place": place}), truth()) for place in range(3)]
    assert [(one.score, one.second_score) for one in scored] == [(0, 0), (1, 1), (0, 0)]
    assert task.answer_place(truth()) == 1
    chance = task.guess(truth())
    assert (chance.score, chance.second_score) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert task.answer_place(truth(("c", "d"))) is None  # nothing stands for the source
    assert task.rescored(Given(scored[1].values), truth()) == scored[1]
    with pytest.raises(AnswerRefused):
        task.read({"choice": "3"}, Reading(task.default_settings, candidates=3))


def test_nobody_sees_a_source_before_its_map_is_matched(study: Study) -> None:
    for number in range(3):
        play(InProcess(), study, Simulator(Behaviour(drop_out=0), "s"), number)
    for person in Participant.objects.all():
        seen: set[int] = set()
        for trial in person.trials.filter(task="matching").order_by("position"):
            assert trial.stimulus_id not in trial.pool
            assert trial.stimulus_id not in seen
            seen |= {trial.stimulus_id, *trial.pool}
        exposed = set(Exposure.objects.filter(participant=person).values_list("stimulus_id", flat=True))
        assert exposed >= seen


def test_bots_who_know_the_answer_are_scored_by_the_class(study: Study) -> None:
    simulator = Simulator(
        Behaviour(
            effects={"matching": {f"Column {n}": 1.0 for n in range(3)}}, lapse=0, careless=0, drop_out=0
        ),
        "s",
    )
    play(InProcess(), study, simulator, 0)
    answers = Response.objects.filter(task="matching", counts=True)
    assert [(row.score, row.second_score) for row in answers] == [(1, 1)] * 3
    found = point_report(study, Population(bots=True))
    for column in found["columns"]:
        cell = column["faith"]
        assert (cell["correct"], cell["n"], cell["class"]["percent"]) == (1, 1, 100)
    assert {"headline": "class", "another_exemplar": "yes"}.items() <= found.items()
    text = b"".join(responses_csv(study, Population(bots=True))).decode()
    rows = [row for row in csv.DictReader(io.StringIO(text)) if row["task"] == "matching" and row["column"]]
    assert rows
    for row in rows:
        pool = row["pool"].split("|")
        assert row["stimulus"] not in pool
        assert row["choice"] == pool[int(row["pool_position"])]
        assert (row["correct"], row["class_correct"]) == ("1", "1")
        assert row["choice_class"] == row["stimulus_class"]


def test_participants_are_told_that_the_photo_is_another_one(study: Study, client: Client) -> None:
    said = texts_of(study)
    for language in ("en", "fr", "ar"):
        plain = registry.task("matching").texts[language]
        assert said[language]["instructions_matching"] != plain["instructions_matching"]
        assert said[language]["matching_question"] != plain["matching_question"]
        assert said[language]["begin_matching"] == plain["begin_matching"]
    study.texts.create(language="en", key="matching_question", markdown="My own words?")
    assert texts_of(study)["en"]["matching_question"] == "My own words?"
    address = begin(client, "test")
    walk_through(client, address)
    practice = Trial.objects.get(task="matching", block="practice")
    assert practice.stimulus_id not in practice.pool


def test_what_a_browser_receives_does_not_tell_the_answer(study: Study) -> None:
    runs = [audit(collect(InProcess, study, 12, seed), seed=f"clean {seed}") for seed in (1, 2)]
    answers = [result for run in runs for result in run.results if result.target == "answer"]
    assert answers  # the audit knows where the answer stands
    assert not all(run.leaking for run in runs), [str(result) for result in answers]


def test_a_preview_walks_through_it(study: Study) -> None:
    walk = Walk(study, "en")
    assert walk.problems == []
    trial = next(row for row in walk.rows if row.task == "matching" and row.condition)
    assert walk.truth(trial).target not in walk.truth(trial).pool
    assert "choice" in walk.attentive(trial)


def test_settings_that_cannot_be_are_told_before_the_freeze() -> None:
    for settings, says in (
        ({"pool_strategy": "same_class"}, "different classes"),
        ({"hard_for_observers": True}, "nothing to search for"),
    ):
        study = factories.draft(f"s{says[0]}", images=18, reserve=6, another_exemplar=True, **settings)
        assert any(says in problem for problem in draft_of(study).problems)


def test_a_study_without_it_is_sealed_as_before() -> None:
    plain = draft_of(factories.draft("plain", images=12, reserve=6)).document
    assert plain is not None
    assert not {"another_exemplar", "hard_for_observers"} & set(plain["tasks"]["matching"])
    chosen = draft_of(factories.draft("chosen", images=18, reserve=6, another_exemplar=True)).document
    assert chosen is not None
    assert chosen["tasks"]["matching"]["another_exemplar"] is True
