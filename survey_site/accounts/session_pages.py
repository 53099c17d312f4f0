"""The pages “Is it you?” and “Where you are signed in”. Both work without JavaScript."""

from typing import Any

from axes.helpers import get_lockout_response
from django import forms
from django.contrib import admin, auth, messages
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from survey_site.accounts import confirmation, second_factor, sessions
from survey_site.accounts.pages import safe_next
from survey_site.studies import audit


class ConfirmForm(forms.Form):
    password = forms.CharField(
        label=_("Password"),
        max_length=4096,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "current-password", "autofocus": True}),
    )
    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "one-time-code", "spellcheck": "false"}),
    )


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@staff_member_required
def confirm(request: HttpRequest) -> HttpResponse:
    """Asks for the password again, and for a code of who has a second factor; counted and slowed down like signing in."""
    user: Any = request.user
    if second_factor.is_locked_out(request, user):
        return get_lockout_response(request, credentials={"username": user.get_username()})
    form = ConfirmForm(request.POST or None)
    if second_factor.device_of(user) is None:
        del form.fields["code"]
    if request.method == "POST" and form.is_valid():
        if _is_right(request, user, form.cleaned_data):
            confirmation.note(request)
            return redirect(safe_next(request))
        form.add_error(None, _("This is wrong. Nothing was changed; try again."))
    context = admin.site.each_context(request) | {
        "title": _("Is it you?"),
        "form": form,
        "next": safe_next(request),
        "who": user.get_username(),
    }
    return render(request, "accounts/confirm.html", context, status=422 if form.errors else 200)


def _is_right(request: HttpRequest, user: Any, given: dict[str, str]) -> bool:
    found = auth.authenticate(request, username=user.get_username(), password=given["password"])
    if found is None or found.pk != user.pk:
        return False
    return "code" not in given or second_factor.attempt(request, user, given["code"])


@never_cache
@require_http_methods(["GET", "POST"])
@staff_member_required
def signed_in(request: HttpRequest) -> HttpResponse:
    """Every session of the researcher; POST ends all others."""
    here = request.session.session_key
    user: Any = request.user
    if request.method == "POST":
        n = sessions.end_others(user, here)
        audit.record(request, None, "other sessions ended", str(n))
        messages.success(request, ngettext("%d session ended.", "%d sessions ended.", n) % n)
        return redirect("sessions")
    context = admin.site.each_context(request) | {
        "title": _("Where you are signed in"),
        "sessions": sessions.of(user, here),
    }
    return render(request, "accounts/sessions.html", context)
