"""What the key itself forged, `verify` cannot find: a participant's receipt does."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client

from survey_site.studies.models import Study
from survey_site.trials import ledger, sealing
from survey_site.trials.models import Participant, Response
from tests.reports.alterations.altered import faults

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("files")]


def test_what_the_key_itself_forged_the_receipt_finds(study: Study) -> None:
    """Whoever has the database and SECRET_KEY can make all seals anew; not what participants were given."""
    person = Participant.objects.get(state="finished")
    code = ledger.check_code(person)
    said = receipt(person.receipt, code)
    assert (
        said
        == f"test, {person.code}: {person.chain_length} answers stored, as the code says; the chain is whole\n"
    )
    Response.objects.filter(participant=person).update(rt_ms=1)
    sealing.seal_study(study)
    assert faults() == []
    with pytest.raises(CommandError, match="This code is not that of the receipt: the site has"):
        receipt(person.receipt, code)


def receipt(secret: str, *code: str) -> str:
    out = io.StringIO()
    call_command("receipt", secret if "/" in secret else f"http://testserver/w/{secret}/", *code, stdout=out)
    return out.getvalue()


def test_a_receipt_proves_that_answers_were_erased(study: Study, client: Client) -> None:
    person = Participant.objects.get(state="finished")
    code, link = ledger.check_code(person), f"http://testserver/w/{person.receipt}/"
    assert code in client.get(link).content.decode()
    assert f"Answers stored: {person.chain_length}." in client.get(link).content.decode()
    with transaction.atomic():
        Response.objects.filter(participant=person).update(rt_ms=1)
        told = client.get(link).content.decode()
        assert "What is stored is not what you gave." in told and code not in told
        transaction.set_rollback(True)
    page = client.post(link).content.decode()
    assert code in page and f"Answers erased: {person.chain_length}." in page
    assert f"withdrawn, {person.chain_length} answers erased, as the code says" in receipt(link, code)


def test_a_receipt_that_fits_nothing_is_said(study: Study) -> None:
    for wrong in ("x", "http://testserver/w/none/", f"/w/{Participant.objects.latest('pk').token}/"):
        with pytest.raises(
            CommandError, match=r"^This receipt fits nothing: no participant of this site was given it\.$"
        ):
            receipt(wrong)
    first, second = Participant.objects.order_by("pk")[:2]
    with pytest.raises(CommandError, match="belongs to another receipt"):
        receipt(first.receipt, ledger.check_code(second))
    Response.objects.filter(participant=first).update(rt_ms=1)
    with pytest.raises(CommandError, match="the answer to trial 1 was changed"):
        receipt(first.receipt)


@pytest.mark.parametrize(
    "wrong", ["", " ", "/", "é", "\udcff", "a\0b", "x" * 10_000_000, "http://testserver/w/", "'; --", "%00"]
)
def test_whatever_is_no_receipt_fits_nothing(study: Study, wrong: str) -> None:
    with pytest.raises(
        CommandError, match=r"^This receipt fits nothing: no participant of this site was given it\.$"
    ):
        call_command("receipt", wrong)


def test_a_receipt_as_people_copy_it(study: Study) -> None:
    person = Participant.objects.get(state="finished")
    code = ledger.check_code(person)
    for written in (f" {code.upper()}\n", code.replace("-", "\u2011"), code.replace("-", " \u2013 ")):
        assert "as the code says" in receipt(f"  http://testserver/w/{person.receipt}/ \n", written)
    with pytest.raises(CommandError, match="This code is not that of the receipt"):
        receipt(person.receipt, code + "0" * 1_000_000)
    with pytest.raises(CommandError, match="fits nothing"):  # letters of a receipt differ by their case
        receipt(person.receipt.swapcase())
