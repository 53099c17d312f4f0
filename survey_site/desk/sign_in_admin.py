"""The desk for sign-ins: who came when, and who was locked out. Superusers only, as Django has it."""

from typing import Any

from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import display

from survey_site.accounts import login_throttle


class LogAdmin(ModelAdmin):
    """What django-axes writes: to read, not to edit. An address is a keyed hash (accounts/client_address.py)."""

    when_empty: Any = ""

    list_display: Any = ("attempt_time", "username", "ip_address", "user_agent")
    list_filter: Any = ()
    search_fields = ("username", "ip_address")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(AccessAttempt)
class FailedSignInAdmin(LogAdmin):
    """Failed attempts to sign in; deleting a row unlocks the account."""

    list_display = ("attempt_time", "username", "failures_since_start", "locked", "ip_address", "user_agent")
    fields = ("attempt_time", "username", "failures_since_start", "ip_address", "user_agent", "path_info")
    actions = ("unlock",)
    when_empty = _(
        "Nobody has failed to sign in. After %d failures a sender waits, ever longer, for this account."
    ) % (settings.AXES_FAILURE_LIMIT)

    @display(description=_("Waits"), boolean=True)
    def locked(self, attempt: AccessAttempt) -> bool:
        wait = login_throttle.FOR_NAME_AND_SENDER.wait(attempt.failures_since_start)  # of this browser alone
        return attempt.attempt_time + wait > timezone.now()

    def get_actions(self, request: HttpRequest) -> Any:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    @admin.action(description=_("Unlock the selected accounts"), permissions=["delete"])
    def unlock(self, request: HttpRequest, chosen: QuerySet[AccessAttempt]) -> None:
        """Forgets every failure under these names, whatever address they came from."""
        names = set(chosen.values_list("username", flat=True))
        AccessAttempt.objects.filter(username__in=names).delete()
        text = ngettext("%d account may try again.", "%d accounts may try again.", len(names)) % len(names)
        self.message_user(request, text, messages.SUCCESS)


@admin.register(AccessLog)
class SignInAdmin(LogAdmin):
    """Who signed in when."""

    fields = ("attempt_time", "logout_time", "username", "ip_address", "user_agent")
    when_empty = _("Nobody has signed in yet.")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
