"""Rows of every model behind the desk, as many as asked for, and one study in which each page has something to show."""

import itertools
from datetime import timedelta
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from survey_site.accounts.models import BackupCode, MustUseSecondFactor
from survey_site.notifications.models import Delivery, Kind, Notification, Subscriber, Watch
from survey_site.protocols import freeze, observed
from survey_site.protocols.models import Look, Protocol, Rehearsal
from survey_site.recruitment.models import ExcludedId, Recruitment, TurnedAway
from survey_site.stimuli import storage
from survey_site.stimuli.archives import Upload
from survey_site.stimuli.models import OwnModel, PrecomputeJob, RecomputeJob, SaliencyMap
from survey_site.stimuli.observed import ObservedMap, ObserverJob
from survey_site.stimuli.regions import add_regions
from survey_site.studies.models import AuditEntry, Membership, Study, StudyText
from survey_site.trials import ledger
from survey_site.trials.models import Exposure, ExternalId, Participant, Response
from tests import factories
from tests.api.keys import token_of

_numbers = itertools.count()
METRICS = {"class": "tabby", "confidence": 0.83, "kept_share": 0.8, "same_top1": True}
PROVENANCE = {
    "classifier": {"name": "MobileNetV2", "weights_sha256": "a1" * 32},
    "edges": {"model": "hed", "weights_sha256": "b2" * 32},
    "method": "gradcam.add-edges",
    "seed": 3141592653,
    "libraries": {"keras": "3.11.3", "numpy": "2.3.4"},
}


def grow(count: int, owner: Any, **settings: Any) -> list[Study]:
    """`count` live studies with all that hangs on one, and as many people and attempts to sign in."""
    return [study_with_everything(f"study-{next(_numbers)}", owner, **settings) for _ in range(count)]


def study_with_everything(slug: str, owner: Any, *, people: int = 2, **settings: Any) -> Study:
    """A live study: jobs in every state, participants in the middle and at the end, texts, a rehearsal, a log."""
    colleague = researcher(slug)
    study = factories.draft(slug, owner=owner, **settings)
    Membership.objects.create(study=study, user=colleague, role="analyst")
    newest = study.stimuli.order_by("-pk")[0]
    add_regions(study, [Upload("boxes.csv", f"{newest.key},8,8,40,56".encode())])
    StudyText.objects.create(study=study, key="welcome", markdown="Welcome.")
    picture, _ = storage.put("previews", factories.png(1), ".png")
    preview = {"stimulus": "i0", "picture": picture, "class_name": "tabby", "confidence": 0.83, "flat": False}
    OwnModel.objects.create(
        study=study,
        name="our-net",
        source="upload",
        state="done",
        sha256="a1" * 32,
        found={"layer": "last", "input": [64, 64], "classes": 2, "notices": [], "previews": [preview]},
    )
    Rehearsal.objects.create(
        study=study,
        document_hash=freeze.draft_of(study).hash,
        seed=1,
        participants=24,
        repetitions=20,
        passed=False,
        summary={
            "columns": [],
            "problems": ["The interval of Ours 1 held the planted value in 14 of 20 studies."],
        },
    )
    look(freeze.go_live(study))
    Watch.objects.create(study=study)
    notify(study, colleague)
    Recruitment.objects.create(study=study, provider="prolific", completed_code="C1A2B3C4")
    ExcludedId.objects.create(study=study, mark="excluded")
    TurnedAway.objects.create(study=study, mark="turned away", outcome="screened_out")
    SaliencyMap.objects.filter(stimulus__study=study).update(
        provenance=PROVENANCE, metrics=METRICS, class_name="tabby, tabby cat", layer="out_relu"
    )
    add_jobs(study)
    recompute(study)
    observe(study)
    for number in range(people):
        add_participant(study, f"{slug}-{number}", finished=number % 2 == 0)
    for verb, detail in (("images added", "9"), ("conditions saved", "3"), ("state: live", "Live")):
        AuditEntry.objects.create(study=study, user=owner, verb=verb, detail=detail)
    content = ContentType.objects.get_for_model(Study)
    LogEntry.objects.create(
        user=owner, content_type=content, object_id=study.pk, object_repr=str(study), action_flag=CHANGE
    )
    return study


def researcher(name: str) -> User:
    """Somebody of the staff with a token, whom the log of attempts to sign in knows too."""
    user = User.objects.create_user(
        f"researcher-{name}", f"{name}@lab.example", first_name="Ada", is_staff=True
    )
    Group.objects.create(name=f"group {name}")
    token_of(user)
    TOTPDevice.objects.create(user=user, name="phone")
    BackupCode.objects.create(user=user, digest="0" * 64)
    MustUseSecondFactor.objects.create(user=user)
    seen = {
        "user_agent": "Mozilla/5.0",
        "username": user.username,
        "http_accept": "*/*",
        "path_info": "/admin/login/",
    }
    AccessAttempt.objects.create(**seen, ip_address="192.0.2.1", failures_since_start=8)
    AccessLog.objects.create(**seen, ip_address="192.0.2.1")
    AccessFailureLog.objects.create(**seen, ip_address="192.0.2.1")
    return user


def recompute(study: Study) -> None:
    """One image's maps are to be computed again and compared."""
    RecomputeJob.objects.create(
        stimulus=study.stimuli.all()[0], classifier=factories.CLASSIFIER, methods=["gradcam"], maps=[]
    )


def observe(study: Study) -> None:
    """Synthetic observers were tried on the study as it is now, and measured."""
    found = observed.asked(study)
    share = {"share": 1.0, "n": 24, "ci": [80.0, 100.0]}
    ObserverJob.objects.create(
        study=study,
        order=found.order,
        order_hash=found.key if not study.observer_jobs.exists() else f"{next(_numbers):064d}",
        state="done",
        finished_at=timezone.now(),
        found={"notes": ["No other classifier."], "search": {}, "view": "1 jet 64", "maps": 18},
        accuracy={"trials": 24, "columns": [{"column": "Column 0", "observers": {"edge": share}}]},
    )
    maps = SaliencyMap.objects.filter(stimulus__study=study).exclude(observed__pool="1,2")
    ObservedMap.objects.bulk_create(
        ObservedMap(
            saliency_map=one, pool="1,2", view="1 jet 64", found={"edge": {"choice": "", "margin": 0}}
        )
        for one in maps
    )


def look(protocol: Protocol) -> None:
    """A look at the data was taken, and nothing was decided."""
    Look.objects.create(
        measurement=protocol,
        number=protocol.looks.count() + 1,
        planned=6,
        participants=6,
        fraction=0.25,
        found={},
        reached=False,
    )


def notify(study: Study, colleague: User) -> None:
    """Something happened in the study; telling this colleague failed."""
    Subscriber.objects.create(study=study, user=colleague)
    told = Notification.objects.create(
        study=study,
        kind=Kind.MAPS_FAILED,
        occasion=f"{colleague}",
        subject=f"{study}: 3 maps failed",
        body="3 of 18 images have no maps.",
        link="/admin/",
    )
    Delivery.objects.create(
        notification=told,
        address=f"mail:{colleague.pk}",
        user=colleague,
        state="failed",
        reason="Mailbox full.",
    )


def add_jobs(study: Study) -> None:
    """One job for each image, all states in turn."""
    states = itertools.cycle(PrecomputeJob.State.values)
    for stimulus, state in zip(study.stimuli.all(), states, strict=False):
        failed = state == PrecomputeJob.State.FAILED
        PrecomputeJob.objects.create(
            stimulus=stimulus,
            classifier=factories.CLASSIFIER,
            methods=["gradcam", "original"],
            state=state,
            attempts=4 if failed else 1,
            permanent=failed,
            reason="The layer “out_relu” has no gradient with respect to class 281." if failed else "",
            finished_at=timezone.now() if failed or state == PrecomputeJob.State.DONE else None,
        )


def add_participant(study: Study, token: str, *, finished: bool) -> Participant:
    """A participant who came through Prolific and answered all planned trials, or the first half of them."""
    who = factories.participant(study, token=token)
    ExternalId.objects.create(study=study, participant=who, provider="prolific", value=f"prolific-{token}")
    trials = list(who.trials.order_by("position"))
    Exposure.objects.get_or_create(
        participant=who, stimulus=trials[0].stimulus, defaults={"trial": trials[0]}
    )
    now = timezone.now()
    for number, trial in enumerate(trials if finished else trials[: len(trials) // 2]):
        rating, source = (3 + 2 * number) % 7, trial.stimulus
        matched = {
            "choice": source.key,
            "choice_class": source.stimulus_class,
            "correct": 1,
            "class_correct": 1,
        }
        rated = trial.task == "rating"
        answer = Response(
            trial=trial,
            idempotency_key=f"{token}-{number}",
            body_hash="",
            score=rating if rated else 1,
            second_score=None if rated else 1,
            answer={"rating": rating} if rated else matched,
            rt_ms=2400,
            seen="yes",
            answered_at=now,
        )
        ledger.enter(answer, who, trial.position)
        answer.save()
    if finished:
        begun = now - timedelta(minutes=9)
        Participant.objects.filter(pk=who.pk).update(
            state="finished", started_at=begun, consented_at=begun, finished_at=now, last_seen_at=now
        )
    return who


def more_of(study: Study, owner: Any, times: int) -> None:
    """Images with maps and jobs of this study, `times` as many as it has, and as many rows more of the rest."""
    methods = (*factories.METHODS, "original")
    for _ in range(study.stimuli.count() * (times - 1)):
        number = next(_numbers)
        factories.paint(study, f"more-{number}", 10_000 + number, "main", methods)
    PrecomputeJob.objects.bulk_create(
        PrecomputeJob(
            stimulus=stimulus,
            classifier=factories.CLASSIFIER,
            methods=["gradcam"],
            state=PrecomputeJob.State.FAILED,
            reason="Out of memory.",
        )
        for stimulus in study.stimuli.filter(jobs=None)
    )
    for _ in range(times):
        number = next(_numbers)
        colleague = researcher(f"{study.slug}-{number}")
        Membership.objects.create(study=study, user=colleague, role="analyst")
        notify(study, colleague)
        recompute(study)
        observe(study)
        StudyText.objects.create(study=study, key=f"text-{number}", markdown="More.")
        study.recruitment.earlier_studies.set(Study.objects.exclude(pk=study.pk))
        AuditEntry.objects.create(study=study, user=colleague, verb="form saved")
        Rehearsal.objects.create(
            study=study, document_hash="", seed=number, participants=8, repetitions=8, passed=True, summary={}
        )
        sealed = study.protocols.order_by("-version")[0]
        look(sealed)
        sealed.version += 1  # the newest keeps its pictures, so that people may still start
        sealed.save()
        sealed.pk, sealed.version = None, sealed.version - 1
        sealed.save()
        condition = study.conditions.order_by("-column_order")[0]
        condition.pk, condition.column = None, f"Column {10 + number}"
        condition.save()
