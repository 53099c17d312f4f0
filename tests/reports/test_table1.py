"""Point estimates equal a naive computation over the rows, for every way in which an answer may not count."""

import random
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from survey_site.reports.point_report import point_report
from survey_site.reports.point_sums import sums_by_condition
from survey_site.reports.population import Population
from survey_site.reports.table1 import ConditionInfo, columns_of
from survey_site.reports.table1_formats import as_csv
from survey_site.tasks import registry
from survey_site.trials.models import Response
from tests.reports.factory import Survey, survey

pytestmark = pytest.mark.django_db


def cell(report: dict[str, Any], column: int, measure: str) -> dict[str, Any]:
    found: dict[str, Any] = report["columns"][column][measure]
    return found


def test_faith_is_the_share_of_right_answers_and_index_the_mean_rating(small: Survey) -> None:
    who = small.participant()
    for choice in (0, 0, 1):
        small.matching(who, 0, choice)
    for rating in (0, 6, 5):
        small.rating(who, 0, rating)
    report = point_report(small.study)
    faith, index = cell(report, 0, "faith"), cell(report, 0, "index")
    assert (faith["correct"], faith["n"], faith["text"]) == (2, 3, "67")
    assert faith["percent"] == pytest.approx(200 / 3)
    assert (index["sum"], index["n"], index["text"]) == (11, 3, "3.67")
    assert index["mean"] == pytest.approx(11 / 3)


def test_columns_and_their_variants_name_the_family_of_their_methods() -> None:
    keys = {
        "Grad-CAMs": ["gradcam"],
        "IG": ["ig"],
        "mixed": ["rise", "layercam.add-edges"],
        "Edges": ["edges"],
    }
    conditions = [
        ConditionInfo(0, column, order, "VGG16", key.partition(".")[0], "", key, is_reference=not order)
        for order, column in enumerate(keys)
        for key in keys[column]
    ]
    found = columns_of(conditions, {}, [], replicates=False)
    told = {each["column"]: each["family"] for each in found}
    cams = "Class activation maps"
    assert told == {"Grad-CAMs": cams, "IG": "Backpropagation", "mixed": "", "Edges": "Controls"}
    assert [each["family"] for each in found[2]["variants"]] == ["Perturbation", "Activation maps since"]


def test_an_empty_column_is_not_estimable_and_never_zero(small: Survey) -> None:
    small.rating(small.participant(), 0, 0)
    report = point_report(small.study)
    assert cell(report, 0, "index")["mean"] == 0.0
    for column, measure, value in ((1, "faith", "percent"), (1, "index", "mean"), (0, "faith", "percent")):
        assert cell(report, column, measure)["n"] == 0
        assert cell(report, column, measure)[value] is None
        assert cell(report, column, measure)["text"] is None
        assert "no answers" in cell(report, column, measure)["ci_reason"]


def test_halves_are_rounded_up_not_to_even(small: Survey) -> None:
    who = small.participant()
    for i in range(8):
        small.matching(who, 0, 0 if i < 1 else 1)
    for i in range(200):
        small.rating(who, 0, 1 if i < 1 else 0)
    report = point_report(small.study)
    assert cell(report, 0, "faith")["text"] == "13"  # 12.5
    assert cell(report, 0, "index")["text"] == "0.01"  # 0.005


def test_cant_tell_is_wrong_and_a_timeout_is_missing_and_shown_as_wrong_beside_it(small: Survey) -> None:
    who = small.participant()
    small.matching(who, 0, 0)
    small.matching(who, 0, None)
    small.missing(who, 0)
    small.missing(who, 0, why="skipped")
    small.missing(who, 0, task="rating")
    faith, index = (cell(point_report(small.study), 0, m) for m in ("faith", "index"))
    assert (faith["correct"], faith["n"], faith["percent"]) == (1, 2, 50.0)
    assert (faith["cant_tell"], faith["timeouts"], faith["other_missing"]) == (1, 1, 1)
    assert faith["timeouts_as_wrong"] == {"n": 3, "percent": pytest.approx(100 / 3), "text": "33"}
    assert (index["n"], index["mean"], index["timeouts"]) == (0, None, 1)


def test_the_class_of_the_choice_counts_where_the_protocol_says_so() -> None:
    by_class = survey(tasks={"matching": {"headline": "class"}})
    who = by_class.participant()
    by_class.matching(who, 0, 2)  # another cat
    by_class.matching(who, 0, 1)  # a dog
    faith = cell(point_report(by_class.study), 0, "faith")
    assert faith["percent"] == 50.0
    assert (faith["image"]["percent"], faith["class"]["percent"]) == (0.0, 50.0)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"kind": "bot"}, {"bots": True}),
        ({"kind": "preview"}, None),
        ({"state": "withdrawn"}, None),
        ({"state": "consented"}, {"unfinished": True}),
        ({"excluded": True}, {"excluded": True}),
        ({"surplus": True}, None),
    ],
)
def test_only_persons_who_finished_count_unless_asked(
    small: Survey, values: dict[str, Any], wanted: dict[str, bool] | None
) -> None:
    small.rating(small.participant(), 0, 2)
    small.rating(small.participant(**values), 0, 6)
    report = point_report(small.study)
    assert (cell(report, 0, "index")["n"], report["population"]["participants"]) == (1, 1)
    if wanted:
        assert cell(point_report(small.study, Population(**wanted)), 0, "index")["n"] == 2


def test_practice_checks_and_unseen_answers_do_not_count(small: Survey) -> None:
    who = small.participant()
    small.rating(who, 0, 2)
    small.rating(who, 0, 6, block="practice")
    small.rating(who, 0, 6, attention_check=True)
    small.rating(who, 0, 6, seen="no")
    small.rating(who, 0, 4, seen="unknown")
    assert cell(point_report(small.study), 0, "index")["mean"] == 3.0
    small.protocol.document["design"]["count_unknown_seen"] = False
    small.protocol.save()
    assert cell(point_report(small.study), 0, "index")["mean"] == 2.0


def test_answers_under_a_pilot_or_an_older_version_are_apart(small: Survey) -> None:
    small.rating(small.participant(), 0, 2)
    old = small.protocol
    small.protocol = small.study.protocols.create(version=2, hash="cd" * 32, document=old.document)
    small.rating(small.participant(), 0, 5)
    small.protocol = small.study.protocols.create(
        version=3, hash="ef" * 32, document=old.document, pilot=True
    )
    small.rating(small.participant(), 0, 6)
    report = point_report(small.study)
    assert (report["protocol_version"], cell(report, 0, "index")["mean"]) == (2, 5.0)
    assert cell(point_report(small.study, version=1), 0, "index")["mean"] == 2.0
    assert cell(point_report(small.study, version=3), 0, "index")["mean"] == 6.0


def test_a_column_pools_its_variants_and_shows_each() -> None:
    variants = (("Grad-CAMs", "gradcam", ""), ("Grad-CAMs", "gradcampp", ""))
    pooled = survey(columns=(*variants, ("Ours 1", "gradcam", "add-edges")))
    who = pooled.participant()
    pooled.rating(who, 0, 1)
    pooled.rating(who, 1, 2)
    pooled.rating(who, 1, 3)
    report = point_report(pooled.study)
    assert [c["column"] for c in report["columns"]] == ["Grad-CAMs", "Ours 1"]
    assert cell(report, 0, "index")["mean"] == 2.0
    assert [(v["method"], v["index"]["mean"]) for v in report["columns"][0]["variants"]] == [
        ("gradcam", 1.0),
        ("gradcampp", 2.5),
    ]


def test_the_label_of_a_classifier_is_no_formula_in_table_1(small: Survey) -> None:
    small.conditions[1].column, small.conditions[1].column_order = "Grad-CAMs", 0
    small.conditions[1].classifier = "=1+1"
    small.conditions[1].save()
    table = as_csv(point_report(small.study))
    assert ",'=1+1," in table
    assert ",=1+1," not in table


def test_random_answers_give_what_a_loop_over_the_rows_gives(small: Survey) -> None:
    rng = random.Random(5)
    for _ in range(12):
        who = small.participant(
            kind=rng.choice(["person", "person", "bot"]),
            state=rng.choice(["finished", "finished", "consented"]),
            excluded=rng.random() < 0.2,
        )
        for _ in range(6):
            small.matching(who, rng.randrange(2), rng.choice([0, 0, 1, 2, None]))
            small.rating(who, rng.randrange(2), rng.randrange(7), seen=rng.choice(["yes", "no", "unknown"]))
    report = point_report(small.study)
    for number, condition in enumerate(small.conditions):
        right, picks, ratings = 0, 0, []
        for response in Response.objects.select_related("trial__participant", "trial__stimulus"):
            trial, who = response.trial, response.trial.participant
            if who.kind != "person" or who.state != "finished" or who.excluded or response.seen == "no":
                continue
            if trial.condition_id != condition.pk:
                continue
            if trial.task == "matching":
                picks += 1
                right += response.answer["choice"] == trial.stimulus.key
            else:
                ratings.append(response.answer["rating"])
        faith, index = cell(report, number, "faith"), cell(report, number, "index")
        assert (faith["correct"], faith["n"]) == (right, picks)
        assert (index["sum"], index["n"]) == (sum(ratings), len(ratings))


def test_a_study_that_never_went_live_has_a_table_without_numbers() -> None:
    draft = survey("draft")
    draft.protocol.delete()
    report = point_report(draft.study)
    assert report["protocol_hash"] is None
    assert all(c["faith"]["percent"] is None for c in report["columns"])


def test_the_estimates_take_a_constant_number_of_queries(
    small: Survey, django_assert_num_queries: Any
) -> None:
    # Protocol, all versions, those pooled (twice), sums, participants of each version, simulated ones, masking, conditions.
    for _ in range(2):
        for _ in range(3):
            small.rating(small.participant(), 0, 2)
        with django_assert_num_queries(9):
            point_report(small.study)


def test_the_sums_are_read_from_the_index_alone(small: Survey) -> None:
    for _ in range(3):
        small.rating(small.participant(), 0, 2)
    of_one_column = [task for task in registry.installed() if task.further_score is None]
    with CaptureQueriesContext(connection) as queries:
        sums_by_condition(small.protocol, Population(), of_one_column)
    (query,) = [one["sql"] for one in queries if "trials_response" in one["sql"]]
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {query}")
            wanted = "USING COVERING INDEX response_report"
        else:
            # The few rows of a test are cheaper to read whole; forbidden that, the planner shows what it can do.
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
            cursor.execute(f"EXPLAIN {query}")
            wanted = "Index Only Scan using response_report"
        assert any(wanted in str(cell) for row in cursor.fetchall() for cell in row)


def test_a_decline_without_a_score_is_no_value(small: Survey) -> None:
    who = small.participant()
    small.answer(who, "rating", None, {}, declined=True)
    small.rating(who, 0, 5)
    index = cell(point_report(small.study), 0, "index")
    assert (index["n"], index["mean"], index["other_missing"]) == (1, 5.0, 0)
