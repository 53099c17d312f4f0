"""The matching task: pick the photo that a map was made from out of a small pool → Human Faith %."""

from collections.abc import Iterator
from typing import cast

from survey_site.design.assessment import DesignFinding
from survey_site.design.design import LARGEST_POOL, SMALLEST_POOL
from survey_site.design.pools import Strategy
from survey_site.design.task_spec import TaskSpec
from survey_site.statistics.outcome import Outcome
from survey_site.tasks.contract import Task
from survey_site.tasks.matching import answers, behaviour, columns, forms, points
from survey_site.tasks.matching.texts import ar, en, fr
from survey_site.tasks.settings import TRIALS, Setting, Settings, trials_setting

NAME = "matching"
STRATEGIES: tuple[tuple[Strategy, str], ...] = (
    ("random", "Random"),
    ("one_per_class", "One image per class"),
    ("same_class", "Same class (hard)"),
    ("similar", "Visually similar (by the classifier's features)"),
    ("fixed", "Fixed by the researcher"),
)
EXEMPLARS = ("random", "one_per_class", "fixed")  # strategies of pools that show another exemplar
EXCHANGED = ("random", "one_per_class", "same_class")  # strategies that leave a choice of images
OUTCOME = Outcome("faith", NAME, "Human Faith", "share")
SETTINGS = (
    trials_setting(
        "Matching trials per column",
        "Matching trials of a participant for each Table-1 column.",
        1,
    ),
    Setting(
        "pool_size",
        "images in a pool",
        "Candidate images of a matching trial; chance is one in this number.",
        "whole",
        4,
        minimum=SMALLEST_POOL,
        maximum=LARGEST_POOL,
    ),
    Setting(
        "pool_strategy",
        "how pools are made",
        "Which images stand together; the more alike, the harder the matching task.",
        "choice",
        "random",
        choices=STRATEGIES,
    ),
    Setting(
        "fixed_pools",
        "pools by hand",
        "Which images stand together, where the researcher fixes it.",
        "groups",
        [],
    ),
    Setting(
        "offer_cant_tell",
        "offer “I can't tell”",
        "Offer “I can't tell”. It is an answer, and not a correct one.",
        "yes_no",
        True,
    ),
    Setting(
        "headline",
        "a matching answer is right when",
        "For Table 1; the report shows the other beside it.",
        "choice",
        "image",
        choices=(
            ("image", "the source image was picked"),
            ("class", "an image of the source's class was picked"),
        ),
    ),
    Setting(
        "another_exemplar",
        "another exemplar",
        "The pool shows another photo of the source's class among photos of other classes, never the source: the class is "
        "what must be recognised, and the photo's own edges do not help. Needs two images of a class for each pool.",
        "yes_no",
        False,
        later=True,
    ),
    Setting(
        "hard_for_observers",
        "hard for observers",
        "Images are exchanged between pools until synthetic observers fail as often as can be had; the search is asked "
        "for on the page “Check the design”, which says how far it came.",
        "yes_no",
        False,
        later=True,
    ),
)


def spec(settings: Settings) -> TaskSpec:
    """Pools of images that the participant has not seen, of which one is the map's source."""
    return TaskSpec(
        task=NAME,
        per_column=settings[TRIALS],
        group=settings["pool_size"],
        strategy=cast(Strategy, settings["pool_strategy"]),
        fixed_groups=tuple(tuple(pool) for pool in settings["fixed_pools"]),
        fresh=True,
        outcome=OUTCOME.title,
        unit="pools",
        few_told=True,
        seconds=14.0,
        exemplar=settings["another_exemplar"],
        hard=settings["hard_for_observers"],
    )


def findings(settings: Settings) -> Iterator[DesignFinding]:
    """What no number of images can repair."""
    if not SMALLEST_POOL <= settings["pool_size"] <= LARGEST_POOL:
        allowed = f"{SMALLEST_POOL} to {LARGEST_POOL}"
        text = f"A pool of {settings['pool_size']} images."
        yield DesignFinding("pool_size", text, f"Choose a size of {allowed}.", blocking=True)
    yield from _exemplar_findings(settings)
    if settings["hard_for_observers"] and settings["pool_strategy"] not in EXCHANGED:
        yield DesignFinding(
            "hard_for_observers",
            "Pools that are given, by hand or as visually similar ones, are not searched for observers that fail.",
            "Choose another pool strategy, or leave “hard for observers” out.",
            blocking=True,
        )
    if settings["pool_strategy"] == "same_class" and second_counts(settings):
        yield DesignFinding(
            "headline",
            "In pools of one class every choice is of the right class: Human Faith would be 100 %.",
            "Count the source image as correct, or choose another pool strategy.",
            blocking=True,
        )


def _exemplar_findings(settings: Settings) -> Iterator[DesignFinding]:
    if not settings["another_exemplar"]:
        return
    if settings["pool_strategy"] not in EXEMPLARS:
        yield DesignFinding(
            "another_exemplar",
            "Pools of “another exemplar” show images of different classes, of which one is the source's.",
            "Choose the pool strategy “random”, “one image per class” or “fixed”, or leave it out.",
            blocking=True,
        )
    if settings["hard_for_observers"]:
        yield DesignFinding(
            "hard_for_observers",
            "In pools of “another exemplar” the photo's own edges do not help, so there is nothing to search for.",
            "Leave “hard for observers” out.",
            blocking=True,
        )
    if settings["pool_strategy"] == "fixed" and settings["pool_size"] == LARGEST_POOL:
        yield DesignFinding(
            "pool_size",
            f"Pools by hand hold the source beside the {LARGEST_POOL} images that are shown.",
            f"Show {LARGEST_POOL - 1} images at most.",
            blocking=True,
        )


def second_counts(settings: Settings) -> bool:
    """Whether an image of the source's class counts as right."""
    return points.headline(settings) == "class"


def texts_under(settings: Settings) -> dict[str, dict[str, str]]:
    """What participants read where the source is never shown."""
    return {"en": en.EXEMPLAR, "fr": fr.EXEMPLAR, "ar": ar.EXEMPLAR} if points.exemplar(settings) else {}


TASK = Task(
    name=NAME,
    title="Matching",
    settings=SETTINGS,
    spec=spec,
    findings=findings,
    second_counts=second_counts,
    read=answers.read,
    score=answers.score,
    refuse=answers.refuse,
    rescore=answers.rescore,
    guess=answers.guess,
    answer_place=answers.answer_place,
    content=forms.content,
    feedback=forms.feedback,
    refusals=forms.refusals,
    headings=forms.headings,
    stylesheet=f"tasks/{NAME}/trial.css",
    outcome=OUTCOME,
    cell=points.cell,
    rows=points.ROWS,
    caption=points.caption,
    facts=points.facts,
    published=points.PUBLISHED,
    columns=columns.COLUMNS,
    texts={"en": en.TEXTS, "fr": fr.TEXTS, "ar": ar.TEXTS},
    texts_under=texts_under,
    behave=behaviour.behave,
    planted=behaviour.PLANTED,
    spread=(0.55, 0.90),
    analysis="survey_site.tasks.matching.analysis",
)
