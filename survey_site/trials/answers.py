"""Takes answers in and issues the next presentation: each call is one transaction, acknowledged after its commit."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from math import inf
from typing import Any

from django.db import transaction
from django.utils import timezone

from survey_site.studies import demographics
from survey_site.telemetry import counters
from survey_site.trials import attention_rows, haste, haste_rows, leases, ledger, moving_up
from survey_site.trials.models import Exposure, Participant, Response, Trial
from survey_site.trials.scoring import Answer, client_at_consent, read_answer
from survey_site.trials.session import Session, TrialRow, find
from survey_site.trials.signed_tokens import BadAddress, position_of

log = logging.getLogger(__name__)
State = Participant.State
QUICKEST_MS = (
    100  # between a picture and an answer to it; athletes who start sooner are taken to have guessed
)
CLOCK_MS = 1000  # what a browser's clock may run ahead
RENEW_AFTER = timedelta(seconds=30)


class Conflict(Exception):
    """The trial was answered before with other content, or is not the current one."""


class Ended(Exception):
    """The participant can answer no more: withdrawn, screened out, or the resume link has expired."""


def refuse_ended(participant: Participant, settings: Mapping[str, Any], now: datetime) -> None:
    """Raises Ended where no more answers are taken. A closed study lets its participants finish."""
    if participant.state in (State.WITHDRAWN, State.SCREENED_OUT):
        raise Ended(participant.state)
    seen = participant.last_seen_at or participant.started_at or now
    if participant.state != State.FINISHED and seen + timedelta(days=settings["resume_days"]) < now:
        raise Ended("expired")


def take(token: str, fields: Mapping[str, str]) -> Session | None:
    """Whatever a participant's form says: past a page (`page`), or an answer."""
    return acknowledge(token, fields["page"], fields) if "page" in fields else record(token, fields)


@transaction.atomic
def record(token: str, fields: Mapping[str, str]) -> Session | None:
    """Writes one answer and issues what follows; None where no participant has this token.

    A repeated post with the same key and content is acknowledged again and writes nothing. Raises
    Conflict, Ended, BadAddress (foreign trial) or AnswerRefused (no answer); then nothing is written.
    """
    participant = find(token, lock=True)
    if participant is None:
        return None
    session, now = Session(participant), timezone.now()
    if participant.state == State.WITHDRAWN:
        raise Ended(participant.state)
    position = position_of(token, fields.get("trial", ""))
    if position >= len(session.rows):
        raise BadAddress("This form does not belong to a trial of yours.")
    row = session.rows[position]
    answer = read_answer(fields, session.task(row), session.reading(row))
    if row.answered:
        if (row.key, row.body_hash) == (answer.idempotency_key, answer.body_hash):
            return session
        raise Conflict("answered")
    refuse_ended(participant, session.frozen.settings, now)
    step = session.step()
    if step.kind != "trial" or step.position != position:
        raise Conflict("not_current")
    _issue(session, now)  # nothing to do, unless an imported study was shown without having been issued
    session.answered(position, answer.idempotency_key)
    _issue(session, now)  # before the answer, whose link covers what was presented
    _write(row, answer, session, now)
    _move_on(session, now, first_counted=row.counts and session.counted == 1)
    return session


class _PlaceFree(Exception):
    """A participant beyond the target could move up, for which their study's tickets have to be locked before they are."""


def acknowledge(token: str, page: str, fields: Mapping[str, str]) -> Session | None:
    """Continues past a page between trials; a page already passed changes nothing.

    Raises Conflict for a page that is not the current one, demographics.Invalid for its answers.
    """
    try:
        return _acknowledge(token, page, fields)
    except _PlaceFree as free:
        return _acknowledge(token, page, fields, study=free.args[0])


@transaction.atomic
def _acknowledge(
    token: str, page: str, fields: Mapping[str, str], study: int | None = None
) -> Session | None:
    """study: whose tickets to lock first, as arrivals do, where the participant may move up; raises _PlaceFree without."""
    if study is not None:
        leases.lock(study)
    participant = find(token, lock=True)
    if participant is None:
        return None
    session, now = Session(participant), timezone.now()
    if page in participant.acknowledged:
        return session
    refuse_ended(participant, session.frozen.settings, now)
    step = session.step()
    if step.kind != "page" or step.key != page:
        raise Conflict("not_current")
    if page == "demographics":
        participant.demographics = demographics.read(session.fields, fields)
        participant.client = _with_questions(participant.client, client_at_consent(fields.get("client", "")))
    participant.acknowledged = [*participant.acknowledged, page]
    if _is_stale(session, now) and not any(row.issued for row in session.rows):
        _keep_ticket(session, now)  # tells who waited for too long to have their place still
    if moving_up.may_move(session) and (study is not None or moving_up.place_is_free(session, now)):
        if study is None:
            raise _PlaceFree(participant.study_id)
        session = moving_up.move_up(session, now)
    _issue(session, now)
    _move_on(session, now, "acknowledged", "demographics", "client", "presented")
    session.passed = page
    return session


def _with_questions(client: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """What was measured at consent, and what was counted while the study's own questions were answered."""
    counted = {name: client.get(name, 0) + sent[name] for name in ("pasted", "untrusted") if sent.get(name)}
    return {**client, **counted}


def _impossible(answer: Answer, participant: Participant, now: datetime) -> dict[str, int]:
    """A mark on a time that nobody can have: quicker than anybody sees, or longer than the participant is here."""
    if answer.rt_ms is None or answer.missing or participant.kind != Participant.Kind.PERSON:
        return {}
    here_ms = (
        (now - participant.consented_at) / timedelta(milliseconds=1) if participant.consented_at else inf
    )
    return {"impossible_time": 1} if not QUICKEST_MS <= answer.rt_ms <= here_ms + CLOCK_MS else {}


def _write(row: TrialRow, answer: Answer, session: Session, now: datetime) -> None:
    scored = None
    if answer.given is not None:
        scored = session.task(row).score(answer.given, session.truth(row))
    response = Response(
        trial=row.as_trial(session.participant),
        idempotency_key=answer.idempotency_key,
        body_hash=answer.body_hash,
        score=scored.score if scored else None,
        second_score=scored.second_score if scored else None,
        declined=answer.given is not None and answer.given.declined,
        answer=scored.values if scored else {},
        missing=answer.missing,
        rt_ms=answer.rt_ms,
        seen=answer.seen,
        client=answer.client | _impossible(answer, session.participant, now),
        answered_at=now,
    )
    ledger.enter(response, session.participant, row.position)
    response.save()
    transaction.on_commit(lambda: counters.ANSWERS.labels(row.task).inc())


def _move_on(session: Session, now: datetime, *changed: str, first_counted: bool = False) -> None:
    """Keeps the ticket, and notes the end; what comes next was issued."""
    participant = session.participant
    fields = list(changed)
    if participant.state != State.FINISHED and (session.complete or first_counted or _is_stale(session, now)):
        participant.last_seen_at = now
        _keep_ticket(session, now)
        fields += ["last_seen_at", "state", "surplus", "finished_at", "excluded", "exclusion_reason"]
    if fields:
        participant.save(update_fields=fields)


def _is_stale(session: Session, now: datetime) -> bool:
    """Whether the lease was last renewed so long ago that it should be now; not at every quick answer."""
    lease = timedelta(minutes=session.frozen.settings["lease_minutes"])
    seen = session.participant.last_seen_at
    return seen is None or now - seen > min(RENEW_AFTER, lease / 8)


def _keep_ticket(session: Session, now: datetime) -> None:
    participant, settings = session.participant, session.frozen.settings
    minutes = settings["lease_minutes"] if session.counted else leases.hold(settings)
    complete = session.complete
    participant.state = State.FINISHED if complete else State.CONSENTED
    participant.finished_at = now if complete else None
    if complete and (reason := _broken_rule(session, now)):
        participant.excluded, participant.exclusion_reason = True, reason
    if participant.kind != Participant.Kind.PERSON:
        return
    if complete:
        # An excluded participant's ticket goes to the next arrival, so that the table's cells stay even.
        kept = leases.settle(participant, completed=not participant.excluded)
    else:
        kept = leases.renew(participant, now, minutes)
    participant.surplus = participant.surplus or not kept  # a place beyond the target stays surplus


def _broken_rule(session: Session, now: datetime) -> str:
    """Which of the rules that are decided at the end a participant breaks; empty for none."""
    participant, rules = session.participant, session.frozen.exclusion_rules
    if attention_rows.excluded(participant, rules):
        return attention_rows.REASON
    person = participant.kind == Participant.Kind.PERSON
    return haste.REASON if person and haste_rows.excluded(participant, rules, now) else ""


def _issue(session: Session, now: datetime) -> None:
    """Writes the presentation of the trial that comes next, with every original it shows."""
    step = session.step()
    if step.kind != "trial" or session.rows[step.position].issued:
        return
    row, participant = session.rows[step.position], session.participant
    fresh = session.frozen.design.task(row.task).fresh
    if fresh and row.shown & session.exposed:
        log.error("Trial %s would show a picture again and was skipped.", row.pk)
        _skip(session, row, now)
        _issue(session, now)
        return
    Trial.objects.filter(pk=row.pk, issued_at=None).update(issued_at=now)
    session.issued(row.position)
    participant.presented = ledger.presented(participant.presented, row.position, now)
    Exposure.objects.bulk_create(
        [
            Exposure(participant=participant, stimulus_id=stimulus, trial_id=row.pk)
            for stimulus in sorted(row.shown)
        ],
        ignore_conflicts=not fresh,
    )


def _skip(session: Session, row: TrialRow, now: datetime) -> None:
    """A trial of a task that needs fresh pictures would measure memory on one already seen, so it is never shown."""
    key = f"skipped-{row.pk}"
    response = Response(
        trial=row.as_trial(session.participant),
        idempotency_key=key,
        body_hash="",
        missing=Response.Missing.SKIPPED,
        answered_at=now,
    )
    ledger.enter(response, session.participant, row.position)
    response.save()
    session.answered(row.position, key)
