"""Simulated participants who play through the real pages, marked as bots; `behaviour` says how they answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from survey_site.studies.models import Condition, Study
from survey_site.tasks import registry
from survey_site.tasks.behaviour import Person, SimulatedTrial, Simulator
from survey_site.tasks.contract import Truth
from survey_site.tasks.predictions import is_right
from survey_site.trials.frozen_protocol import FrozenProtocol, frozen_protocol
from survey_site.trials.models import Participant, Trial
from survey_site.trials.signed_tokens import bot_token, position_of
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
    columns = dict(Condition.objects.filter(study=study).values_list("pk", "column"))
    keys = dict(study.stimuli.values_list("pk", "key"))
    frozen = frozen_protocol(participant.protocol_id)
    answers = 0
    while (form := Form(page.html)).found:
        fields = dict(form.hidden)
        if "trial" in fields:
            position = position_of(participant.token, fields["trial"])
            if not person.stays_for(position, len(trials)):
                return Played(participant.code, answers, finished=False)
            watch(page, trials[position])
            fields |= _answer(simulator, person, told(trials[position], columns, keys, frozen))
            answers += 1
        else:
            fields |= {name: offered[0] for name, offered in form.offered.items()}
        page = _expect(site.post(page.address, fields), study)
    return Played(participant.code, answers, finished=True)


def _start(site: Site, study: Study) -> Page:
    address = f"/s/{study.slug}/"
    form = Form(_expect(site.get(f"{address}?bot={bot_token(study.slug)}"), study).html)
    return _expect(site.post(address, form.hidden | {"consent": "yes"}), study)


def _expect(page: Page, study: Study) -> Page:
    if page.status != 200:
        raise UnexpectedPage(f"{page.address} of study {study.slug} answered {page.status}")
    return page


def told(
    trial: Trial, columns: Mapping[int, str], keys: Mapping[int, str], frozen: FrozenProtocol
) -> SimulatedTrial:
    """What a bot knows of a trial: the truth, by the database, since it cannot see.

    columns: names by condition; keys: of images by row id.
    """
    pool = tuple(keys[stimulus] for stimulus in trial.pool)
    place = pool.index(trial.stimulus.key) if trial.stimulus.key in pool else None
    if pool and place is None:  # another image stands for the source
        place = registry.task(trial.task).answer_place(
            Truth(trial.stimulus.key, pool, classes=frozen.classes)
        )
    label = frozen.label(trial.stimulus_id, trial.condition.classifier if trial.condition else "")
    return SimulatedTrial(
        task=trial.task,
        position=trial.position,
        column=trial.condition.column if trial.condition else "Original",
        target=trial.stimulus.key,
        pool=pool,
        target_position=place,
        columns=tuple(columns[shown["condition"]] for shown in trial.maps),
        first=trial.first,
        check=trial.attention_check,
        expected=trial.expected,
        predicted_right=is_right(label, frozen.classes.get(trial.stimulus.key, "")),
    )


def _answer(simulator: Simulator, person: Person, trial: SimulatedTrial) -> dict[str, str]:
    """The fields of an answer."""
    answered = registry.task(trial.task).behave(simulator, person, trial)
    return {**answered.fields, "rt_ms": str(answered.rt_ms), "seen": "yes", "client": "{}"}
