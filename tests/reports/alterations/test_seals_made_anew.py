"""What somebody without the key, with a guess of it, or with the key itself can make anew."""

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from survey_site.protocols import freeze
from survey_site.studies import seals
from survey_site.studies.models import AuditEntry, Study
from survey_site.trials import ledger, sealing
from survey_site.trials.models import Participant, Response
from tests.reports.alterations.altered import faults, found_after

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("files")]


def test_a_document_and_its_hash_changed_together(study: Study) -> None:
    def change() -> None:
        protocol = study.protocols.get()
        document = protocol.document
        document["design"]["practice_trials"] = 7
        study.protocols.update(document=document, hash=freeze.canonical.sha256(document))

    found = found_after(study, change, all_of_it=True)
    assert found and "the chain does not end where it did" in "".join(found)


def test_chains_made_anew_with_another_key(study: Study, settings: Any) -> None:
    own = settings.SECRET_KEY

    def forge() -> None:
        Response.objects.update(rt_ms=1)
        settings.SECRET_KEY = "a guess of the key, and a long one at that"
        sealing.seal_study(study)
        settings.SECRET_KEY = own

    found = found_after(study, forge, all_of_it=True)
    assert found and all("another SECRET_KEY" in fault for fault in found)


def codes() -> list[str]:
    return [ledger.check_code(person) for person in Participant.objects.order_by("pk")]


def test_after_a_lost_key_everything_is_sealed_again_by_who_vouches_for_it(
    study: Study, settings: Any
) -> None:
    before = codes()
    settings.SECRET_KEY = "the key of the new installation, long enough"
    assert all(seals.OTHER_KEY in fault for fault in faults())
    with pytest.raises(CommandError, match=r"run manage\.py verify, then say --i-vouch-for-the-data"):
        call_command("reseal")
    call_command("reseal", "--i-vouch-for-the-data", stdout=io.StringIO())
    assert faults() == []
    assert codes() == before  # the receipts prove what they proved: no key is in a chain
    Response.objects.filter(pk=Response.objects.latest("pk").pk).update(rt_ms=7)
    call_command("reseal", "--i-vouch-for-the-data", stdout=io.StringIO())
    assert faults() == []
    changed = [code for code, after in zip(before, codes(), strict=True) if code != after]
    assert len(changed) == 1
    assert AuditEntry.objects.filter(study=study, verb="sealed again").count() == 2


def test_verify_without_a_study_looks_at_all_and_at_the_log_of_the_site(study: Study) -> None:
    out = io.StringIO()
    call_command("verify", stdout=out)
    assert (
        "test: all as stored" in out.getvalue() and "the site's log: 1 lines, all as stored" in out.getvalue()
    )
    AuditEntry.objects.filter(study=None).update(detail="elsewhere")
    with pytest.raises(CommandError, match="the site's log: 1 lines, 2 differ"):
        call_command("verify", stdout=out, stderr=io.StringIO())
    assert connection.in_atomic_block
