"""API tokens in the admin: each researcher's own; made once, shown once, revoked, never changed."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from survey_site.accounts import confirmation, tokens
from survey_site.accounts.models import ApiToken
from survey_site.studies import audit
from survey_site.studies.access import visible_studies
from survey_site.studies.models import Study

LASTS = [("30", _("30 days")), ("90", _("90 days")), ("365", _("A year")), ("", _("Until it is revoked"))]


class TokenForm(forms.ModelForm):
    """Only the creation has a form: what a token may do does not change while a program holds it."""

    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=ApiToken.Scope.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("What it may do. It never may more than you do in the study."),
    )
    studies = forms.ModelMultipleChoiceField(
        label=_("Studies"),
        queryset=Study.objects.none(),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    lasts = forms.ChoiceField(
        label=_("Lasts"), choices=LASTS, required=False, initial="90", widget=UnfoldAdminSelectWidget
    )

    class Meta:
        model = ApiToken
        fields = ("name", "scopes", "studies", "all_studies", "lasts")
        widgets = {"name": UnfoldAdminTextInputWidget, "all_studies": UnfoldBooleanWidget}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not cleaned.get("all_studies") and not cleaned.get("studies") and "studies" not in self.errors:
            self.add_error("studies", _("Choose studies, or all."))
        if cleaned.get("all_studies") and cleaned.get("studies"):
            self.add_error("studies", _("Choose either studies or all of them."))
        return cleaned


@admin.register(ApiToken)
class ApiTokenAdmin(ModelAdmin):
    when_empty = _("Create a token here for a script that uses the API; it is shown once.")
    form = TokenForm
    list_display = (
        "name",
        "user",
        "beginning",
        "shown_scopes",
        "shown_studies",
        "shown_state",
        "last_used_at",
    )
    list_select_related = ("user",)
    search_fields = ("name", "beginning", "user__username")
    actions = ("revoke",)
    fields = ("name", "scopes", "studies", "all_studies", "lasts")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        rows: QuerySet[ApiToken] = super().get_queryset(request).prefetch_related("studies")
        return rows if getattr(request.user, "is_superuser", False) else rows.filter(user=request.user.pk)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        made = super().get_form(request, obj, change, **kwargs)
        if obj is None:
            made.base_fields["studies"].queryset = visible_studies(request.user, "view").order_by("title")
        return made

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """One button: the key is what comes next."""
        if question := confirmation.asked_first(request):
            return question
        only_save = {"show_save_and_continue": False, "show_save_and_add_another": False}
        return super().add_view(request, form_url, {**(extra_context or {}), **only_save})

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        read = ("name", "user", "beginning", "shown_scopes", "shown_studies", "shown_state", "created_at",
                "expires_at", "last_used_at", "revoked_at")  # fmt: skip
        return self.fields if obj is None else read

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else self.get_fields(request, obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        mine = not isinstance(obj, ApiToken) or obj.user_id == request.user.pk
        return self.has_module_permission(request) and (
            mine or bool(getattr(request.user, "is_superuser", False))
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # a revoked token stays, to say what it was

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        obj.user_id = request.user.pk  # type: ignore[assignment]
        obj.scopes = sorted(form.cleaned_data["scopes"])
        if days := form.cleaned_data["lasts"]:
            obj.expires_at = timezone.now() + timedelta(days=int(days))
        request._token_key = tokens.give_key(obj)  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        self._record(request, form.instance, "API token made")

    def response_add(
        self, request: HttpRequest, obj: ApiToken, post_url_continue: Any = None
    ) -> HttpResponse:
        """Shows the key in the answer itself: neither the session nor a cookie ever holds it."""
        context = self.admin_site.each_context(request) | {
            "title": _("API token"),
            "token": obj,
            "key": request._token_key,  # type: ignore[attr-defined]
            "opts": self.opts,
        }
        response = render(request, "desk/token_made.html", context)
        response["Cache-Control"] = "no-store"
        return response

    @admin.action(description=_("Revoke"), permissions=["view"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[ApiToken]) -> None:
        working = list(chosen.filter(revoked_at=None))
        for token in working:
            self._record(request, token, "API token revoked")
        count = tokens.revoke(ApiToken.objects.filter(pk__in=[token.pk for token in working]))
        self.message_user(request, _("%d tokens revoked. Programs that hold them are refused now.") % count)

    def _record(self, request: HttpRequest, token: ApiToken, verb: str) -> None:
        detail = f"{token} of {token.user}: {', '.join(token.scopes)}"
        for study in [None] if token.all_studies else token.studies.all():
            audit.record(request, study, verb, detail)

    @display(description=_("Scopes"))
    def shown_scopes(self, token: ApiToken) -> str:
        return ", ".join(token.scopes)

    @display(description=_("Studies"))
    def shown_studies(self, token: ApiToken) -> str:
        return (
            str(_("all"))
            if token.all_studies
            else ", ".join(study.slug for study in token.studies.all()) or "–"
        )

    @display(description=_("State"), label={"works": "success", "ended": ""})
    def shown_state(self, token: ApiToken) -> tuple[str, str]:
        if why := token.ended():
            return "ended", why
        until = f" {token.expires_at:%Y-%m-%d}" if token.expires_at else ""
        return "works", f"{_('works until')}{until}" if until else str(_("works"))
