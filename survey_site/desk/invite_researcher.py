"""Inviting a researcher: an account without a password, and a link by which its owner chooses one, mailed or to copy."""

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from survey_site.accounts import password_links
from survey_site.notifications import mail
from survey_site.notifications.errors import Permanent, Transient
from survey_site.studies import audit


class InviteForm(forms.Form):
    username = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=150,
        validators=[UnicodeUsernameValidator()],
        help_text=gettext_lazy("By this name they sign in, and studies are shared with them."),
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    email = forms.EmailField(
        label=gettext_lazy("E-mail address"),
        required=False,
        help_text=gettext_lazy(
            "For the invitation, forgotten passwords and notifications; empty: none of them."
        ),
        widget=UnfoldAdminEmailInputWidget(attrs={"autocomplete": "off"}),
    )
    by_mail = forms.BooleanField(
        label=gettext_lazy("Mail the link"),
        required=False,
        help_text=gettext_lazy("The link is shown to you as well, once."),
        widget=UnfoldBooleanSwitchWidget(),
    )

    def clean_username(self) -> str:
        name: str = User.normalize_username(self.cleaned_data["username"])
        if User.objects.filter(username__iexact=name).exists():
            raise ValidationError(_("Somebody has this user name already; choose another one."))
        return name

    def clean(self) -> None:
        if self.cleaned_data.get("by_mail") and "email" in self.cleaned_data:
            if not self.cleaned_data["email"]:
                self.add_error("email", _("Write the address that the link shall be mailed to."))
            elif why_not := mail.problem(self.cleaned_data["email"]):
                self.add_error("by_mail", why_not)


def invite(request: HttpRequest) -> HttpResponse:
    """GET asks; a valid POST makes the account and shows its link in the answer itself."""
    form = InviteForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return _page(request, "desk/invite_researcher.html", 422 if form.errors else 200, form=form)
    with transaction.atomic():
        user = User(username=form.cleaned_data["username"], email=form.cleaned_data["email"], is_staff=True)
        user.set_unusable_password()
        user.save()
        audit.record(request, None, "researcher invited", user.username)
    return shown(request, user, by_mail=form.cleaned_data["by_mail"])


def shown(request: HttpRequest, user: User, *, by_mail: bool = False) -> HttpResponse:
    """A fresh link of this account, mailed where wished: neither the session nor a row ever holds it."""
    link = password_links.address_of(user)
    audit.record(request, None, "password link made", user.username)
    mailed = _mail(user, link) if by_mail else ""
    return _page(
        request,
        "desk/password_link.html",
        title=_("A link to choose a password"),
        who=user,
        link=link,
        days=password_links.DAYS,
        mailed=mailed,
    )


def _mail(user: User, link: str) -> str:
    """What became of the mail, in words."""
    text = _(
        "Your user name is %(who)s. By this link, which works once and for %(days)d days, you choose your password:"
    )
    body = f"{text % {'who': user.username, 'days': password_links.DAYS}}\n\n{link}"
    try:
        mail.post(user.email, _("You are invited to Saliency Survey"), body)
    except (Permanent, Transient) as error:
        return _("The mail was not sent; give them the link yourself. %s") % error
    return _("The link was mailed to %s.") % user.email


def _page(request: HttpRequest, template: str, status: int = 200, **context: object) -> HttpResponse:
    whole = admin.site.each_context(request) | {"title": _("Invite a researcher"), **context}
    response = render(request, template, whole, status=status)
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "same-origin"
    return response
