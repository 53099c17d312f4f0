"""Log-in in two steps for tests: a user enrols, gives the password, then the code."""

from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from survey_site.accounts import second_factor

PASSWORD = "correct horse battery"
LOGIN, STEP, ENROL = "/admin/login/", "/admin/login/second-step/", "/admin/second-factor/"


def enrol(user: User) -> list[str]:
    device = second_factor.begin(user)
    codes = second_factor.confirm(user, code_of(device))
    assert codes
    TOTPDevice.objects.update(last_t=-1)  # the test goes on within the same 30 seconds
    return codes


def code_of(device: TOTPDevice) -> str:
    return f"{totp(device.bin_key):06d}"


def wrong(device: TOTPDevice) -> str:
    near = {totp(device.bin_key, t0=30 * n) for n in (-1, 0, 1)}
    return next(f"{n:06d}" for n in range(9) if n not in near)


def current(user: User) -> str:
    return code_of(TOTPDevice.objects.get(user=user, confirmed=True))


def password(client: Client, name: str = "ada", next_page: str = "/admin/") -> Any:
    return client.post(f"{LOGIN}?next={next_page}", {"username": name, "password": PASSWORD})
