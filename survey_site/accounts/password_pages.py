"""The pages “Forgotten password” and “Choose a password”, Django's own in the site's look. Both work without JavaScript."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.forms import PasswordResetForm, SetPasswordForm
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordResetConfirmView, PasswordResetView
from django.http import HttpResponse
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminPasswordWidget

from survey_site.accounts import password_links
from survey_site.studies import audit
from survey_site.studies.models import AuditEntry

ASKED, SET = "password link mailed", "password set by link"
PAUSE = timedelta(minutes=10)  # between two mails to the same person, whoever asks for them


class ForgottenForm(PasswordResetForm):
    """Mails a link to each active researcher of this address; what it answers does not tell whether there is one."""

    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        widget=UnfoldAdminEmailInputWidget(attrs={"autocomplete": "email"}),
    )

    def get_users(self, email: str) -> Iterable[User]:
        since = timezone.now() - PAUSE
        mailed = AuditEntry.objects.filter(verb=ASKED, study=None, at__gt=since).values("user")
        staff = User.objects.filter(is_staff=True, is_active=True, email__iexact=email)
        return staff.exclude(pk__in=mailed.exclude(user=None))

    def save(self, *args: Any, **kwargs: Any) -> None:
        for user in self.get_users(self.cleaned_data["email"]):
            audit.record_of(user.pk, None, ASKED, user.get_username())
            context = {"user": user, "link": password_links.address_of(user), "days": password_links.DAYS}
            self.send_mail(
                "accounts/password_mail_subject.txt",
                "accounts/password_mail.txt",
                context,
                None,  # DEFAULT_FROM_EMAIL
                user.email,
            )


class Forgotten(PasswordResetView):
    """Asks for the address; a site without a mail server says who makes links instead."""

    form_class = ForgottenForm
    template_name = "accounts/forgotten.html"
    success_url = reverse_lazy("admin:login")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        more = {"title": _("Forgotten password"), "mailed": settings.MAIL_IS_SENT}
        return super().get_context_data(**kwargs) | admin.site.each_context(self.request) | more

    def form_valid(self, form: Any) -> HttpResponse:
        if settings.MAIL_IS_SENT:
            messages.success(
                self.request, _("If a researcher has this address, a mail with a link is on its way.")
            )
        return super().form_valid(form) if settings.MAIL_IS_SENT else self.form_invalid(form)


class ChooseForm(SetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})


class Choose(PasswordResetConfirmView):
    """Where a link leads: Django moves its token into the session first, so that no other site is told it."""

    form_class = ChooseForm
    template_name = "accounts/new_password.html"
    success_url = reverse_lazy("admin:login")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = admin.site.each_context(self.request) | super().get_context_data(**kwargs)
        return context | {"title": _("Choose a password"), "who": str(self.user or "")}

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        audit.record_of(form.user.pk, None, SET, form.user.get_username())
        messages.success(self.request, _("Your password is set; sign in with it."))
        return response
