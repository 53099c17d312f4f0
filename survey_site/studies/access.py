"""Who may do what with which study: the one place that every page, export and API view asks."""

from typing import Literal

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest

from survey_site.studies.models import Membership, Study

Action = Literal["view", "results", "export", "edit", "recruit", "own"]
Role = Membership.Role

# The owner may do everything, and alone shares the study, hands it over and deletes it.
ROLES: dict[Action, frozenset[str]] = {
    "view": frozenset({Role.EDITOR, Role.ANALYST, Role.ASSISTANT}),
    "results": frozenset({Role.EDITOR, Role.ANALYST}),
    "export": frozenset({Role.EDITOR, Role.ANALYST}),
    "edit": frozenset({Role.EDITOR}),
    "recruit": frozenset({Role.EDITOR, Role.ASSISTANT}),
    "own": frozenset(),
}


def visible_studies(user: AbstractBaseUser | AnonymousUser, action: Action) -> QuerySet[Study]:
    """The studies on which `user` may do `action`: all for a superuser, their own and shared ones for staff."""
    if not (user.is_authenticated and user.is_active and getattr(user, "is_staff", False)):
        return Study.objects.none()
    if getattr(user, "is_superuser", False):
        return Study.objects.all()
    shared = Membership.objects.filter(user=user.pk, role__in=ROLES[action]).values("study")
    return Study.objects.filter(Q(owner=user.pk) | Q(pk__in=shared))


def may(user: AbstractBaseUser | AnonymousUser, action: Action, study_id: int) -> bool:
    """Whether `user` may do `action` on this study."""
    return visible_studies(user, action).filter(pk=study_id).exists()


def may_now(request: HttpRequest, action: Action, study_id: int) -> bool:
    """`may` for the signed-in user, asked of the database once in a request: forms ask for every row."""
    asked: dict[tuple[str, int], bool] = request.__dict__.setdefault("_asked_rights", {})
    key = (action, study_id)
    if key not in asked:
        asked[key] = may(request.user, action, study_id)
    return asked[key]


def is_owner(request: HttpRequest, study: Study) -> bool:
    """Only the owner and superusers share a study, hand it on, delete its draft, or bring models of their own."""
    return study.owner_id == request.user.pk or is_superuser(request)


def is_superuser(request: HttpRequest) -> bool:
    """Whether accounts and sign-ins are this user's to see."""
    return bool(getattr(request.user, "is_superuser", False))


def study_or_404(request: HttpRequest, slug: str, action: Action) -> Study:
    """The study, or 404 for one that does not exist as well as for one that is not shared with the user."""
    study = visible_studies(request.user, action).filter(slug=slug).first()
    if study is None:
        raise Http404("No such study, or it is not shared with you.")
    return study
