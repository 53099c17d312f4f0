"""The distinction task: which of four maps is of the class that the network predicts? → Distinction %.

Photo and the maps of the network's four likeliest classes, without their names. Whoever picks the map of the predicted
class foresees what the network says: forward prediction. Source: Kim, Meister, Ramaswamy, Fong & Russakovsky 2022, HIVE:
Evaluating the Human Interpretability of Visual Explanations, ECCV (the distinction task).
"""

from survey_site.design.task_spec import TaskSpec
from survey_site.statistics.outcome import Outcome
from survey_site.tasks.contract import Task
from survey_site.tasks.distinction import answers, behaviour, columns, forms, points
from survey_site.tasks.distinction.texts import ar, en, fr
from survey_site.tasks.settings import TRIALS, Setting, Settings, trials_setting

NAME = "distinction"
OUTCOME = Outcome("distinction", NAME, "Distinction", "share")
SETTINGS = (
    trials_setting(
        "Distinction trials per column",
        "Trials of a participant for each Table-1 column whose maps differ by class.",
    ),
    Setting(
        "half_wrong",
        "half of the predictions are wrong",
        "Of half of the images the network predicts another class than the image's; asks for an even number of trials.",
        "yes_no",
        False,
    ),
)


def spec(settings: Settings) -> TaskSpec:
    """Single images, each with maps of four classes by one method. A check names the map to choose."""
    return TaskSpec(
        task=NAME,
        per_column=settings[TRIALS],
        instructed=answers.ASKED,
        ranks=tuple(range(answers.MAPS)),
        together=True,
        predictions=True,
        half_mistaken=settings["half_wrong"],
        outcome=OUTCOME.title,
        few_told=True,
        seconds=14.0,
        salt=(NAME,),
    )


TASK = Task(
    name=NAME,
    title="Distinction",
    settings=SETTINGS,
    spec=spec,
    read=answers.read,
    score=answers.score,
    refuse=answers.refuse,
    guess=answers.guess,
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
    spread=(0.35, 0.60),
    analysis="survey_site.tasks.distinction.analysis",
)
