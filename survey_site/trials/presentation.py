"""What the pages show of a trial: opaque addresses and texts. Nothing here tells method, stimulus or answer."""

import secrets
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from django.template.exceptions import TemplateDoesNotExist
from django.template.loader import get_template
from django.urls import reverse

from survey_site.design.assignment import PRACTICE
from survey_site.tasks.contract import Shown, Task
from survey_site.trials.flow import stretch
from survey_site.trials.models import Participant
from survey_site.trials.session import Session, TrialRow, positions
from survey_site.trials.signed_tokens import picture_token, trial_key

PICTURE_LIFETIME_S = 12 * 3600
AHEAD = 4
"""Trials whose pictures are fetched ahead: so many can be answered while the network is away."""


def picture_url(path: str) -> str:
    return reverse("image", args=[picture_token(path, PICTURE_LIFETIME_S)])


def stop_address(participant: Participant) -> str:
    """Where a participant stops and withdraws; nowhere for the made-up one of a preview."""
    return reverse("stop", args=[participant.token]) if participant.pk else ""


def trial(session: Session, row: TrialRow, address: Callable[[str], str] = picture_url) -> dict[str, Any]:
    """Template context of one presentation. `address`: the URL of a stored picture."""
    frozen, task = session.frozen, session.task(row)
    counted, shown = positions(session.rows, row.task), shown_by(session, row, address)
    return {
        "key": trial_key(session.participant.token, row.position),
        "idempotency_key": secrets.token_urlsafe(12),
        "position": row.position,
        "task": row.task,
        "practice": row.block == PRACTICE,
        "number": counted.index(row.position) + 1 if row.position in counted else 0,
        "total": len(counted),
        "maps": list(shown.maps),
        "timeout_s": frozen.settings["trial_timeout_s"] or "",
        "image_px": frozen.settings["image_px"],
        "stylesheet": task.stylesheet,
        "stop": stop_address(session.participant),
        "templates": templates_of(task),
        **task.content(shown),
    }


def shown_by(session: Session, row: TrialRow, address: Callable[[str], str] = picture_url) -> Shown:
    """What the task's page may print of a trial. `address`: the URL of a stored picture."""
    frozen, classifier = session.frozen, session.classifier(row)
    maps = [shown["map"] for shown in row.maps] or [row.saliency_map]
    return Shown(
        maps=tuple(address(frozen.paths[one]) for one in maps),
        original=lambda: address(frozen.original(row.stimulus, classifier).path),
        candidates=tuple(address(frozen.original(stimulus, classifier).path) for stimulus in row.pool),
        label=lambda: session.label(row),
        texts=session.texts,
        settings=frozen.tasks[row.task],
        expected=row.expected,
    )


@lru_cache(maxsize=32)
def templates_of(task: Task) -> Mapping[str, str]:
    """The task's own templates; what a package leaves out is empty."""
    return {part: _found(f"tasks/{task.name}/{part}.html") for part in ("pictures", "answer", "feedback")}


def _found(template: str) -> str:
    try:
        get_template(template)
    except TemplateDoesNotExist:
        return ""
    return template


def ahead(session: Session, after: int) -> list[TrialRow]:
    """The next trials after a position that no page separates from the current one."""
    step = session.step()
    if step.kind != "trial":
        return []
    run = stretch(session.rows, step.position)
    return [session.rows[position] for position in run[: AHEAD + 1] if position > after]
