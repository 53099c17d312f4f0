"""Simulated participants who play through the real pages, marked as bots; `behaviour` says how they answer."""

from collections.abc import Callable
from dataclasses import dataclass

from survey_site.statistics.answer_scale import CANT_TELL, RATINGS
from survey_site.studies.models import Study
from survey_site.trials.models import Participant, Trial
from survey_site.trials.signed_tokens import position_of
from survey_site.trials.simulation.behaviour import Person, Simulator
from survey_site.trials.simulation.robot import Form, Page, Site, UnexpectedPage


@dataclass(frozen=True, slots=True)
class Played:
    """What became of one simulated participant."""

    code: str
    answers: int
    finished: bool


def play(
    site: Site,
    study: Study,
    simulator: Simulator,
    index: int,
    watch: Callable[[Page, Trial], None] = lambda page, trial: None,
) -> Played:
    """One participant from the start page to the end, or to where the model lets them leave.

    watch: told of every trial page before it is answered, as the leak audit is.
    Raises UnexpectedPage where a page does not lead on: a bot that skipped over an error would hide it.
    """
    person = simulator.person(index)
    page = _start(site, study)
    participant = Participant.objects.get(token=page.address.strip("/").split("/")[-1])
    trials = list(participant.trials.select_related("condition", "stimulus"))
    answers = 0
    while (form := Form(page.html)).found:
        fields = dict(form.hidden)
        if "trial" in fields:
            position = position_of(participant.token, fields["trial"])
            if not person.stays_for(position, len(trials)):
                return Played(participant.code, answers, finished=False)
            watch(page, trials[position])
            fields |= _answer(simulator, person, trials[position])
            answers += 1
        else:
            fields |= {name: offered[0] for name, offered in form.offered.items()}
        page = _expect(site.post(page.address, fields), study)
    return Played(participant.code, answers, finished=True)


def _start(site: Site, study: Study) -> Page:
    address = f"/s/{study.slug}/"
    form = Form(_expect(site.get(f"{address}?bot=1"), study).html)
    return _expect(site.post(address, form.hidden | {"consent": "yes"}), study)


def _expect(page: Page, study: Study) -> Page:
    if page.status != 200:
        raise UnexpectedPage(f"{page.address} of study {study.slug} answered {page.status}")
    return page


def _answer(simulator: Simulator, person: Person, trial: Trial) -> dict[str, str]:
    """The fields of an answer. The bot is told the truth by the database, since it cannot see."""
    column = trial.condition.column if trial.condition else "Original"
    target = trial.stimulus.key
    if trial.attention_check:
        return _check(simulator, person, trial)
    if trial.task == Trial.Task.RATING:
        rated = simulator.rate(person, trial.position, column, target)
        return {"rating": str(rated.rating)} | _measured(rated.rt_ms)
    place = trial.pool.index(trial.stimulus_id)
    matched = simulator.match(person, trial.position, column, target, place, len(trial.pool))
    choice = CANT_TELL if matched.choice is None else str(matched.choice)
    return {"choice": choice} | _measured(matched.rt_ms)


def _check(simulator: Simulator, person: Person, trial: Trial) -> dict[str, str]:
    if trial.task == Trial.Task.RATING:
        expected = trial.expected_rating or 0
        chosen = simulator.check(person, trial.position, expected, len(RATINGS))
        return {"rating": str(chosen)} | _measured(2500)
    place = trial.pool.index(trial.stimulus_id)
    return {"choice": str(simulator.check(person, trial.position, place, len(trial.pool)))} | _measured(2500)


def _measured(rt_ms: int) -> dict[str, str]:
    return {"rt_ms": str(rt_ms), "seen": "yes", "client": "{}"}
