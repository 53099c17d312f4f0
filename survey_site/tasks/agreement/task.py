"""The agreement task: is the network's prediction right? → Error detection %, d′ and criterion.

Photo, predicted label and map; how sure that the prediction is right, in four steps. Half of the predictions shown are
wrong. Source: Kim, Meister, Ramaswamy, Fong & Russakovsky 2022, HIVE: Evaluating the Human Interpretability of Visual
Explanations, ECCV (supplement A and C).
"""

from survey_site.design.task_spec import TaskSpec
from survey_site.statistics.outcome import Outcome
from survey_site.tasks.agreement import answers, behaviour, columns, forms, points
from survey_site.tasks.agreement.scale import EXTREMES
from survey_site.tasks.agreement.texts import ar, en, fr
from survey_site.tasks.contract import Task
from survey_site.tasks.settings import TRIALS, Settings, trials_setting

NAME = "agreement"
OUTCOME = Outcome("error_detection", NAME, "Error detection", "share", answers="judgements")


def spec(settings: Settings) -> TaskSpec:
    """Single images, half of them mistaken by the network. A check names one of the two extreme answers."""
    return TaskSpec(
        task=NAME,
        per_column=settings[TRIALS],
        instructed=len(EXTREMES),
        predictions=True,
        half_mistaken=True,
        outcome=OUTCOME.title,
        few_told=True,
        seconds=10.0,
        salt=(NAME,),
    )


TASK = Task(
    name=NAME,
    title="Agreement",
    settings=(
        trials_setting(
            "Agreement trials per column",
            "Predictions that a participant judges for each Table-1 column, an even number: half of them are wrong.",
        ),
    ),
    spec=spec,
    read=answers.read,
    score=answers.score,
    refuse=answers.refuse,
    guess=answers.guess,
    secret=answers.secret,
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
    columns=columns.COLUMNS,
    texts={"en": en.TEXTS, "fr": fr.TEXTS, "ar": ar.TEXTS},
    behave=behaviour.behave,
    planted=behaviour.PLANTED,
    spread=(0.55, 0.70),
    analysis="survey_site.tasks.agreement.analysis",
)
