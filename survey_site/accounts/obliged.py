"""Who must give a second factor at the door."""

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Exists, OuterRef
from django_otp.plugins.otp_totp.models import TOTPDevice

from survey_site.accounts.models import MustUseSecondFactor


def required(user: AbstractBaseUser) -> bool:
    """Whether the site or an administrator obliges the user to a second factor."""
    return required_by_setting(user) or MustUseSecondFactor.objects.filter(user=user.pk).exists()


def required_by_setting(user: AbstractBaseUser) -> bool:
    wanted = settings.SECOND_FACTOR_REQUIRED
    return wanted == "staff" or (wanted == "superusers" and bool(getattr(user, "is_superuser", False)))


def demanded(user: AbstractBaseUser) -> bool:
    """Whether a session needs a second step: who enrolled, and who is obliged to. One query."""
    if required_by_setting(user):
        return True
    mine = {"user": OuterRef("pk")}
    return (
        get_user_model()
        ._default_manager.filter(
            Exists(TOTPDevice.objects.filter(confirmed=True, **mine))
            | Exists(MustUseSecondFactor.objects.filter(**mine)),
            pk=user.pk,
        )
        .exists()
    )
