"""manage.py second_factor USER: removes it after a lost device, or obliges the user to one."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from survey_site.accounts import obliged, second_factor
from survey_site.accounts.models import MustUseSecondFactor
from survey_site.studies import audit


class Command(BaseCommand):
    help = "Shows, removes or demands the second factor of a user; what it changes goes to the audit log."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user")
        chosen = parser.add_mutually_exclusive_group()
        chosen.add_argument(
            "--remove", action="store_true", help="forget device and backup codes (lost device)"
        )
        chosen.add_argument("--require", action="store_true", help="the user must use a second factor")
        chosen.add_argument("--no-require", action="store_true", help="the site's setting decides again")

    def handle(self, **options: Any) -> None:
        users = get_user_model()._default_manager
        user = users.filter(**{get_user_model().USERNAME_FIELD: options["user"]}).first()
        if user is None:
            raise CommandError(f"there is no user {options['user']!r}")
        if options["remove"]:
            if not second_factor.remove(user):
                raise CommandError(f"{user} has no second factor")
            self._record(user, "second factor removed")
        elif options["require"]:
            MustUseSecondFactor.objects.get_or_create(user=user)
            self._record(user, "second factor demanded")
        elif options["no_require"]:
            MustUseSecondFactor.objects.filter(user=user).delete()
            self._record(user, "second factor no longer demanded")
        state = "on" if second_factor.device_of(user) else "off"
        note = ", demanded" if obliged.required(user) else ""
        self.stdout.write(f"second factor of {user}: {state}{note}")

    def _record(self, user: Any, verb: str) -> None:
        audit.record_command(None, verb, user.get_username())
