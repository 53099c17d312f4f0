"""Reads the choice of a candidate out of a form and scores it. Pure functions of plain data."""

from collections.abc import Mapping

from survey_site.tasks.contract import AnswerRefused, Chance, Given, Reading, Scored, Truth, Values
from survey_site.tasks.fields import whole

CANT_TELL = "cant_tell"
KEYS = {"choice", "choice_class", "correct", "class_correct"}


def read(fields: Mapping[str, str], reading: Reading) -> Given:
    """The place of the chosen candidate, or “can't tell” where it is offered, in the field `choice`.

    Raises AnswerRefused.
    """
    choice = fields.get("choice", "")
    if choice == CANT_TELL and reading.settings["offer_cant_tell"]:
        return Given(declined=True)
    place = whole(choice, range(reading.candidates))
    if place is None:
        raise AnswerRefused("choice")
    return Given({"place": place})


def score(given: Given, truth: Truth) -> Scored:
    """1 where the chosen image is the map's source, else 0; the second score asks for the source's class.

    Where the source is not shown, the one other image of its class stands for it. “I can't tell” is an answer and not
    correct.
    """
    if given.declined:
        return _scored(CANT_TELL, "", False, False)
    place = given.values["place"]
    choice = truth.pool[place]
    chosen, wanted = truth.classes.get(choice, ""), truth.classes.get(truth.target, "")
    right = place == answer_place(truth)
    return _scored(choice, chosen, right, right or (bool(wanted) and chosen == wanted))


def _scored(choice: str, choice_class: str, right: bool, right_class: bool) -> Scored:
    values = {
        "choice": choice,
        "choice_class": choice_class,
        "correct": int(right),
        "class_correct": int(right_class),
    }
    return Scored(values, float(right), float(right_class))


def rescore(stored: Given, truth: Truth) -> Scored:
    """The score that follows from a stored choice. Raises ValueError where the trial does not offer that choice.

    Where the source's class is not known, as in a reconstruction from published sums, nothing says which images are of
    it: the class and the class agreement are taken as they are stored. The source itself is always of its class.
    """
    choice = stored.values["choice"]
    if stored.declined:
        if choice != CANT_TELL:
            raise ValueError(f"who declined has the choice {CANT_TELL}, not {choice!r}")
        return score(Given(declined=True), truth)
    if choice not in truth.pool:
        raise ValueError(f"{choice!r} is not in the trial's pool")
    scored = score(Given({"place": truth.pool.index(choice)}), truth)
    if truth.classes.get(truth.target):
        return scored
    right = bool(scored.values["correct"])
    return _scored(
        choice, stored.values["choice_class"], right, right or bool(stored.values["class_correct"])
    )


def refuse(values: Values) -> str:
    """Why stored values are no choice; empty where they are one."""
    if (
        set(values) != KEYS
        or not values["choice"]
        or not all(isinstance(values[key], str) for key in ("choice", "choice_class"))
    ):
        return f"a choice has {', '.join(sorted(KEYS))}, not {values!r}"
    if not all(type(values[key]) is int and values[key] in (0, 1) for key in ("correct", "class_correct")):
        return f"correct and class_correct are 0 or 1, not {values!r}"
    return ""


def guess(truth: Truth) -> Chance:
    """1 in m; of the class, the share of the pool's images that are of the source's, where all classes are known."""
    if not truth.pool:
        return Chance()
    classes = [truth.classes.get(image, "") for image in truth.pool]
    wanted = truth.classes.get(truth.target, "")
    of_class = classes.count(wanted) / len(classes) if all(classes) and wanted else None
    return Chance(1 / len(truth.pool), of_class)


def answer_place(truth: Truth) -> int | None:
    """Where the source stands in the pool; where it is not shown, the one other image of its class."""
    if truth.target in truth.pool:
        return truth.pool.index(truth.target)
    wanted = truth.classes.get(truth.target, "")
    places = [
        place for place, image in enumerate(truth.pool) if wanted and truth.classes.get(image) == wanted
    ]
    return places[0] if len(places) == 1 else None
