"""The matching task: pick the photo that a map was made from out of a small pool → Human Faith %."""

from collections.abc import Iterator
from typing import cast

from survey_site.design.design import LARGEST_POOL, SMALLEST_POOL
from survey_site.design.feasibility import DesignFinding
from survey_site.design.pools import Strategy
from survey_site.design.task_spec import TaskSpec
from survey_site.statistics.outcome import Outcome
from survey_site.tasks.contract import Task
from survey_site.tasks.matching import answers, behaviour, columns, forms, points
from survey_site.tasks.matching.texts import ar, en, fr
from survey_site.tasks.settings import TRIALS, Setting, Settings

NAME = "matching"
STRATEGIES: tuple[tuple[Strategy, str], ...] = (
    ("random", "Random"),
    ("one_per_class", "One image per class"),
    ("same_class", "Same class (hard)"),
    ("similar", "Visually similar (by the classifier's features)"),
    ("fixed", "Fixed by the researcher"),
)
OUTCOME = Outcome("faith", NAME, "Human Faith", "share")
SETTINGS = (
    Setting(
        TRIALS,
        "Matching trials per column",
        "Matching trials of a participant for each Table-1 column.",
        "whole",
        1,
        minimum=0,
        maximum=100,
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
    Setting("fixed_pools", "pools by hand", "Lists of stimulus keys, for the strategy “fixed”.", "json", []),
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
    )


def findings(settings: Settings) -> Iterator[DesignFinding]:
    """What no number of images can repair."""
    if not SMALLEST_POOL <= settings["pool_size"] <= LARGEST_POOL:
        allowed = f"{SMALLEST_POOL} to {LARGEST_POOL}"
        text = f"A pool of {settings['pool_size']} images."
        yield DesignFinding("pool_size", text, f"Choose a size of {allowed}.", blocking=True)
    if settings["pool_strategy"] == "same_class" and second_counts(settings):
        yield DesignFinding(
            "headline",
            "In pools of one class every choice is of the right class: Human Faith would be 100 %.",
            "Count the source image as correct, or choose another pool strategy.",
            blocking=True,
        )


def second_counts(settings: Settings) -> bool:
    """Whether an image of the source's class counts as right."""
    return bool(settings["headline"] == "class")


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
    behave=behaviour.behave,
    planted=behaviour.PLANTED,
    spread=(0.55, 0.90),
    analysis="survey_site.tasks.matching.analysis",
)
