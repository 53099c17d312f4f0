"""Compares what was acknowledged with what the database holds, answer by answer, and maps with what was asked for."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from survey_site.stimuli.models import PrecomputeJob, SaliencyMap
from survey_site.studies.models import Study
from survey_site.tasks.matching.answers import CANT_TELL
from survey_site.trials.models import Participant, Response
from survey_site.trials.signed_tokens import token_of_start
from tests.faults.acknowledged import Acknowledged

AT_ONCE = 500


@dataclass
class Count:
    """asked: answers acknowledged, or maps asked for. doubled: what is there twice, or was never asked for."""

    asked: int = 0
    found: int = 0
    lost: int = 0
    doubled: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not self.problems and self.found == self.asked and not self.lost and not self.doubled

    def __add__(self, other: "Count") -> "Count":
        return Count(
            self.asked + other.asked,
            self.found + other.found,
            self.lost + other.lost,
            self.doubled + other.doubled,
            self.problems + other.problems,
        )


def answers(study: Study, notes: Acknowledged) -> Count:
    """Of everybody who began. An answer stored otherwise than sent is lost."""
    chosen = sorted(notes.begun)
    batches = (chosen[start : start + AT_ONCE] for start in range(0, len(chosen), AT_ONCE))
    return sum((_of(study, notes, batch) for batch in batches), Count())


def participants(study: Study, everybody: Sequence[Acknowledged]) -> Count:
    """doubled: those whom nobody asked for, not even by a start whose acknowledgement was lost."""
    asked_for = set().union(*(notes.begun for notes in everybody)) | {
        token_of_start(nonce, study.slug) for notes in everybody for nonce in notes.knocked
    }
    there = Participant.objects.filter(study=study).values_list("token", flat=True)
    count = Count(doubled=len(set(there.iterator()) - asked_for))
    if count.doubled:
        count.problems.append(f"{count.doubled} participants whom nobody asked for: some began twice")
    return count


def _of(study: Study, notes: Acknowledged, tokens: Sequence[str]) -> Count:
    count = Count()
    people = dict(Participant.objects.filter(study=study, token__in=tokens).values_list("token", "code"))
    stored: dict[str, dict[int, list[str]]] = {token: {} for token in tokens}
    for token, position, value in _stored(study, tokens):
        stored[token].setdefault(position, []).append(value)
    for token in tokens:
        taken, sent, rows = notes.taken.get(token, {}), notes.sent.get(token, {}), stored[token]
        who = people.get(token, token[:6])
        if token not in people:
            count.problems.append(f"participant {who} began and is missing")
        count.asked += len(taken)
        for position, value in taken.items():
            if value in rows.get(position, ()):
                count.found += 1
            else:
                count.lost += 1
                count.problems.append(f"{who}, trial {position + 1}: acknowledged and lost, or altered")
        for position, values in rows.items():
            extra = len(values) - 1 + (values[0] != sent.get(position))
            count.doubled += extra
            if extra:
                count.problems.append(
                    f"{who}, trial {position + 1}: there {len(values)} times, or never sent"
                )
    return count


def _stored(study: Study, tokens: Sequence[str]) -> Iterator[tuple[str, int, str]]:
    """Token, position and the value that a form must have sent to be stored like this."""
    keys = dict(study.stimuli.values_list("pk", "key"))
    rows = Response.objects.filter(participant__token__in=tokens, participant__study=study)
    for token, position, pool, declined, answer in rows.values_list(
        "participant__token", "trial__position", "trial__pool", "declined", "answer"
    ).iterator():
        yield token, position, as_sent(answer, declined, [keys[pk] for pk in pool])


def as_sent(answer: dict[str, Any], declined: bool, pool: Sequence[str]) -> str:
    """The value of the form's field. pool: names of the pictures to choose from, as they were laid out."""
    if "rating" in answer:
        return str(answer["rating"])
    return CANT_TELL if declined else str(pool.index(answer["choice"]))


def maps(study: Study) -> Count:
    """Every map that the study's jobs name, with its picture, exactly once."""
    wanted = {
        (job.stimulus_id, job.classifier, method)
        for job in PrecomputeJob.objects.filter(stimulus__study=study)
        for method in job.methods
    }
    rows = SaliencyMap.objects.filter(stimulus__study=study)
    there = Counter(rows.values_list("stimulus_id", "classifier", "method"))
    bare = rows.filter(pictures=None).count()
    count = Count(asked=len(wanted), found=len(wanted & set(there)), lost=len(wanted - set(there)) + bare)
    count.doubled = sum(there.values()) - len(there) + len(set(there) - wanted)
    if count.lost or count.doubled:
        count.problems.append(f"{study.slug}: {count.lost} maps lost, {count.doubled} too many")
    return count
