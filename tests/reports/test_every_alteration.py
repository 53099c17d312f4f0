"""Whatever is changed behind the site's back, `verify` finds: every column of every row, rows gone, swapped or added, files.

The one thing that it cannot find, a change by somebody who has the key and makes every seal anew, a receipt does.
"""

import io
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import closing
from datetime import date, datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import Error, connection, models, transaction
from django.test import Client

from survey_site.protocols import freeze
from survey_site.protocols.models import Protocol, ServedImage
from survey_site.reports import row_check, verify
from survey_site.stimuli.models import MapPicture, SaliencyMap, Stimulus
from survey_site.studies import audit, seals
from survey_site.studies.models import AuditEntry, ChainHead, Condition, Study
from survey_site.trials import ledger, sealing
from survey_site.trials.models import (
    AnswerLink,
    Exposure,
    ExternalId,
    Participant,
    Response,
    Ticket,
    Trial,
)
from tests import factories
from tests.trials.player import begin, fill, play, step, until_trial

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

ROWS: tuple[type[models.Model], ...] = (
    Condition, Stimulus, SaliencyMap, MapPicture, Protocol, ServedImage, Participant, Ticket, Trial, Exposure, Response,
    AnswerLink, ExternalId, AuditEntry, ChainHead,
)  # fmt: skip
NOTHING_RESTS_ON = {
    (Stimulus, "role"),  # the sealed document has it
    (SaliencyMap, "current"),  # which of several a next version would take
}


@pytest.fixture
def study() -> Study:
    """One who finished, one by a panel at the second trial, one who withdrew, one who let the ticket go; a log."""
    made = factories.live(attention_checks=1, images=4, methods=factories.METHODS[:2])
    play(Client(), begin(Client(), "test"))
    client = Client()
    address = begin(client, "test", "?PROLIFIC_PID=abc")
    client.post(address, fill(until_trial(client, address)))
    address = begin(client, "test")
    step(client, address)
    step(client, address)
    client.post(f"/w/{Participant.objects.latest('pk').receipt}/")
    begin(Client(), "test")
    audit.record_command(made, "exported", "responses.csv")
    audit.record_command(None, "looked", "around")
    return made


def faults(study: Study) -> list[str]:
    things = [*verify.findings(study), *row_check.audit_lines(None)]
    return [f"{thing.kind}: {thing.name}: {thing.problem}" for thing in things if thing.problem]


class Undone(Exception):
    """Ends a block whose changes are taken back."""


def row_problems(study: Study) -> Generator[str, None, None]:
    for thing in verify.rows(study):
        if thing.problem:
            yield thing.problem
    yield from [thing.problem for thing in row_check.audit_lines(None) if thing.problem]


def found_after(study: Study, alter: Callable[[], object], *, all_of_it: bool = False) -> list[str] | None:
    """The first (or all) that `verify` finds in the rows after a change, which is taken back.

    None where the database itself refuses the change.
    """
    try:
        with transaction.atomic():
            alter()
            with closing(
                row_problems(study)
            ) as problems:  # its cursors are closed before the change is taken back
                found = list(islice(problems, 1 + 99 * all_of_it))
            raise Undone
    except Undone:
        return found
    except Error:
        return None


def other_value(row: models.Model, field: Any) -> Any:
    """Some other value of the kind that the column holds."""
    value = getattr(row, field.attname)
    if isinstance(field, models.ForeignKey):
        others = field.related_model._base_manager.exclude(pk=value).order_by("-pk")
        return others.values_list("pk", flat=True).first() if value is None or not field.null else None
    if isinstance(field, models.BooleanField):
        return not value
    if field.choices:
        return next(key for key, _ in field.flatchoices if key != value)
    if isinstance(field, models.JSONField):
        return [*value, 1] if isinstance(value, list) else {**(value or {}), "x": 1}
    if isinstance(field, models.DateTimeField):
        return (value or datetime.fromisoformat("2031-01-01T00:00+00:00")) + timedelta(microseconds=1)
    if isinstance(field, models.DateField):
        return (value or date(2031, 1, 1)) + timedelta(days=1)
    if isinstance(field, models.IntegerField | models.FloatField):
        return 1 if value is None else value + 1
    return f"{value[:-1]}{'b' if value.endswith('a') else 'a'}" if value else "a"


def first_and_last(kind: type[models.Model]) -> list[models.Model]:
    rows = kind._base_manager.order_by("pk")
    return list({row.pk: row for row in (rows.first(), rows.last()) if row}.values())


def test_every_column_of_every_row(study: Study) -> None:
    """Of the first and the last of each kind; where the database takes the change."""
    assert faults(study) == []
    unseen, tried = [], Counter[str]()
    for row in chain.from_iterable(map(first_and_last, ROWS)):
        kind = type(row)
        for field in kind._meta.concrete_fields:
            value = other_value(row, field)
            if (
                field.primary_key
                or (kind, field.attname) in NOTHING_RESTS_ON
                or value == getattr(row, field.attname)
            ):
                continue
            change = {field.attname: value}
            found = found_after(study, lambda: kind._base_manager.filter(pk=row.pk).update(**change))  # noqa: B023
            tried[kind.__name__] += found is not None
            if found == []:
                unseen.append(f"{kind.__name__} {row.pk}: {field.attname} = {value!r}")
    assert unseen == []
    assert min(tried[kind.__name__] for kind in ROWS) > 2, tried
    assert faults(study) == []


def raw_delete(rows: models.QuerySet[Any]) -> int:
    """As somebody with a database shell does: no cascade, no signal; foreign keys are looked at when the block ends."""
    return rows._raw_delete(rows.db)


def test_a_row_taken_away(study: Study) -> None:
    """The first, and the last, at which a chain would end as well without it."""
    unseen = []
    for row in chain.from_iterable(map(first_and_last, ROWS)):
        rows = type(row)._base_manager.filter(pk=row.pk)
        if not found_after(study, lambda: raw_delete(rows)):  # noqa: B023
            unseen.append(type(row))
    assert unseen == [ExternalId]  # these go on the day that the consent states


def test_the_end_of_a_chain_taken_away_with_all_that_tells_of_it(study: Study) -> None:
    """The last answer, its link, what came after it, and the numbers in the participant's row set back."""
    person = Participant.objects.get(state="consented", external_id__value="abc")
    link = person.links.latest("number")
    trials = person.trials.filter(position__gt=link.position)

    def cut() -> None:
        raw_delete(Response.objects.filter(trial__participant=person, trial__position=link.position))
        raw_delete(person.links.filter(number=link.number))
        raw_delete(Exposure.objects.filter(trial__in=trials))
        trials.update(issued_at=None)
        head, shown = ledger.beginning(person, person.protocol.hash), ""
        for one in person.links.order_by("number"):
            head = ledger.next_head(head, one.position, one.digest)
        for trial in person.trials.exclude(issued_at=None).order_by("position"):
            assert trial.issued_at is not None
            shown = ledger.presented(shown, trial.position, trial.issued_at)
        Participant.objects.filter(pk=person.pk).update(
            chain_length=link.number - 1, chain_head=head, presented=shown
        )

    (found,) = found_after(study, cut, all_of_it=True) or [""]
    assert found.endswith("it was changed: its seal is not that of what it says")


def test_what_was_changed_is_not_sealed_with_what_the_site_changes_later(
    study: Study, client: Client
) -> None:
    """Before the participant's next answer, the next arrival and the next line of the log."""
    person = Participant.objects.get(external_id__value="abc")
    Participant.objects.filter(pk=person.pk).update(demographics={"age": 99})
    ChainHead.objects.update(length=7)
    play(client, f"/p/{person.token}/")
    begin(Client(), "test")
    audit.record_command(study, "exported", "again")
    audit.record_command(None, "looked", "again")
    told = "it was changed before the site stored it again"
    assert [fault.partition(":")[0] for fault in faults(study) if told in fault] == [
        "participants", "arrivals", "audit", "audit",
    ]  # fmt: skip


def test_a_newcomer_taken_away_as_if_they_had_never_come(study: Study) -> None:
    person = Participant.objects.latest("pk")

    def remove() -> None:
        for rows in (person.trials.all(), person.links.all(), Ticket.objects.filter(participant=person)):
            raw_delete(rows)
        raw_delete(Participant.objects.filter(pk=person.pk))

    assert found_after(study, remove)


def swap(kind: type[models.Model], one: models.Model, two: models.Model, names: list[str]) -> None:
    """The columns change places."""
    here, there = ({name: getattr(row, name) for name in names} for row in (one, two))
    kind._base_manager.filter(pk=two.pk).update(**here)
    kind._base_manager.filter(pk=one.pk).update(**there)


def columns(kind: type[models.Model], *but: str) -> list[str]:
    return [field.attname for field in kind._meta.concrete_fields if field.attname not in ("id", *but)]


SWAPPED: dict[
    type[models.Model], tuple[str, ...]
] = {  # with the columns that the database lets nobody exchange
    Response: ("trial_id",),
    Trial: ("position", "participant_id"),
    Participant: ("token", "code", "receipt"),
    Condition: ("column",),
    Stimulus: ("key", "sha256"),
    SaliencyMap: ("method", "stimulus_id"),
    MapPicture: ("saliency_map_id",),
    ServedImage: ("saliency_map_id", "path"),
    AnswerLink: ("number",),
    AuditEntry: ("number",),
    Ticket: ("number",),
}


def test_two_rows_that_changed_places(study: Study) -> None:
    unseen = []
    for kind, but in SWAPPED.items():
        rows, names = list(kind._base_manager.order_by("pk")), columns(kind, *but)
        pairs = [
            (one, two) for one in rows[:2] for two in rows[-2:]
            if one.pk != two.pk and [getattr(one, n) for n in names] != [getattr(two, n) for n in names]
        ]  # fmt: skip
        assert pairs, kind
        for one, two in pairs:
            if found_after(study, lambda: swap(kind, one, two, names)) == []:  # noqa: B023
                unseen.append((one, two))
    assert unseen == []


def test_ids_of_two_rows_that_changed_places(study: Study) -> None:
    """The rows themselves are whole: only what names them now names another one."""
    for kind in (Stimulus, SaliencyMap, Condition, Participant):
        one, two = kind._base_manager.order_by("pk")[:2]

        def exchange() -> None:
            raw_delete(kind._base_manager.filter(pk__in=[one.pk, two.pk]))  # noqa: B023
            one.pk, two.pk = two.pk, one.pk  # noqa: B023
            models.QuerySet(kind).bulk_create([one, two])  # noqa: B023

        assert found_after(study, exchange), kind


CLEARED: dict[str, Callable[[], object]] = {
    "links": lambda: raw_delete(AnswerLink.objects.all()),
    "chains": lambda: Participant.objects.update(chain_length=0, chain_head="", plan="", presented="", seal=""),
    "heads": lambda: raw_delete(ChainHead.objects.all()),
    "audit numbers": lambda: AuditEntry.objects.update(number=None, digest=""),
    "audit log": lambda: raw_delete(AuditEntry.objects.all()),
    "seals": lambda: [kind._base_manager.update(seal="") for kind in ROWS if hasattr(kind, "seal")],
    "salts": lambda: Response.objects.update(salt=""),
    "a line more": lambda: AuditEntry.objects.create(verb="a line", number=99),
    "an answer more": lambda: Response.objects.create(
        trial=Trial.objects.filter(response=None).last(), missing="skipped", idempotency_key="x"
    ),
    "an exposure more": lambda: Exposure.objects.create(
        participant=Participant.objects.latest("pk"), stimulus=Stimulus.objects.first(), trial=Trial.objects.latest("pk")
    ),
}  # fmt: skip


def test_what_is_cleared_or_added(study: Study) -> None:
    assert [what for what, alter in CLEARED.items() if not found_after(study, alter)] == []


def test_every_file(study: Study, media: Path) -> None:
    """One byte of each kind of file, and the file gone: images, maps, and pictures as participants received them."""
    for folder in ("stimuli", "maps", "served"):
        file = next((media / folder).rglob("*.png"))
        data = file.read_bytes()
        file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        assert any("was changed" in fault for fault in faults(study)), folder
        file.unlink()
        assert any("missing" in fault for fault in faults(study)), folder
        file.write_bytes(data)
    assert faults(study) == []


def test_a_document_and_its_hash_changed_together(study: Study) -> None:
    def change() -> None:
        protocol = Protocol.objects.get()
        document = protocol.document
        document["design"]["practice_trials"] = 7
        Protocol.objects.update(document=document, hash=freeze.canonical.sha256(document))

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


def test_after_a_lost_key_everything_is_sealed_again_by_who_vouches_for_it(
    study: Study, settings: Any
) -> None:
    settings.SECRET_KEY = "the key of the new installation, long enough"
    assert all(seals.OTHER_KEY in fault for fault in faults(study))
    with pytest.raises(CommandError, match=r"run manage\.py verify, then say --i-vouch-for-the-data"):
        call_command("reseal")
    call_command("reseal", "--i-vouch-for-the-data", stdout=io.StringIO())
    assert faults(study) == []
    code = ledger.check_code(Participant.objects.get(state="withdrawn"))
    call_command("reseal", "--i-vouch-for-the-data", stdout=io.StringIO())
    assert ledger.check_code(Participant.objects.get(state="withdrawn")) == code
    assert AuditEntry.objects.filter(study=study, verb="sealed again").count() == 2


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
    assert faults(study) == []
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
