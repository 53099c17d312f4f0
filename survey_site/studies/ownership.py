"""Who owns a study, and handing it on."""

from django.contrib.auth.models import User

from survey_site.studies import audit
from survey_site.studies.editing import editing
from survey_site.studies.models import Membership, Study


class CannotHandOver(ValueError):
    """The study stays with its owner; the message says why in one line."""


def researcher_named(name: str) -> User:
    """The active researcher of this user name; raises CannotHandOver."""
    found = User.objects.filter(username=name, is_staff=True, is_active=True).first()
    if found is None:
        raise CannotHandOver("No researcher has this user name; ask them how theirs is written.")
    return found


def hand_over(study: Study, to: User, by: int | None, *, from_whom: int | None) -> None:
    """Makes somebody the owner, with a line in the log; who owned it before stays as an editor.

    from_whom: the owner that whoever asks has seen. Raises CannotHandOver where it is another by now, or `to` already.
    """
    with editing(study) as now:
        if now.owner_id != from_whom:
            owner = now.owner.username if now.owner else "nobody"
            raise CannotHandOver(
                f"Somebody else handed the study over meanwhile: it belongs to {owner} now, and not to {to.username}."
            )
        if now.owner_id == to.pk:
            raise CannotHandOver(f"The study belongs to {to.username} already.")
        before = now.owner
        Membership.objects.filter(study=now, user=to).delete()
        if before is not None:
            Membership.objects.update_or_create(
                study=now, user=before, defaults={"role": Membership.Role.EDITOR}
            )
        Study.objects.filter(pk=now.pk).change(owner=to)
        told = f"{before.username if before else 'nobody'} → {to.username}"
        audit.record_of(by, now, "owner changed", told)
    study.owner = to
