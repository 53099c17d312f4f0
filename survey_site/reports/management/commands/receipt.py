"""`manage.py receipt RECEIPT [CODE]`: are the answers of whoever holds this receipt stored as they were given, or erased?"""

import re
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from survey_site.reports import ledger_check
from survey_site.trials import ledger
from survey_site.trials.models import Participant

SECRET = re.compile("[A-Za-z0-9_-]{1,64}")
DASHES = str.maketrans(
    dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-")
)  # as programs for texts write them


class Command(BaseCommand):
    help = "Says what the site holds for a participant's receipt, and whether it agrees with the code they were given."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("receipt", help="the link of the receipt, or its last part")
        parser.add_argument(
            "code", nargs="?", default="", help="the code that was shown with it, such as 24-1f2e3-…"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        secret = options["receipt"].strip().rstrip("/").rpartition("/")[2]
        known = Participant.objects.select_related("study").filter(receipt=secret)
        person = known.first() if SECRET.fullmatch(secret) else None
        if person is None:
            raise CommandError("This receipt fits nothing: no participant of this site was given it.")
        code = ledger.check_code(person)
        given = "".join(options["code"].split()).lower().translate(DASHES)
        if given and given != code:
            raise CommandError(
                f"This code is not that of the receipt: the site has {code}. The answers are not those that were "
                "given when the code was shown, or the code belongs to another receipt.",
                returncode=1,
            )
        for thing in ledger_check.participants(person.study, pk=person.pk):
            if thing.problem:
                raise CommandError(f"{person.study.slug}, {thing.name}: {thing.problem}", returncode=1)
        if person.state == Participant.State.WITHDRAWN:
            done = f"withdrawn, {person.chain_length} answers erased"
        else:
            done = f"{person.chain_length} answers stored"
        agrees = ", as the code says" if given else f"; code {code}"
        self.stdout.write(f"{person.study.slug}, {person.code}: {done}{agrees}; the chain is whole")
