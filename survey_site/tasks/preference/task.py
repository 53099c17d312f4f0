"""The preference task: which of two maps of one photo explains it better → Preferred %, and Bradley–Terry strengths."""

from survey_site.design.task_spec import TaskSpec
from survey_site.statistics.outcome import Outcome
from survey_site.tasks.contract import Task
from survey_site.tasks.preference import answers, behaviour, columns, duels, forms, points
from survey_site.tasks.preference.texts import ar, en, fr
from survey_site.tasks.settings import TRIALS, Settings, trials_setting

NAME = "preference"
OUTCOME = Outcome("preferred", NAME, "Preferred", "share")


def spec(settings: Settings) -> TaskSpec:
    """Single images; both maps explain the predicted class, under two columns. A check names the map to choose."""
    return TaskSpec(
        task=NAME,
        per_column=settings[TRIALS],
        instructed=answers.MAPS,
        ranks=(0,) * answers.MAPS,
        outcome=OUTCOME.title,
        seconds=9.0,
        salt=(NAME,),
    )


TASK = Task(
    name=NAME,
    title="Preference",
    settings=(
        trials_setting(
            "Preference trials per column",
            "Pairs of maps that a participant compares for each Table-1 column; the rival is drawn among the others.",
        ),
    ),
    spec=spec,
    read=answers.read,
    score=answers.score,
    further_score=answers.further_score,
    refuse=answers.refuse,
    answer_place=lambda truth: truth.first,
    content=forms.content,
    feedback=forms.feedback,
    refusals=forms.refusals,
    headings=forms.headings,
    stylesheet=f"tasks/{NAME}/trial.css",
    outcome=OUTCOME,
    cell=points.cell,
    rows=points.ROWS,
    caption=points.caption,
    columns=columns.COLUMNS,
    texts={"en": en.TEXTS, "fr": fr.TEXTS, "ar": ar.TEXTS},
    behave=behaviour.behave,
    planted=behaviour.PLANTED,
    spread=(0.35, 0.65),
    expected=duels.expected,
    analysis="survey_site.tasks.preference.analysis",
)
