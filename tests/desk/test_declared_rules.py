"""Exclusion rules and analysis plan by fields: what is declared, what stays at its default, what is refused."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from survey_site.desk import plan_fields
from survey_site.desk.plan_fields import RULES, initial, plan_from, rules_from, sentences
from survey_site.protocols import freeze
from survey_site.statistics.plan import SIGNS, AnalysisPlan, QualityRules
from survey_site.studies.models import Study
from survey_site.tasks import registry
from tests import factories
from tests.desk.test_audit_log import fields


def cleaned(form: dict[str, Any]) -> dict[str, Any]:
    """What the fields make of what they show."""
    wanted = plan_fields.fields_of(registry.installed())
    return {name: field.clean(form.get(name)) for name, field in wanted.items()}


def test_a_study_that_declares_nothing_stays_what_it_is() -> None:
    assert rules_from(cleaned(initial({}, {}))) == {}
    assert plan_from(cleaned(initial({}, {})), {}) == {}


def test_every_rule_has_a_field_and_every_sign_its_words() -> None:
    assert {field.name for field in plan_fields.RULE_FIELDS} == set(plan_fields.defaults(RULES))
    assert set(plan_fields.SIGN_NAMES) == set(SIGNS)


DECLARED = st.fixed_dictionaries(
    {},
    optional={
        "failed_checks": st.none() | st.integers(1, 9),
        "rt_min_ms": st.none() | st.integers(0, 10_000),
        "flagged_share": st.none() | st.integers(0, 100).map(lambda n: n / 100),
        "straight_lining": st.booleans(),
        "finish_min_s": st.none() | st.integers(0, 900),
        "signs": st.lists(st.sampled_from(SIGNS), unique=True),
        "signs_share": st.integers(0, 100).map(lambda n: n / 100),
    },
)


@given(rules=DECLARED, level=st.sampled_from([0.9, 0.95, 0.99, 0.995]), margin=st.none() | st.integers(1, 20))
def test_what_the_fields_show_is_what_they_store(rules: Any, level: float, margin: int | None) -> None:
    plan = {"level": level} | ({"margins": {"faith": margin}} if margin else {})
    shown = cleaned(initial(rules, plan))
    again = rules_from(shown)
    assert plan_fields.defaults(RULES) | again == plan_fields.defaults(RULES) | {
        name: tuple(value) if name == "signs" and not value else value for name, value in rules.items()
    }
    QualityRules.from_mapping(again)
    made = AnalysisPlan.from_mapping(plan_from(shown, plan))
    assert (made.level, dict(made.margins)) == (level, {"faith": margin} if margin else {})
    assert all("{}" not in sentence for sentence in sentences(again, plan))


def test_what_the_form_does_not_ask_for_stays_in_the_plan() -> None:
    before = {"controls": ["Edges"], "seed": 4, "margins": {"other": 2.0}}
    assert plan_from(cleaned(initial({}, before)), before) == before


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rules-failed_checks", "0"),
        ("rules-flagged_share", "120"),
        ("rules-rt_min_ms", "-1"),
        ("rules-position_alpha", "2"),
        ("rules-signs_share", ""),
        ("rules-signs", "nonsense"),
        ("plan-level", "10"),
        ("plan-resamples", "7"),
        ("margin-faith", "-3"),
        ("rules-rt_max_ms", "nan"),
    ],
)
def test_a_value_that_cannot_be_is_refused_beside_its_field(
    admin_client: Client, admin_user: User, name: str, value: str
) -> None:
    study = factories.draft(owner=admin_user)
    address = reverse("admin:studies_study_change", args=[study.pk])
    response = admin_client.post(address, fields(admin_client.get(address)) | {name: value, "title": "New"})
    assert name in response.context["adminform"].form.errors
    assert Study.objects.get().title == study.title


@pytest.mark.django_db
@pytest.mark.usefixtures("media")
def test_what_is_declared_in_the_form_is_sealed(admin_client: Client, admin_user: User) -> None:
    study = factories.draft(owner=admin_user)
    address = reverse("admin:studies_study_change", args=[study.pk])
    declared = {
        "rules-failed_checks": "3",
        "rules-signs": ["webdriver"],
        "margin-faith": "10",
        "plan-level": "90",
    }
    assert admin_client.post(address, fields(admin_client.get(address)) | declared).status_code == 302
    sealed = freeze.go_live(Study.objects.get()).document
    assert sealed["exclusion_rules"] == {"failed_checks": 3, "signs": ["webdriver"]}
    assert sealed["analysis_plan"]["level"] == 0.9 and sealed["analysis_plan"]["margins"] == {"faith": 10.0}
