"""Researchers and their second factors; API tokens."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from survey_site.accounts import confirmation, obliged, second_factor
from survey_site.accounts.models import MustUseSecondFactor
from survey_site.desk import (
    invite_researcher,
    token_admin,  # noqa: F401  (registers the tokens)
)
from survey_site.studies import audit, changes
from survey_site.studies.access import is_superuser

admin.site.unregister(User)
admin.site.unregister(Group)
admin.site.unregister(TOTPDevice)  # its page would show everybody's secret key


PERSONAL = ("password", "email", "first_name", "last_name", "last_login")  # the log outlives the account
RIGHTS = ("is_superuser", "groups", "user_permissions")


def _groups(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Rights given by name, of a form's values: what it began with, or what was sent."""
    given = ((name, values.get(name)) for name in ("groups", "user_permissions"))
    return {name: sorted(map(str, rows)) for name, rows in given if rows is not None}


def _within_reach(request: HttpRequest, obj: Model | None) -> bool:
    """Whether this account is not above the one that asks."""
    return is_superuser(request) or not getattr(obj, "is_superuser", False)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    """Django's own, in the site's look, with what a lost phone needs."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = (
        "username",
        "email",
        "first_name",
        "last_name",
        "is_staff",
        "is_superuser",
        "shown_second_factor",
    )
    actions_list = ("invite",)
    actions = ("link_to_password", "remove_second_factor", "demand_second_factor", "allow_password_alone")
    filter_horizontal = ()  # Django's pair of boxes is wider than the page, and its hints cannot be read aloud

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Also asked by the page that sets a password: a superuser's is a superuser's to set."""
        return super().has_change_permission(request, obj) and _within_reach(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _within_reach(request, obj)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Whoever left the session open an hour ago is asked first."""
        if question := confirmation.asked_first(request):
            return question
        response: HttpResponse = super().user_change_password(request, id, form_url)
        if request.method == "POST" and response.status_code == 302:
            user = self.get_object(request, id)
            audit.record(request, None, "password set", user.username if user else id)
        return response

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        before = changes.of_row(User.objects.filter(pk=obj.pk).first())
        super().save_model(request, obj, form, change)
        if not change:
            audit.record(request, None, "account saved", f"{obj.username}: new")
            return
        phrases = changes.told(before, changes.of_row(obj), hidden=PERSONAL)
        phrases += changes.told(_groups(form.initial), _groups(form.cleaned_data))
        audit.record_changes(request, None, "account saved", phrases, of=obj.username)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        audit.record(request, None, "account deleted", obj.username)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            audit.record(request, None, "account deleted", user.username)
        super().delete_queryset(request, queryset)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Rights are given by superusers alone: whoever may change users could else give all of them to themselves."""
        found = tuple(super().get_readonly_fields(request, obj))
        return found if is_superuser(request) else (*found, *RIGHTS)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        mine = {"user": OuterRef("pk")}
        rows: QuerySet[User] = super().get_queryset(request)
        return rows.annotate(
            has_device=Exists(TOTPDevice.objects.filter(confirmed=True, **mine)),
            must=Exists(MustUseSecondFactor.objects.filter(**mine)),
        )

    def get_actions(self, request: HttpRequest) -> Any:
        """Whoever could remove a superuser's second factor would be half-way to being one."""
        found = super().get_actions(request)
        if is_superuser(request):
            return found
        return {name: action for name, action in found.items() if name not in UserAdmin.actions}

    def has_invite_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    @action(
        description=_("Invite a researcher"), url_path="invite", permissions=["invite"], icon="person_add"
    )
    def invite(self, request: HttpRequest) -> HttpResponse:
        """Opens a door, hence asks who left the session open."""
        return confirmation.asked_first(request) or invite_researcher.invite(request)

    @admin.action(description=_("Make a link to choose a new password"))
    def link_to_password(self, request: HttpRequest, users: QuerySet[User]) -> HttpResponse | None:
        if question := confirmation.asked_first(request):
            return question
        one = users.first()
        if one is None or users.count() != 1 or not one.is_active:
            self.message_user(
                request, _("Choose one active account: each link is shown once."), messages.ERROR
            )
            return None
        return invite_researcher.shown(request, one)

    @display(description=_("Second factor"), label={"on": "success", "missing": "danger", "off": ""})
    def shown_second_factor(self, user: Any) -> tuple[str, str]:
        if user.has_device:
            return "on", str(_("on"))
        if user.is_staff and (user.must or obliged.required_by_setting(user)):
            return "missing", str(_("demanded, not set up"))
        return "off", str(_("off"))

    @admin.action(description=_("Remove the second factor (lost device)"))
    def remove_second_factor(self, request: HttpRequest, users: QuerySet[User]) -> None:
        removed = [user.username for user in users if second_factor.remove(user)]
        self._record(request, "second factor removed", removed)

    @admin.action(description=_("Demand a second factor"))
    def demand_second_factor(self, request: HttpRequest, users: QuerySet[User]) -> None:
        new = [user for user in users if MustUseSecondFactor.objects.get_or_create(user=user)[1]]
        self._record(request, "second factor demanded", [user.username for user in new])

    @admin.action(description=_("Let the site's setting decide on the second factor"))
    def allow_password_alone(self, request: HttpRequest, users: QuerySet[User]) -> None:
        freed = [user for user in users if MustUseSecondFactor.objects.filter(user=user).delete()[0]]
        self._record(request, "second factor no longer demanded", [user.username for user in freed])

    def _record(self, request: HttpRequest, verb: str, names: list[str]) -> None:
        for name in names:
            audit.record(request, None, verb, name)
        self.message_user(request, f"{verb}: {', '.join(names) or '–'}")


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    """Django's own, in the site's look. Superusers only: a group's rights are those of everybody in it."""

    filter_horizontal = ()
    when_empty = _(
        "Groups give the same rights on the whole site to several accounts. Who may see a study is said in the study."
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_superuser(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)
