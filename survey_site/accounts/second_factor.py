"""The second factor: enrolling, checking, losing. The TOTP itself is django-otp's."""

import hashlib
import secrets
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_login_failed
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django_otp import login as otp_login
from django_otp.plugins.otp_totp.models import TOTPDevice

from survey_site.accounts import login_throttle
from survey_site.accounts.models import BackupCode

CODES = 10
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 signs, without those that look alike
LENGTH = 16


def device_of(user: AbstractBaseUser) -> TOTPDevice | None:
    """The user's enrolled device."""
    found: TOTPDevice | None = TOTPDevice.objects.filter(user=user.pk, confirmed=True).first()
    return found


@transaction.atomic
def begin(user: AbstractBaseUser) -> TOTPDevice:
    """A new device that counts once a code of it was given; an earlier unfinished one is dropped."""
    TOTPDevice.objects.filter(user=user.pk, confirmed=False).delete()
    device: TOTPDevice = TOTPDevice.objects.create(user_id=user.pk, name="authenticator", confirmed=False)
    return device


@transaction.atomic
def confirm(user: AbstractBaseUser, code: str) -> list[str] | None:
    """Enrols the begun device if the code is its own, and returns the backup codes; None if it is not."""
    device = TOTPDevice.objects.select_for_update().filter(user=user.pk, confirmed=False).first()
    if device is None or not device.verify_token(plain(code)):
        return None
    TOTPDevice.objects.filter(user=user.pk, confirmed=True).delete()
    device.confirmed = True
    device.save()
    return new_backup_codes(user)


@transaction.atomic
def new_backup_codes(user: AbstractBaseUser) -> list[str]:
    """Ten new codes, to be shown this once; the old ones end."""
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(LENGTH)) for _ in range(CODES)]
    BackupCode.objects.filter(user=user.pk).delete()
    BackupCode.objects.bulk_create(BackupCode(user_id=user.pk, digest=digest(code)) for code in codes)
    return ["-".join(code[i : i + 4] for i in range(0, LENGTH, 4)) for code in codes]


def check(user: AbstractBaseUser, code: str) -> TOTPDevice | None:
    """The user's device if the code is its current one or an unused backup code, which it uses up."""
    given = plain(code)
    with transaction.atomic():
        device: TOTPDevice | None = (
            TOTPDevice.objects.select_for_update().filter(user=user.pk, confirmed=True).first()
        )
        if device is None:
            return None
        if given.isdecimal() and given.isascii():
            return device if device.verify_token(given) else None
        unused = BackupCode.objects.filter(user=user.pk, digest=digest(given), used_at=None)
        return device if unused.update(used_at=timezone.now()) else None


def attempt(request: HttpRequest, user: AbstractBaseUser, code: str) -> bool:
    """`check` under the log-in throttle, which counts a wrong code as it counts a wrong password."""
    device = check(user, code)
    if device is None:
        user_login_failed.send(
            sender=__name__, credentials={"username": user.get_username()}, request=request
        )
        return False
    admit(request, user, device)
    return True


def is_locked_out(request: HttpRequest, user: AbstractBaseUser) -> bool:
    """Whether too many wrong passwords or codes were given for this name."""
    return not AxesProxyHandler.is_allowed(request, {"username": user.get_username()})


def admit(request: HttpRequest, user: Any, device: TOTPDevice) -> None:
    """The session has passed the second step from here on, under a new key."""
    request.user = user
    request.session.cycle_key()
    otp_login(request, device)
    login_throttle.forget(user.get_username(), request)


@transaction.atomic
def remove(user: AbstractBaseUser) -> bool:
    """Forgets device and codes; False where there were none. Who is obliged enrols anew at the next log-in."""
    BackupCode.objects.filter(user=user.pk).delete()
    deleted, _ = TOTPDevice.objects.filter(user=user.pk).delete()
    return bool(deleted)


def plain(code: str) -> str:
    """What was typed, without the blanks and dashes that help the eye."""
    return "".join(code.split()).replace("-", "").lower()[:40]


def digest(code: str) -> str:
    """80 random bits need no salt and no slow hash."""
    return hashlib.sha256(code.encode()).hexdigest()
