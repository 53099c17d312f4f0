"""What a task type is: the types that one package under `tasks` fills in, and nothing else of the site names a task.

A package is an installed app whose `task.py` holds `TASK`; the setting `STUDY_TASKS` lists the packages. Beside its
code it has, by convention, templates `tasks/<name>/pictures.html` (what stands beside the maps), `answer.html` (the
fields of an answer) and `feedback.html` (what is said after a practice trial). All here is plain data, and functions of
plain data: no Django, no NumPy. What needs NumPy stands in the module that `Task.analysis` names, which the worker of
reports alone loads. docs/architecture.md has a worked example.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from survey_site.design.assessment import DesignFinding
from survey_site.design.task_spec import TaskSpec
from survey_site.statistics.outcome import Outcome
from survey_site.tasks.behaviour import Person, Simulated, SimulatedTrial, Simulator
from survey_site.tasks.settings import TRIALS, Setting, Settings, refuse_setting

Values = dict[str, Any]
"""An answer as it is stored, in JSON: keys are the task's own."""


class AnswerRefused(ValueError):
    """The fields are not an answer to this trial. The code says why: `Task.refusals` has its words."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading an answer may depend on: the study's settings of the task, and how much the trial shows."""

    settings: Settings
    candidates: int = 0
    maps: int = 1


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as read out of a form: its values, or that the participant declined to say (“can't tell”)."""

    values: Values = field(default_factory=dict)
    declined: bool = False


@dataclass(frozen=True, slots=True)
class Truth:
    """What a trial showed, by the keys of images, and what is right: what scoring may depend on.

    pool: candidates in display order. classes: by key of an image, as sealed; empty where none is known.
    first: place of the map that the trial's column describes. expected: the answer of an instructed check.
    label: the class that the network predicts for the target.
    """

    target: str
    pool: tuple[str, ...] = ()
    classes: Mapping[str, str] = field(default_factory=dict)
    first: int = 0
    expected: int | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Scored:
    """A scored answer: `score` is a number within the outcome's bounds, or None where there is none to give.

    values: what is stored as the answer, whose keys the export columns read.
    """

    values: Values
    score: float | None
    second_score: float | None = None


@dataclass(frozen=True, slots=True)
class Chance:
    """The probability that a guess has a score of 1, and a second score of 1; None where there is none, or unknown."""

    score: float | None = None
    second_score: float | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What a trial's page may print: addresses of pictures and texts. Nothing here tells the method or the answer.

    maps: in display order. original: address of the target's photo, made only when asked for. candidates: the pool in
    display order. label: the class that the network predicts, made only when asked for. texts: rendered as they are.
    """

    maps: tuple[str, ...]
    original: Callable[[], str]
    candidates: tuple[str, ...]
    label: Callable[[], str]
    texts: Mapping[str, str]
    settings: Settings
    expected: int | None


@dataclass(frozen=True, slots=True)
class Answered:
    """A practice trial with its answer, for the feedback. truth: what was right; values: what was answered."""

    truth: Truth
    values: Values
    declined: bool
    score: float | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `responses.csv`: the key of the stored answer that it reads, and its entry in the dictionary.

    names: names of images, which stay text in every program, whatever they look like. role: whether it is
    the score (or second score) itself; declined: the value by which a participant declined to answer. By these two a
    file without the column `score` is read again (`tasks.csv_rows`).
    """

    name: str
    description: str
    kind: Literal["string", "integer", "number", "boolean"]
    key: str
    names: bool = False
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    levels: tuple[str, ...] = ()
    role: Literal["", "score", "second_score"] = ""
    declined: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """Sums over the answers of one column (or variant), from the index alone.

    n: answers with a score. total, second_total: sums of the scores. declined: who declined, scored or not.
    """

    n: int = 0
    total: float = 0
    second_total: float = 0
    declined: int = 0
    timeouts: int = 0
    other_missing: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Fact:
    """What the head of a report says of a task: a key of its JSON, and a label for the page; without one, JSON alone."""

    key: str
    value: str | int | float
    label: str = ""


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row below an outcome's estimate in Table 1: its label, and the text of one cell from the cell's data.

    optional: left out where it has no text in any column.
    """

    label: str
    text: Callable[[Mapping[str, Any]], str]
    optional: bool = False


@dataclass(frozen=True, eq=False)
class Task:
    """A task type.

    name: in rows, documents and exports. title: for researchers. settings: beside those of every study.
    spec: what the task asks of a design. findings: what its settings make impossible or unwise.
    read, refusals, score, refuse: an answer from a form's fields; words for the codes of `AnswerRefused`, in the
    participant's language; its score; why stored values are no answer ("" where they are).
    rescore: the score that follows from a stored answer, where that is not what `score` says of its values; raises
    ValueError where the trial does not offer such an answer.
    guess: what guessing gives in a trial, of its own pool; a share of right answers is read against it.
    content, feedback: what the task's templates print. stylesheet: a static file.
    outcome: what Table 1 shows; cell: its JSON from counts, with what `tasks.cells` gives among its keys; rows: further
    rows of the table; caption: the sentence above it; facts: for the head of the report.
    further_score: what a score means for the columns of a trial's other maps; None: an answer counts in the first only.
    columns: of `responses.csv`; those with names of the fixed part fill it, the others stand behind it.
    texts: default texts by language and key, `instructions_<name>` and `begin_<name>` among them. texts_under: of these,
    those that read otherwise under a study's settings.
    planted: what simulated people show, by column; spread: for other columns, lowest and highest. expected: the estimates
    of Table 1's columns that follow from it, where these are not the planted values themselves, since a trial sets
    columns against one another. behave: how a simulated participant answers. answer_place: where the true candidate
    stands, for the leak audit; None where no candidate is the answer. secret: what else of a trial it must not be able
    to tell, as one of a few words, such as whether a prediction is right. analysis: dotted path of the module whose
    `ANALYSIS` is a `statistics.task_analysis.TaskAnalysis`: what the report has of this task beyond its outcome, each
    part of it optional. Without one the report is complete all the same: estimates with intervals, comparisons, odds,
    order effects, balance, multiverse, agreement of whole scores, and the general figures.
    published: the paper's figures by column, as printed.
    """

    name: str
    title: str
    settings: tuple[Setting, ...]
    spec: Callable[[Settings], TaskSpec]
    read: Callable[[Mapping[str, str], Reading], Given]
    score: Callable[[Given, Truth], Scored]
    refuse: Callable[[Values], str]
    content: Callable[[Shown], Mapping[str, Any]]
    feedback: Callable[[Shown, Answered], Mapping[str, Any]]
    refusals: Callable[[], Mapping[str, str]]
    outcome: Outcome
    cell: Callable[[Counts, Settings], dict[str, Any]]
    columns: tuple[Column, ...]
    texts: Mapping[str, Mapping[str, str]]
    headings: Callable[[], Mapping[str, str]]
    behave: Callable[[Simulator, Person, SimulatedTrial], Simulated]
    planted: Mapping[str, float] = field(default_factory=dict)
    spread: tuple[float, float] = (0.0, 1.0)
    expected: Callable[[Mapping[str, float]], Mapping[str, float]] = lambda planted: planted
    rescore: Callable[[Given, Truth], Scored] | None = None
    guess: Callable[[Truth], Chance] = lambda truth: Chance()
    rows: tuple[TableRow, ...] = ()
    caption: Callable[[Settings], str] = lambda settings: ""
    facts: Callable[[Settings], tuple[Fact, ...]] = lambda settings: ()
    further_score: Callable[[float], float] | None = None
    findings: Callable[[Settings], Iterable[DesignFinding]] = lambda settings: ()
    second_counts: Callable[[Settings], bool] = lambda settings: False
    answer_place: Callable[[Truth], int | None] = lambda truth: None
    secret: Callable[[Truth], str] = lambda truth: ""
    stylesheet: str = ""
    texts_under: Callable[[Settings], Mapping[str, Mapping[str, str]]] = lambda settings: {}
    analysis: str = ""
    published: Mapping[str, str] = field(default_factory=dict)

    @property
    def default_settings(self) -> dict[str, Any]:
        """Every setting at its default."""
        return {setting.name: setting.default for setting in self.settings}

    def rescored(self, stored: Given, truth: Truth) -> Scored:
        """What a stored answer must be stored as; raises ValueError where the trial does not offer it."""
        return (self.rescore or self.score)(stored, truth)

    def effective(self, stored: Settings | None) -> dict[str, Any]:
        """The settings of a study, with defaults for those it does not name; a task it does not name has no trials."""
        if stored is None:
            return self.default_settings | {TRIALS: 0}
        return self.default_settings | dict(stored)

    def sealed(self, stored: Settings | None) -> dict[str, Any]:
        """The settings as a document names them."""
        young = {setting.name: setting.default for setting in self.settings if setting.later}
        return {
            name: value
            for name, value in self.effective(stored).items()
            if name not in young or value != young[name]
        }

    def problems(self, stored: Settings) -> dict[str, str]:
        """What is wrong with settings, by setting: one sentence each."""
        return {
            setting.name: problem
            for setting in self.settings
            if (problem := refuse_setting(setting, self.effective(stored)[setting.name]))
        } | {name: "there is no such setting" for name in stored if name not in self.default_settings}


def outcomes(tasks: Sequence[Task]) -> tuple[Outcome, ...]:
    """The outcomes of these tasks, in their order."""
    return tuple(task.outcome for task in tasks)
