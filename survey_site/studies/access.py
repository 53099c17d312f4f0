"""Who may do what with which study: the one place that every page, export and API view asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from django.http import Http404, HttpRequest

from survey_site.studies.models import Study

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
    from django.db.models import QuerySet

Action = Literal["view", "results", "export", "edit", "recruit"]


def visible_studies(user: AbstractBaseUser | AnonymousUser, action: Action) -> QuerySet[Study]:
    """The studies on which `user` may do `action`: all for a superuser, their own for staff, else none."""
    if not (user.is_authenticated and user.is_active and getattr(user, "is_staff", False)):
        return Study.objects.none()
    if getattr(user, "is_superuser", False):
        return Study.objects.all()
    return Study.objects.filter(owner=user.pk)


def study_or_404(request: HttpRequest, slug: str, action: Action) -> Study:
    """The study, or 404 for one that does not exist as well as for one that is not shared with the user."""
    study = visible_studies(request.user, action).filter(slug=slug).first()
    if study is None:
        raise Http404("No such study, or it is not shared with you.")
    return study
