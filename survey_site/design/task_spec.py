"""What a task asks of a design, as plain data: how many trials, on what images, under which rules."""

from collections.abc import Sequence
from dataclasses import dataclass

from survey_site.design.design import Id
from survey_site.design.pools import Strategy


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """One task of a draft, in the words of designs; trials are per column and participant.

    task: its name. per_column: 0 leaves it out. group: images of one presentation, of which one is the target: a pool,
    or the image alone; they are grouped by `strategy`, or as `fixed_groups` say. fresh: shown only on images that the
    participant has not been shown in any role, so such tasks come first. instructed: answers among which the one to
    give is drawn for an attention check; 0: a check shows the original in place of the map. ranks: explained class of
    each map of a trial, 0 the predicted one, 1 the network's second choice …; the maps of a trial stand under columns
    of their own. together: all stand under the trial's own column instead, and columns whose maps differ in no way by
    class are left out. predictions: the answers are scored by what the network predicts, which the protocol then seals.
    half_mistaken: half of the images are such that it takes them for something else. outcome, unit: words for what is
    estimated and for a group, in what the designer is told. few_told: whether the designer is told where too few groups
    limit what comparisons hold for. seconds: what a trial takes. salt: what tells this task's random choices from
    another's. exemplar: the target itself is not shown among the candidates, another image of its class is, among images
    of other classes. hard: the groups are those of `strategy` after a search for groups in which synthetic observers fail.
    """

    task: str
    per_column: int
    group: int = 1
    strategy: Strategy = "random"
    fixed_groups: tuple[tuple[Id, ...], ...] = ()
    fresh: bool = False
    instructed: int = 0
    ranks: tuple[int, ...] = (0,)
    together: bool = False
    predictions: bool = False
    half_mistaken: bool = False
    outcome: str = ""
    unit: str = "images"
    few_told: bool = False
    seconds: float = 10.0
    salt: tuple[str, ...] = ()
    exemplar: bool = False
    hard: bool = False

    @property
    def images(self) -> int:
        """Images that a group takes: the candidates, and a target that is not among them."""
        return self.group + self.exemplar

    @property
    def pooled(self) -> bool:
        """Whether the images are shown in groups."""
        return self.group > 1

    @property
    def chance(self) -> float | None:
        """Probability of guessing the target; None without alternatives."""
        return 1 / self.group if self.pooled else None


def active(tasks: Sequence[TaskSpec]) -> tuple[TaskSpec, ...]:
    """The tasks that a participant does, in the order of the session: those that need fresh images first."""
    return tuple(sorted((task for task in tasks if task.per_column), key=lambda task: not task.fresh))
