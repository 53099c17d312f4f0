"""The table of a study's states: every step from every state is there, or is refused with what is possible."""

import pytest

from survey_site.studies import states
from survey_site.studies.access import ROLES
from survey_site.studies.states import State

# Written out by hand: by state the steps that can be taken, each with the states after it under a pilot and else.
LIFE = {
    "draft": {"live": "live live", "pilot": "pilot pilot", "archive": "archived archived"},
    "pilot": {
        "live": "live live", "pause": "paused paused", "close": "closed closed", "amend": "pilot pilot",
        "version": "draft draft",
    },
    "live": {"pause": "paused paused", "close": "closed closed", "amend": "live live", "version": "draft draft"},
    "paused": {"resume": "pilot live", "close": "closed closed", "amend": "paused paused", "version": "draft draft"},
    "closed": {
        "reopen": "pilot live", "amend": "closed closed", "version": "draft draft", "archive": "archived archived",
    },
    "archived": {"restore": "closed closed"},
}  # fmt: skip


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("verb", list(states.BY_VERB))
def test_each_step_leads_where_it_should_or_is_refused(state: State, verb: str) -> None:
    if verb in LIFE[state]:
        step = states.transition(verb, state)
        found = [step.leads_to(state, pilot=pilot) for pilot in (True, False)]
        assert " ".join(found) == LIFE[state][verb]
        return
    with pytest.raises(states.StateForbids) as refused:
        states.transition(verb, state)
    said = str(refused.value)
    assert "\n" not in said
    assert said.startswith(f"The study is {state}:")
    for possible in LIFE[state]:
        assert str(states.BY_VERB[possible].title) in said


def test_every_step_is_in_the_table_of_this_test_and_names_a_right() -> None:
    assert set().union(*LIFE.values()) == set(states.BY_VERB)
    assert len(states.BY_VERB) == len(states.TRANSITIONS)
    assert {step.right for step in states.TRANSITIONS} <= set(ROLES)
    assert set(LIFE) == set(State.values)


def test_a_step_that_there_is_not_is_refused_by_its_name() -> None:
    with pytest.raises(states.StateForbids, match="no step “explode”"):
        states.transition("explode", State.LIVE)
