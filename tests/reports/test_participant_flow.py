"""The flow of participants: who left stands between the steps, and the numbers add up."""

from itertools import pairwise

import pytest
from django.test import Client
from django.utils import timezone

from survey_site.reports import cached_report
from survey_site.reports.population import Population
from survey_site.trials.models import Participant
from tests.reports.factory import Survey, survey

pytestmark = pytest.mark.django_db
analysis = pytest.importorskip("survey_site.reports.analysis", reason="needs the extra 'reports'")
State = Participant.State


@pytest.fixture
def own(researcher) -> Survey:
    """Nine persons of every end, and a bot."""
    mine = survey("mine", owner=researcher)
    ends = (
        {"state": State.STARTED},
        {"state": State.SCREENED_OUT},
        {"state": State.CONSENTED, "consented_at": timezone.now()},
        {"state": State.DROPPED, "consented_at": timezone.now()},
        {"state": State.WITHDRAWN},
        {"surplus": True},
        {},
        {"excluded": True, "exclusion_reason": "spoke on the phone"},
        {},
    )
    people = [mine.participant() for _ in ends]
    for who, end in zip(people, ends, strict=True):
        Participant.objects.filter(pk=who.pk).update(**end)
    mine.rating(mine.participant(kind="bot"), 0, 3)
    for who in people[5:8]:
        who.refresh_from_db()
        mine.rating(who, 0, 3)
    return mine


def test_who_left_is_said_at_each_step_and_the_numbers_add_up(own: Survey) -> None:
    flow = analysis.analyse(own.study).report["flow"]
    assert flow["left"] == {
        "consented": {"screened_out": 1, "did_not_consent": 1},
        "finished": {"withdrawn": 1, "dropped": 1, "did_not_finish": 1},
        "with_answers": {"surplus": 1, "without_answers_that_count": 1},
    }
    steps = ["started", "consented", "finished", "with_answers"]
    assert [flow[step] for step in steps] == [9, 7, 4, 2]
    for before, step in pairwise(steps):
        assert flow[before] - sum(flow["left"][step].values()) == flow[step]
    assert flow["with_answers"] - sum(flow["excluded"].values()) == flow["analysed"] == 1


def test_the_figure_shows_who_left_beside_the_arrow(own: Survey) -> None:
    figures = pytest.importorskip("survey_site.reports.figures")
    found = analysis.analyse(own.study)
    (axis,) = figures.participant_flow(found.report, found.trials).axes
    texts = {text.get_text(): text.get_position()[1] for text in axis.texts}
    assert texts["screened out: 1\ndid not consent: 1"] == -0.5
    assert texts["withdrawn: 1\ndropped: 1\ndid not finish: 1"] == -1.5
    assert texts["surplus: 1\nwithout answers that count: 1"] == -2.5
    assert texts["spoke on the phone: 1"] == -3.5
    assert texts["not among them: bots 1"] == 0


def test_where_the_unfinished_count_the_figure_says_why_more_people_have_answers(own: Survey) -> None:
    figures = pytest.importorskip("survey_site.reports.figures")
    for _ in range(3):
        own.rating(own.participant(state=State.CONSENTED, consented_at=timezone.now()), 0, 3)
    found = analysis.analyse(own.study, Population(unfinished=True))
    assert (found.report["flow"]["finished"], found.report["flow"]["with_answers"]) == (4, 5)
    (axis,) = figures.participant_flow(found.report, found.trials).axes
    assert "surplus: 1\nmore than finished, as the unfinished count: 1" in [t.get_text() for t in axis.texts]


def test_the_page_says_it_too(desk: Client, own: Survey) -> None:
    report = analysis.analyse(own.study).report
    cached_report.store_report(
        cached_report.data_version(own.protocol, Population()), report | {"figures": []}
    )
    page = " ".join(desk.get("/reports/mine/").content.decode().split())
    assert "consented: 7 (left: screened out 1, did not consent 1)" in page
    assert "with answers: 2 (left: surplus 1, without answers that count 1)" in page
