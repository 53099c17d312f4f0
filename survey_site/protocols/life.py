"""Every step of a study's life by its verb, for pages and commands. Which is possible when: studies/states.py."""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from survey_site.protocols import freeze, planned_looks, served_images
from survey_site.protocols.models import Protocol
from survey_site.protocols.served_images import served
from survey_site.studies import states
from survey_site.studies.models import Study
from survey_site.studies.moves import move


def step(
    study: Study,
    verb: states.Verb,
    by: User | None = None,
    reason: str = "",
    seen: str = "",
    told: served_images.Told = served_images.nobody,
) -> Protocol | None:
    """Takes a step; gives the protocol that the study goes live under. reason: of an amendment. seen, told: see go_live.

    Raises StateForbids or NotReady, and then changes nothing.
    """
    if verb in ("live", "pilot"):
        return freeze.go_live(study, by, pilot=verb == "pilot", reason=reason, seen=seen, told=told)
    if verb == "amend":
        states.transition(verb, study.state)
        raise states.StateForbids(
            ["An amendment says what changes: use the page “Amend”, or manage.py amend."]
        )
    with transaction.atomic():
        newest = newest_seal(study)
        if verb in ("reopen", "resume"):
            refuse_ended(study, newest)
            refuse_past_day(study, newest)
        if verb == "reopen":
            refuse_without_pictures(study, newest)
        sealed, pilot = newest is not None, bool(newest and newest.pilot)
        move(study, verb, by.pk if by else None, pilot=pilot, sealed=sealed)
    return None


def newest_seal(study: Study) -> Protocol | None:
    """The newest sealed protocol, its document left in the database."""
    return study.protocols.defer("document").order_by("-version").first()


def refuse_without_pictures(study: Study, newest: Protocol | None) -> None:
    """A study folder holds no served pictures, so that what was imported can be shown to nobody."""
    if study.state == states.State.CLOSED and not (newest and served(newest).exists()):
        raise states.StateForbids(
            [
                f"“{study.title}” was imported, and its pictures as participants received them are not here: it cannot be "
                "reopened. “New version” makes it a draft that can be sealed anew."
            ]
        )


def refuse_ended(study: Study, newest: Protocol | None) -> None:
    """The looks of a sealed stopping rule end a measurement for good: to go on would be a choice made after them."""
    stands = study.state in (states.State.PAUSED, states.State.CLOSED)
    if stands and newest and (why := planned_looks.ended(newest)):
        raise states.StateForbids([why])


def refuse_past_day(study: Study, newest: Protocol | None) -> None:
    """Nobody can consent to identifiers being erased on a day that is past."""
    day = newest.ids_erased_on if newest else None
    if study.state in (states.State.PAUSED, states.State.CLOSED) and day and day <= timezone.localdate():
        raise states.StateForbids(
            [
                f"The consent of this seal says that identifiers are erased on {day}, which has come: nobody can be let in "
                "under it. “New version” makes the study a draft, in which you choose a later day."
            ]
        )
