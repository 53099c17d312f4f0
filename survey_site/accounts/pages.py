"""Log-in in two steps, and the page where a researcher enrols a second factor. Everything works without JavaScript."""

import base64
from typing import Any

import segno
from axes.helpers import get_lockout_response
from django import forms
from django.conf import settings
from django.contrib import admin, auth, messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.widgets import UnfoldAdminTextInputWidget

from survey_site.accounts import confirmation, obliged, second_factor
from survey_site.accounts.middleware import half_user
from survey_site.accounts.models import BackupCode
from survey_site.studies import audit


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        widget=UnfoldAdminTextInputWidget(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "text",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
    )


WRONG = _("This code is wrong, used or too old. Wait for the next one and try again.")


@never_cache
@sensitive_post_parameters()
def login(request: HttpRequest) -> HttpResponse:
    """The admin's log-in; whoever has given the password already goes on to the second step."""
    if half_user(request) is not None:
        return redirect(f"{reverse('second_step')}?{urlencode({REDIRECT_FIELD_NAME: safe_next(request)})}")
    return admin.site.login(request)


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def second_step(request: HttpRequest) -> HttpResponse:
    """Asks for a code of the authenticator, or a backup code; counted and locked like passwords."""
    user = half_user(request)
    if user is None:
        return redirect("admin:index" if request.user.is_authenticated else "admin:login")
    if request.POST.get("verb") == "leave":  # the admin's own log-out is for who is in
        auth.logout(request)
        return redirect("admin:login")
    if second_factor.device_of(user) is None:
        return redirect("second_factor")
    if second_factor.is_locked_out(request, user):
        return get_lockout_response(request, credentials={"username": user.get_username()})
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if second_factor.attempt(request, user, form.cleaned_data["code"]):
            return redirect(safe_next(request))
        form.add_error("code", WRONG)
    context = admin.site.each_context(request) | {
        "title": _("Second step"),
        "form": form,
        "next": safe_next(request),
        "who": user.get_username(),
    }
    return render(request, "accounts/second_step.html", context, status=422 if form.errors else 200)


def safe_next(request: HttpRequest) -> str:
    """Where the log-in was on its way to, if that is a page of this site."""
    wanted = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME) or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else reverse("admin:index")


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def enrolment(request: HttpRequest) -> HttpResponse:
    """Enrols, renews backup codes, switches off. Who is obliged and has no device gets no further than here."""
    waiting = half_user(request)
    user: Any = waiting or request.user
    if not (user.is_authenticated and user.is_staff):
        return redirect(f"{reverse('admin:login')}?{urlencode({REDIRECT_FIELD_NAME: request.path})}")
    enrolled = second_factor.device_of(user)
    if waiting is not None and enrolled is not None:
        return redirect("second_step")
    if second_factor.is_locked_out(request, user):
        return get_lockout_response(request, credentials={"username": user.get_username()})
    form = CodeForm(request.POST if request.POST.get("verb") in ("confirm", "codes", "off") else None)
    if request.method == "POST":
        verb = request.POST.get("verb", "")
        if waiting is None and (question := confirmation.asked_first(request)):
            return question
        if verb == "begin" and enrolled is None:
            second_factor.begin(user)
            return redirect("second_factor")
        if verb == "confirm" and enrolled is None and form.is_valid():
            if codes := second_factor.confirm(user, form.cleaned_data["code"]):
                second_factor.admit(request, user, _known(second_factor.device_of(user)))
                audit.record(request, None, "second factor enrolled", user.get_username())
                return _shown(request, user, form, codes)
            form.add_error("code", WRONG)
        elif verb in ("codes", "off") and enrolled is not None and form.is_valid():
            if not second_factor.attempt(request, user, form.cleaned_data["code"]):
                form.add_error("code", WRONG)
            elif verb == "codes":
                audit.record(request, None, "backup codes renewed", user.get_username())
                return _shown(request, user, form, second_factor.new_backup_codes(user))
            elif obliged.required(user):
                messages.error(
                    request, _("You are obliged to use a second factor; it cannot be switched off.")
                )
                return redirect("second_factor")
            else:
                second_factor.remove(user)
                audit.record(request, None, "second factor switched off", user.get_username())
                messages.success(request, _("From now on the password alone logs you in."))
                return redirect("second_factor")
    return _shown(request, user, form)


def _known(device: TOTPDevice | None) -> TOTPDevice:
    assert device is not None
    return device


def _shown(
    request: HttpRequest, user: AbstractBaseUser, form: CodeForm, codes: list[str] | None = None
) -> HttpResponse:
    begun = TOTPDevice.objects.filter(user=user.pk, confirmed=False).first()
    context = admin.site.each_context(request) | {
        "title": _("Second factor"),
        "form": form,
        "codes": codes,
        "enrolled": second_factor.device_of(user),
        "begun": begun,
        "picture": qr(begun.config_url) if begun else "",
        "key": _grouped(begun) if begun else "",
        "left": BackupCode.objects.filter(user=user.pk, used_at=None).count(),
        "required": obliged.required(user),
        "half": half_user(request) is not None,
        "site": settings.OTP_TOTP_ISSUER,
    }
    return render(request, "accounts/second_factor.html", context, status=422 if form.errors else 200)


def qr(text: str) -> str:
    """A QR code as inline SVG: no picture file, no script; dark on light in either colour scheme."""
    drawn: str = segno.make(text, error="m", micro=False).svg_inline(
        scale=5, border=4, dark="#000", light="#fff", title="QR code", omitsize=False
    )
    return mark_safe(drawn)  # noqa: S308  (segno escapes; the text is drawn as dots)


def _grouped(device: TOTPDevice) -> str:
    """The key as authenticators let one type it."""
    key = base64.b32encode(device.bin_key).decode().rstrip("=")
    return " ".join(key[i : i + 4] for i in range(0, len(key), 4))
