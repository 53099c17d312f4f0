"""Half of a task's images such that the network takes them for something else: which ones, and in what order.

Plain data in, plain data out. Items follow the slots of the Latin square, a stretch of as many items to each slot, and
slots change between the halves with every round of columns: so a participant meets both halves equally often under
every column, whatever the ticket.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from survey_site.design.design import Id


@dataclass(frozen=True, slots=True)
class Predicted:
    """How many images all classifiers take for what they are, for something else, and of how many neither is known.

    An image on which the classifiers differ counts as unknown: it would be right under one condition, wrong under another.
    """

    right: int = 0
    mistaken: int = 0
    unknown: int = 0

    @property
    def known(self) -> int:
        return self.right + self.mistaken

    @property
    def usable(self) -> int:
        """The most images of which half are mistaken."""
        return 2 * min(self.right, self.mistaken)


def predicted(rights: Sequence[bool | None]) -> Predicted:
    """Counted from what is known of each image."""
    return Predicted(rights.count(True), rights.count(False), rights.count(None))


def in_halves(
    right: Sequence[Id], mistaken: Sequence[Id], trials: int, columns: int, groups: int
) -> Iterator[Id]:
    """trials × groups images, half of each kind, in the order of a square's items.

    trials: of a participant, an even multiple of the columns. Each kind must have trials · groups / 2 images.
    """
    kinds = (iter(right), iter(mistaken))
    for slot in range(trials):
        of_kind = kinds[slot // columns % 2]
        for _ in range(groups):
            yield next(of_kind)


def uneven(task: str, per_column: int) -> tuple[str, str]:
    """What is wrong with an odd number of trials, and what to change."""
    below, above = per_column - 1, per_column + 1
    return (
        f"Half of the predictions shown in the task {task} are wrong, and {per_column} trials per column have no half.",
        f"Ask for {f'{below} or {above}' if below else above} trials per column.",
    )


def lacking_halves(task: str, trials: int, found: Predicted) -> tuple[str, str] | None:
    """What the images lack for this many trials of a participant, and what to change; None where they suffice."""
    each = trials // 2
    counts = f"{found.right} images are taken for what they are, {found.mistaken} for something else"
    unknown = f" ({found.unknown} unknown)" if found.unknown else ""
    if min(found.right, found.mistaken) >= each:
        return None
    if not found.known:
        return (
            f"The task {task} shows {each} right and {each} wrong predictions, and it is not known yet what the network "
            f"predicts for any of the {found.unknown} images.",
            "Compute the maps first, and give each image its class.",
        )
    if not found.right:
        return (
            f"The task {task} needs to know which predictions are wrong, but of {found.mistaken} images no prediction is "
            "the image's class: the classes do not seem to be named as the network names them.",
            "Name the classes of the images as the network does, such as “tench”.",
        )
    changes = [
        f"add {each - number} images that the network takes {what}"
        for number, what in ((found.right, "for what they are"), (found.mistaken, "for something else"))
        if number < each
    ]
    return (
        f"The task {task} shows {each} right and {each} wrong predictions, but {counts}{unknown}.",
        f"{' and '.join(changes).capitalize()}, or ask for fewer trials.",
    )
