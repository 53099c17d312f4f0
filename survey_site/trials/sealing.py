"""Seals what is stored as it is now: an imported study, one from before there were seals, or after a key was lost.

Whoever seals vouches for the rows: what was changed before, nobody finds afterwards.
"""

import secrets
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from survey_site.protocols.models import Look, ServedImage
from survey_site.recruitment.models import Recruitment
from survey_site.stimuli.models import MapPicture, ObservedMap, SaliencyMap
from survey_site.studies import audit, chain_heads, seals
from survey_site.studies.models import AuditEntry, ChainHead, Study
from survey_site.trials import ledger, proof
from survey_site.trials.models import AnswerLink, ExternalId, Participant, Response

BATCH = 200


def sealed_rows(study: Study) -> tuple[QuerySet[Any], ...]:
    """Every row of the study that carries a seal of its own, but its participants and the heads of its chains."""
    return (
        Study.objects.filter(pk=study.pk),
        study.texts.all(),
        study.memberships.all(),
        Recruitment.objects.filter(study=study),
        study.conditions.all(),
        study.stimuli.all(),
        SaliencyMap.objects.filter(stimulus__study=study),
        MapPicture.objects.filter(saliency_map__stimulus__study=study),
        ObservedMap.objects.filter(saliency_map__stimulus__study=study),
        study.rehearsals.all(),
        study.protocols.defer("document"),
        ServedImage.objects.filter(protocol__study=study),
        Look.objects.filter(measurement__study=study),
        ExternalId.objects.filter(study=study),
    )


@transaction.atomic
def seal_participants(study: Study) -> int:
    """Makes plans, presentations and chains of all participants anew, and that of their arrivals; returns how many."""
    hashes = dict(study.protocols.values_list("pk", "hash"))
    head = chain_heads.locked(ChainHead.Kind.ARRIVALS, study.pk)
    head.length, head.head, head.doubted = 0, seals.EMPTY, False
    people = Participant.objects.filter(study=study).order_by("pk")
    ids = list(people.values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        batch = list(people.filter(pk__in=ids[start : start + BATCH]).select_for_update(no_key=True))
        _seal(batch, hashes)
        for person in batch:
            head.length, head.head = head.length + 1, seals.link(head.head, ledger.arrival(person))
    head.save()
    return len(ids)


def _seal(batch: list[Participant], hashes: dict[int, str]) -> None:
    """Chains that are whole stay as they are, and so do the codes of their receipts: no key is in them."""
    ids = [person.pk for person in batch]
    named = set(ExternalId.objects.filter(participant__in=ids).values_list("participant", flat=True))
    held = proof.Held(batch)
    links: list[AnswerLink] = []
    salted: list[Response] = []
    broken: list[int] = []
    for person in batch:
        if person.state != Participant.State.WITHDRAWN:
            person.plan, person.presented = ledger.plan_digest(held.trials[person.pk]), ""
            for trial in held.trials[person.pk]:
                if trial.issued_at is not None:
                    person.presented = ledger.presented(person.presented, trial.position, trial.issued_at)
        if any(proof.chain_faults(person, hashes[person.protocol_id], held)):
            answers = [answer for _, answer in held.responses[person.pk]]
            links += _chain_made_anew(person, hashes[person.protocol_id], answers, held.links[person.pk])
            salted += answers
            broken.append(person.pk)
        person.named = person.pk in named
        person.seal = person.made_seal()
    AnswerLink.objects.filter(participant__in=broken).delete()
    AnswerLink.objects.bulk_create(links, batch_size=1000)
    Response.objects.bulk_update(salted, ["salt", "ledger"], batch_size=200)
    Participant.objects.bulk_update(
        batch, ["plan", "presented", "chain_length", "chain_head", "named", "seal"], batch_size=100
    )


def _chain_made_anew(
    person: Participant, protocol_hash: str, answers: list[Response], kept: list[AnswerLink]
) -> list[AnswerLink]:
    """Of the answers as they are, with new salts; of somebody who withdrew the links are all there is."""
    digests = [(link.position, link.digest) for link in kept]
    if person.state != Participant.State.WITHDRAWN:
        digests = []
        for answer in answers:
            answer.salt, answer.ledger = secrets.token_hex(ledger.SALT_BYTES), None
            position = answer.trial.position
            digests.append((position, ledger.digest_of(answer, person.code, position)))
    person.chain_length, person.chain_head = len(digests), ledger.beginning(person, protocol_hash)
    made = []
    for number, (position, digest) in enumerate(digests, 1):
        person.chain_head = ledger.next_head(person.chain_head, position, digest)
        made.append(AnswerLink(participant=person, number=number, position=position, digest=digest))
    return made


@transaction.atomic
def seal_study(study: Study) -> int:
    """Everything of the study that carries a seal; returns how many participants it has."""
    count = seal_participants(study)
    for rows in sealed_rows(study):
        rows.model.objects.seal_again(rows)
    seal_log(study)
    return count


@transaction.atomic
def seal_log(study: Study | None) -> None:
    """The lines of a study's log, or of the site's own, as a chain in the order in which they were written."""
    head = chain_heads.locked(ChainHead.Kind.AUDIT, study.pk if study else None)
    head.length, head.head, head.doubted = 0, seals.EMPTY, False
    lines = list(AuditEntry.objects.filter(study=study).order_by("pk"))
    AuditEntry.objects.filter(study=study).update(number=None)  # each number once, also on the way
    for line in lines:
        line.number, line.actor = head.length + 1, line.actor or line.user_id
        line.digest = audit.digest_of(line)
        head.length, head.head = line.number, seals.link(head.head, line.digest)
    AuditEntry.objects.bulk_update(lines, ["number", "actor", "digest"], batch_size=200)
    head.save()
