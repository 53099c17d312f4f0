"""The report of a study that collects shows one moment: what comes in while it is read belongs to the next one."""

from typing import Any

import pytest
from django.db import connection

from survey_site.reports import analysis
from survey_site.reports.analysis import analyse
from survey_site.reports.cached_report import data_version
from survey_site.reports.one_moment import one_moment
from survey_site.reports.population import Population
from survey_site.trials.models import Response
from tests.reports.factory import Survey, survey
from tests.reports.meanwhile import meanwhile

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def own() -> Survey:
    """Three participants, who rated two columns."""
    mine = survey("mine")
    for number in range(3):
        who = mine.participant()
        for image in (0, 1, 2):
            mine.rating(who, 0, (number + image) % 3, stimulus=mine.stimuli[image])
            mine.rating(who, 1, 4 + number * image % 3, stimulus=mine.stimuli[image])
    return mine


def test_answers_that_come_between_the_reads_belong_to_the_next_report(
    own: Survey, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, read = analysis.trial_columns, []

    def late(*asked: Any) -> Any:
        """The sums are read, the rows are not."""
        meanwhile(lambda: own.rating(own.study.participants.get(code="p01"), 0, 6))
        read.append(Response.objects.count())
        return real(*asked)

    monkeypatch.setattr(analysis, "trial_columns", late)
    for answers, counted in ((18, 9), (19, 10)):
        report = analyse(own.study).report
        assert report["columns"][0]["index"]["n"] == counted
        assert read.pop() == answers and read == []
        assert not connection.in_atomic_block
    assert Response.objects.count() == 20


def test_everything_in_the_report_is_of_that_moment(own: Survey, monkeypatch: pytest.MonkeyPatch) -> None:
    real = analysis.point_report

    def then_somebody_finishes(*asked: Any) -> Any:
        found = real(*asked)
        meanwhile(lambda: own.rating(own.participant(), 0, 6))
        return found

    monkeypatch.setattr(analysis, "point_report", then_somebody_finishes)
    before = data_version(own.protocol, Population())
    found = analyse(own.study)
    assert found.version == before != data_version(own.protocol, Population())
    report = found.report
    assert report["population"]["participants"] == 3
    assert report["flow"]["analysed"] == 3
    assert report["flow"]["finished"] == 3


def test_a_moment_inside_another_is_the_same(own: Survey) -> None:
    with one_moment():
        before = Response.objects.count()
        meanwhile(lambda: own.rating(own.study.participants.get(code="p01"), 0, 6))
        with one_moment():
            assert Response.objects.count() == before
        assert Response.objects.count() == before
    assert Response.objects.count() == before + 1
