"""What the page of a step shows: the same for a participant and for a researcher who previews the study."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from survey_site.tasks import registry
from survey_site.tasks.contract import Answered
from survey_site.trials import presentation
from survey_site.trials.flow import Step
from survey_site.trials.session import Session, TrialRow, positions
from survey_site.trials.window import Window

Content = tuple[str, dict[str, Any]]
"""A template and what it prints."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What was sent to this page and refused: the fields, and per field what is wrong. Both empty at first sight."""

    fields: Mapping[str, str]
    errors: Mapping[str, str]


def step_content(
    session: Session,
    step: Step,
    posted: Posted,
    answered: Callable[[TrialRow], Answered],
    address: Callable[[str], str] = presentation.picture_url,
) -> Content:
    """Template and context of a step. `answered` tells the answer to a trial, `address` the URL of a stored picture."""
    if step.kind == "trial":
        shown = presentation.trial(session, session.rows[step.position], address)
        return "trials/trial.html", {"trial": shown, "error": posted.errors.get("answer", "")}
    if step.is_end:
        return "trials/done.html", {"text": session.texts["done"], "debrief": session.texts["debrief"]}
    if step.name == "demographics":
        asked = [
            (question, posted.fields.get(f"q_{question.name}", ""), posted.errors.get(question.name, ""))
            for question in session.fields
        ]
        return "trials/demographics.html", {"questions": asked}
    if step.name == "feedback":
        row = session.rows[int(step.key.partition("-")[2])]
        told = session.task(row).feedback(presentation.shown_by(session, row, address), answered(row))
        return "trials/feedback.html", {
            "trial": presentation.trial(session, row, address),
            "feedback": told,
        }
    what, name = step.part
    return "trials/page.html", {
        "heading": heading(what, name),
        "text": session.texts[step.name],
        "counted": len(positions(session.rows, name)) if what == "begin" else None,
    }


def heading(what: str, task: str) -> str:
    """The heading of a page between trials."""
    return registry.task(task).headings()[what] if task else _("A short break")


def start_content(
    texts: Mapping[str, str],
    languages: Sequence[tuple[str, str]],
    language: str,
    kept: Mapping[str, str],
    error: str,
    window: Window,
) -> Content:
    """Template and context of the first page. `kept`: what came with the link and goes on with the form."""
    return "trials/start.html", {
        "welcome": texts["welcome"],
        "consent": texts["consent"],
        "languages": languages,
        "language": language,
        "kept": kept,
        "error": error,
        "window": window,
    }


def no_consent_text() -> str:
    """What is said to who starts without having agreed."""
    return _("Please tick the box if you agree to take part. Without it the study cannot begin.")


def refusal_text(code: str) -> str:
    """What a participant is told whose form was no answer, by the code of `AnswerRefused`."""
    words = {code: text for task in registry.installed() for code, text in task.refusals().items()}
    return words.get(code, _("This form is damaged. Reload the page and answer again."))
