"""What proves that a participant's trials and answers are those that were stored, and all of them.

Every answer is a link of its participant's chain: a salted digest in AnswerLink, apart from the answer. The participant's
row holds where the chain ends, a digest of the planned trials and one of the presentations, all under the row's seal.
Withdrawal takes answers and salts away; the digests that stay tell nothing, and the chain still ends where it did.

The links cost no query: an answer carries them in `ledger`, and the database moves them (trials/triggers.py).
"""

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from survey_site.design import canonical
from survey_site.protocols.models import Protocol
from survey_site.studies import chain_heads, seals
from survey_site.studies.models import ChainHead
from survey_site.studies.sealed_rows import plain_values
from survey_site.trials.models import Participant, Response, Trial

SALT_BYTES = 16
NOT_PLANNED = ("id", "participant_id", "issued_at")
NOT_IN_DIGEST = ("id", "ledger")
SHOWN_DIGITS = 20
"""Of the head, in the check code that participants keep: 80 bits, which nobody finds a second chain for."""


def plan_digest(trials: Iterable[Trial]) -> str:
    """SHA-256 of the planned trials, in the order of their positions; when they were issued is none of the plan."""
    return canonical.sha256([plain_values(trial, NOT_PLANNED) for trial in trials])


def presented(before: str, position: int, at: datetime) -> str:
    """The digest of all presentations, after one more; `before` is empty for the first."""
    return seals.link(before, f"{position} {at.astimezone(UTC).isoformat(timespec='microseconds')}")


def beginning(participant: Participant, protocol_hash: str) -> str:
    """The head of a chain without answers: it names the participant and the sealed protocol."""
    return canonical.sha256(["answers", participant.code, participant.token, protocol_hash])


def begin_arrivals(sender: object, protocol: Protocol, **_: object) -> None:
    """A study that goes live gets the head of its arrivals, so that its first participant need not make it."""
    chain_heads.locked(ChainHead.Kind.ARRIVALS, protocol.study_id)


def arrival(participant: Participant) -> str:
    """The participant's link in the chain of the study's arrivals."""
    return canonical.sha256(["arrival", participant.code, participant.kind])


def digest_of(response: Response, code: str, position: int) -> str:
    """SHA-256 of the answer of this participant to the trial at this position, its salt included."""
    return canonical.sha256([code, position, plain_values(response, NOT_IN_DIGEST)])


def enter(response: Response, participant: Participant, position: int) -> None:
    """Makes an unsaved answer the next link; saving it stores both.

    The caller holds the participant's lock. What else was changed in the row and is not yet stored, the seal covers: it
    is stored in the same transaction.
    """
    response.copy_from_trial()
    response.salt = secrets.token_hex(SALT_BYTES)
    digest = digest_of(response, participant.code, position)
    participant.chain_length += 1
    participant.chain_head = next_head(participant.chain_head, position, digest)
    participant.seal = participant.made_seal()
    response.ledger = moved(participant) | {"position": position, "digest": digest}


def next_head(head: str, position: int, digest: str) -> str:
    """The head of a chain of answers after one more, to the trial at this position."""
    return seals.link(head, f"{position} {digest}")


def moved(participant: Participant) -> dict[str, Any]:
    """What the database writes into the participant's row with an answer."""
    return {
        "number": participant.chain_length,
        "head": participant.chain_head,
        "presented": participant.presented,
        "seal": participant.seal,
    }


def check_code(participant: Participant) -> str:
    """Number of answers and beginning of the head, such as `24-1f2e3-4d5c6-b7a89-9a0b1`: what a participant keeps."""
    digits = participant.chain_head[:SHOWN_DIGITS]
    return "-".join([str(participant.chain_length), *(digits[i : i + 5] for i in range(0, len(digits), 5))])
