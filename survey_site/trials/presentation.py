"""What the pages show of a trial: opaque addresses and texts. Nothing here tells method, stimulus or answer."""

import secrets
from collections.abc import Callable
from typing import Any

from django.urls import reverse

from survey_site.statistics.answer_scale import CANT_TELL, HIGHEST, LOWEST, RATINGS
from survey_site.trials.flow import stretch
from survey_site.trials.session import Session, TrialRow, positions
from survey_site.trials.signed_tokens import picture_token, trial_key

PICTURE_LIFETIME_S = 12 * 3600
AHEAD = 4
"""Trials whose pictures are fetched ahead: so many can be answered while the network is away."""


def picture_url(path: str) -> str:
    return reverse("image", args=[picture_token(path, PICTURE_LIFETIME_S)])


def trial(session: Session, row: TrialRow, address: Callable[[str], str] = picture_url) -> dict[str, Any]:
    """Template context of one presentation. `address`: the URL of a stored picture."""
    frozen, texts = session.frozen, session.texts
    classifier = frozen.conditions[row.condition][0] if row.condition else ""
    counted = positions(session.rows, row.task)
    matching = row.task == "matching"
    return {
        "key": trial_key(session.participant.token, row.position),
        "idempotency_key": secrets.token_urlsafe(12),
        "position": row.position,
        "task": row.task,
        "practice": row.block == "practice",
        "number": counted.index(row.position) + 1 if row.position in counted else 0,
        "total": len(counted),
        "map_url": address(frozen.paths[row.saliency_map]),
        "original_url": "" if matching else address(frozen.original(row.stimulus, classifier).path),
        "options": [
            {
                "value": place,
                "number": place + 1,
                "url": address(frozen.original(stimulus, classifier).path),
            }
            for place, stimulus in enumerate(row.pool)
        ],
        "question": texts["matching_question" if matching else "rating_question"],
        "low": texts["rating_low"],
        "high": texts["rating_high"],
        "ratings": RATINGS,
        "lowest": LOWEST,
        "highest": HIGHEST,
        "cant_tell": CANT_TELL,
        "expected_rating": row.expected_rating,
        "offer_cant_tell": frozen.settings["offer_cant_tell"],
        "timeout_s": frozen.settings["trial_timeout_s"] or "",
        "image_px": frozen.settings["image_px"],
    }


def ahead(session: Session, after: int) -> list[TrialRow]:
    """The next trials after a position that no page separates from the current one."""
    step = session.step()
    if step.kind != "trial":
        return []
    run = stretch(session.rows, step.position)
    return [session.rows[position] for position in run[: AHEAD + 1] if position > after]
