"""The pages “Forgotten password” and “Choose a password”. Both work without JavaScript."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import HttpResponse
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from django.views.generic import FormView
from kombu.exceptions import OperationalError
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminPasswordWidget

from survey_site.accounts import password_links
from survey_site.accounts.client_address import marked
from survey_site.accounts.counting import counted
from survey_site.celery import app
from survey_site.studies import audit

SET = "password set by link"
AN_HOUR_S = 3600
MOST_AN_HOUR = 20  # mails that one sender may ask for; a laboratory shares an address


class ForgottenForm(forms.Form):
    """Asks the queue to mail a link to each researcher of this address.

    Whether there is one is looked up there (`notifications.forgotten`): here every address takes the same way, and
    neither the answer nor its time tells.
    """

    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        widget=UnfoldAdminEmailInputWidget(attrs={"autocomplete": "email"}),
    )

    def save(self) -> None:
        """Sends the message; what the broker raises where it is away is the caller's."""
        app.send_task(password_links.MAIL, args=[self.cleaned_data["email"]])


class Forgotten(FormView):
    """Asks for the address; a site without a mail server says who makes links instead."""

    form_class = ForgottenForm
    template_name = "accounts/forgotten.html"
    success_url = reverse_lazy("admin:login")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        more = {"title": _("Forgotten password"), "mailed": settings.MAIL_IS_SENT}
        return super().get_context_data(**kwargs) | admin.site.each_context(self.request) | more

    def form_valid(self, form: Any) -> HttpResponse:
        if not settings.MAIL_IS_SENT:
            return self.form_invalid(form)
        if counted(f"forgotten-{marked(self.request)}", AN_HOUR_S) > MOST_AN_HOUR:
            form.add_error(
                "email",
                _("Too many mails were asked for from here; try again in an hour, or ask an administrator."),
            )
            return self.form_invalid(form)
        try:
            form.save()
        except (OSError, OperationalError):  # of the broker
            form.add_error(
                "email", _("No mail can be sent at the moment; try again later, or ask an administrator.")
            )
            return self.form_invalid(form)
        messages.success(
            self.request, _("If a researcher has this address, a mail with a link is on its way.")
        )
        return super().form_valid(form)


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
