"""The rating task: how well a map interprets its photo, 0 to 6 → Interpretability Index."""

from survey_site.design.task_spec import TaskSpec
from survey_site.statistics.outcome import Outcome
from survey_site.tasks.contract import Task
from survey_site.tasks.rating import answers, behaviour, columns, forms, points
from survey_site.tasks.rating.scale import HIGHEST, LOWEST, RATINGS
from survey_site.tasks.rating.texts import ar, en, fr
from survey_site.tasks.settings import TRIALS, Settings, trials_setting

NAME = "rating"
OUTCOME = Outcome(
    "index", NAME, "Interpretability Index", "mean", LOWEST, HIGHEST, places=2, answers="ratings", whole=True
)


def spec(settings: Settings) -> TaskSpec:
    """Single images, those of the pools where there are any; a check names the rating to give."""
    return TaskSpec(
        task=NAME, per_column=settings[TRIALS], instructed=len(RATINGS), outcome=OUTCOME.title, seconds=8.0
    )


TASK = Task(
    name=NAME,
    title="Rating",
    settings=(
        trials_setting(
            "Rating trials per column",
            "Rating trials of a participant for each Table-1 column.",
            4,
        ),
    ),
    spec=spec,
    read=answers.read,
    score=answers.score,
    refuse=answers.refuse,
    content=forms.content,
    feedback=forms.feedback,
    refusals=forms.refusals,
    headings=forms.headings,
    stylesheet=f"tasks/{NAME}/trial.css",
    outcome=OUTCOME,
    cell=points.cell,
    rows=points.ROWS,
    caption=points.caption,
    published=points.PUBLISHED,
    columns=columns.COLUMNS,
    texts={"en": en.TEXTS, "fr": fr.TEXTS, "ar": ar.TEXTS},
    behave=behaviour.behave,
    planted=behaviour.PLANTED,
    spread=(1.5, 4.0),
    analysis="survey_site.tasks.rating.analysis",
)
