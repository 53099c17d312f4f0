"""Small studies with known answers, written straight into the database."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from survey_site.protocols import masking
from survey_site.protocols.models import Protocol
from survey_site.stimuli.models import Stimulus
from survey_site.studies.models import Condition, Study
from survey_site.tasks import registry
from survey_site.trials.models import Participant, Response, Trial

NOON = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
DEFAULT_COLUMNS = (("Grad-CAMs", "gradcam", ""), ("Ours 1", "gradcam", "add-edges"))


@dataclass
class Survey:
    """A live study with its protocol, eight stimuli in two classes and one condition per column."""

    study: Study
    protocol: Protocol
    conditions: list[Condition]
    stimuli: list[Stimulus]
    count: int = field(default=0)

    def participant(self, **values: Any) -> Participant:
        self.count += 1
        values = {"state": "finished", "code": f"p{self.count:02d}", "protocol": self.protocol} | values
        return Participant.objects.create(study=self.study, **values)

    def matching(self, who: Participant, column: int = 0, choice: int | None = 0, **values: Any) -> Response:
        """A matching trial on the pool 0–3 with source 0. `choice`: index of a stimulus, None for can't tell."""
        trial = self._trial(who, column, "matching", values, pool=[s.pk for s in self.stimuli[:4]])
        picked = None if choice is None else self.stimuli[choice]
        right = picked == trial.stimulus
        same_class = picked is not None and picked.stimulus_class == trial.stimulus.stimulus_class
        told = {
            "choice": picked.key if picked else "cant_tell",
            "choice_class": picked.stimulus_class if picked else "",
            "correct": int(right),
            "class_correct": int(same_class),
        }
        answer = {
            "answer": told, "score": float(right), "second_score": float(same_class), "declined": picked is None,
        }  # fmt: skip
        return self._respond(trial, answer | values)

    def rating(self, who: Participant, column: int = 0, rating: int | None = 3, **values: Any) -> Response:
        """A rating trial; None: no answer, for the reason in `missing`."""
        trial = self._trial(who, column, "rating", values)
        answer = {} if rating is None else {"answer": {"rating": rating}, "score": float(rating)}
        return self._respond(trial, answer | values)

    def missing(
        self, who: Participant, column: int = 0, task: str = "matching", why: str = "timeout"
    ) -> Response:
        """A trial without an answer."""
        pool = [s.pk for s in self.stimuli[:4]] if task == "matching" else []
        return self._respond(self._trial(who, column, task, {}, pool=pool), {"missing": why})

    def answer(
        self,
        who: Participant,
        task: str,
        score: float | None,
        told: dict[str, Any],
        column: int = 0,
        **values: Any,
    ) -> Response:
        """An answer in any task, as it is stored."""
        trial = self._trial(who, column, task, values)
        return self._respond(trial, {"answer": told, "score": score} | values)

    def _trial(
        self, who: Participant, column: int, task: str, values: dict[str, Any], pool: Sequence[int] = ()
    ) -> Trial:
        own = {name: values.pop(name) for name in ("block", "attention_check", "maps") if name in values}
        position = who.trials.count()
        return Trial.objects.create(
            participant=who, position=position, task=task, condition=self.conditions[column],
            stimulus=values.pop("stimulus", self.stimuli[0]), pool=list(pool), issued_at=NOON + timedelta(seconds=position),
            **({"block": task} | own),
        )  # fmt: skip

    def _respond(self, trial: Trial, values: dict[str, Any]) -> Response:
        base = {
            "trial": trial, "idempotency_key": f"k{trial.pk}", "body_hash": "", "seen": "yes", "rt_ms": 1500,
            "answered_at": NOON + timedelta(seconds=trial.position, microseconds=500_000),
        }  # fmt: skip
        # As the product does: every answer moves its participant.
        now = NOON + timedelta(hours=1, seconds=Response.objects.count())
        Participant.objects.filter(pk=trial.participant_id).update(last_seen_at=now)
        return Response.objects.create(**(base | values))


def survey(
    slug: str = "small", columns: Sequence[tuple[str, str, str]] = DEFAULT_COLUMNS, design: dict[str, Any] | None = None,
    owner: Any = None, tasks: dict[str, dict[str, Any]] | None = None, masked: bool = False, **values: Any,
) -> Survey:  # fmt: skip
    """A study of matching and rating, or of `tasks`: settings beside the defaults. Names are open unless it is `masked`."""
    chosen = {"matching": {}, "rating": {}} if tasks is None else tasks
    known = {task.name: task.default_settings for task in registry.installed()}
    settings = {name: known.get(name, {}) | own for name, own in chosen.items()}
    study = Study.objects.create(
        slug=slug, title=f"Study {slug}", state="live", owner=owner, task_settings=settings, **values
    )
    stimuli = [
        Stimulus.objects.create(
            study=study, key=f"cat-{i}" if i % 2 == 0 else f"dog-{i}", stimulus_class="cat" if i % 2 == 0 else "dog",
            sha256=f"{study.pk:032x}{i:032x}", upload_sha256=f"{i:064x}", path=f"{i}.png", width=8, height=8,
        )
        for i in range(8)
    ]  # fmt: skip
    names = list(dict.fromkeys(column for column, _, _ in columns))
    conditions = [
        Condition.objects.create(
            study=study, column=column, column_order=names.index(column), classifier="MobileNetV2", base=base,
            method=method, is_reference=column == names[0],
        )
        for column, base, method in columns
    ]  # fmt: skip
    document = {
        "format": 2,
        "study": {"slug": slug, "title": study.title},
        "design": design or {},
        "tasks": settings,
    }
    protocol = Protocol.objects.create(study=study, version=1, hash="ab" * 32, document=document)
    if not masked:
        masking.open_names(study, None)
    return Survey(study, protocol, conditions, stimuli)
