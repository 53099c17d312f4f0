"""Are a study's participants, presentations and answers as they were stored, and are they all there?

By the seals and chains of trials/ledger.py. What each protects against stands in docs/operations.md.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import QuerySet

from survey_site.reports.checked_thing import CheckedThing
from survey_site.studies import seals
from survey_site.studies.models import ChainHead, Study
from survey_site.studies.unreadable import UNREADABLE
from survey_site.trials import ledger, proof
from survey_site.trials.models import Participant

BATCH = 200


def participants(study: Study, **which: Any) -> Iterator[CheckedThing]:
    """Each participant (or `which`: a filter) with their trials, presentations and chain of answers."""
    hashes = dict(study.protocols.values_list("pk", "hash"))
    rows = Participant.objects.filter(study=study, **which).order_by("pk")
    exposed = study.origin != Study.Origin.RECONSTRUCTION  # there is no telling who saw what
    for batch in _batches(rows):
        held = _held(batch)
        for person in batch:
            mine = held or _held([person])
            if mine is None:
                found = ["what is stored of their trials and answers cannot be read"]
            else:
                found = proof.faults(person, mine, hashes.get(person.protocol_id, ""), exposed=exposed)
            yield CheckedThing("participants", person.code, "; ".join(found))


def _held(batch: Sequence[Participant]) -> proof.Held | None:
    """None where one of their rows cannot be read."""
    try:
        return proof.Held(batch)
    except UNREADABLE:
        return None


def arrivals(study: Study) -> Iterator[CheckedThing]:
    """Whether the participants are those who came, in this order, and nobody is missing."""
    rows = Participant.objects.filter(study=study).order_by("pk").only("code", "kind")
    digests = [ledger.arrival(person) for person in rows.iterator(BATCH)]
    yield from chain(study, ChainHead.Kind.ARRIVALS, digests)


def chain(study: Study | None, kind: str, digests: Sequence[str]) -> Iterator[CheckedThing]:
    """Whether these links make up a chain that ends where its sealed head says."""
    head = ChainHead.objects.filter(study=study, kind=kind).first()
    name = f"of {study.slug if study else 'the site'}"
    if head is None:
        if digests or _has_a_head(study, kind):
            yield CheckedThing(kind, name, f"the head of their chain is gone; {len(digests)} links are there")
        return
    end = seals.EMPTY
    for digest in digests:
        end = seals.link(end, digest)
    found = [head.seal_fault()]
    if head.length != len(digests):
        found.append(f"there are {len(digests)} links, and were {head.length}")
    elif end != head.head:
        found.append("a link was changed or put in another place")
    yield CheckedThing(kind, name, "; ".join(filter(None, found)))


def _has_a_head(study: Study | None, kind: str) -> bool:
    """Going live makes both heads; a study that was put in has that of its arrivals."""
    if study is None or not study.protocols.filter(sealed_at__isnull=False).exists():
        return False
    return kind == ChainHead.Kind.ARRIVALS or study.origin == Study.Origin.COLLECTED


def not_sealed(study: Study) -> int:
    """How many participants have trials that were stored without a digest of their plan, before there was one."""
    here = Participant.objects.filter(study=study, plan="", trials__isnull=False)
    return here.exclude(state=Participant.State.WITHDRAWN).distinct().count()


def _batches(rows: QuerySet[Participant]) -> Iterator[list[Participant]]:
    batch: list[Participant] = []
    for row in rows.iterator(BATCH):
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
