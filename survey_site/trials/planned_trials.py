"""A ticket's plan as rows of Trial: keys of the protocol become ids of this database."""

from survey_site.design.assignment import PlannedTrial, plan
from survey_site.trials.frozen_protocol import FrozenProtocol
from survey_site.trials.models import Participant, Trial


def trials_of(participant: Participant, frozen: FrozenProtocol) -> list[Trial]:
    """Unsaved trials of the participant's ticket, positions from 0 over the whole study."""
    assert participant.ticket_number is not None
    planned = plan(frozen.design, participant.ticket_number)
    return [_trial(participant, position, item, frozen) for position, item in enumerate(planned)]


def _trial(participant: Participant, position: int, item: PlannedTrial, frozen: FrozenProtocol) -> Trial:
    stimulus = frozen.stimulus_ids[str(item.target)]
    condition = None if item.condition is None else int(item.condition)
    return Trial(
        participant=participant,
        position=position,
        block=item.block,
        task=item.task,
        condition_id=condition,
        stimulus_id=stimulus,
        saliency_map_id=saliency_map(frozen, item, stimulus),
        maps=shown_maps(frozen, item, stimulus),
        pool=[frozen.stimulus_ids[str(key)] for key in item.pool],
        pool_index=item.pool_index,
        attention_check=item.attention_check,
        expected=item.expected,
        probability=item.probability,
    )


def saliency_map(frozen: FrozenProtocol, item: PlannedTrial, stimulus: int) -> int:
    """The map that the trial's condition describes: of several the first in the order of the plan."""
    condition = None if item.condition is None else int(item.condition)
    rank = item.maps[item.first].rank if item.maps else 0
    return frozen.picture(stimulus, condition, rank).saliency_map


def shown_maps(frozen: FrozenProtocol, item: PlannedTrial, stimulus: int) -> list[dict[str, int]]:
    """All maps of a trial that shows several, in display order; empty where it shows one."""
    return [
        {
            "map": frozen.picture(stimulus, int(shown.condition), shown.rank).saliency_map,
            "condition": int(shown.condition),
            "rank": shown.rank,
        }
        for shown in item.maps
    ]
