"""The rows of benchmarks/big.py beside those of report_data.py and desk_data.py, made inside PostgreSQL as well.

Every step looks whether its rows are there, so that a run goes on where another one was stopped; a run that was stopped
while it filled the large tables needs an empty database, since their indexes are made last.
"""

import argparse
import contextlib
import io
import time
from collections.abc import Iterator
from pathlib import Path

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import DatabaseError, connection
from PIL import Image

from benchmarks import desk_data
from survey_site.notifications.models import Subscriber, Watch
from survey_site.recruitment.models import Recruitment
from survey_site.stimuli.models import MapPicture, PrecomputeJob, SaliencyMap, Stimulus
from survey_site.stimuli.storage import MARK
from survey_site.studies.models import Condition, Membership, Study
from survey_site.trials.models import Ticket

LARGE = "benchmark"
BULK = "many-images"
DRAFT = "ten-thousand-images"
DRAFT_IMAGES = 10_000
WITH_FILES = 500  # of each study and kind: as many as sizing looks at
# Nothing of these rows is checked, and none has to survive a power cut while it is made.
SESSION = {
    "session_replication_role": "replica",
    "maintenance_work_mem": "'1GB'",
    "work_mem": "'256MB'",
    "synchronous_commit": "off",
}
FILLED = ("trials_trial", "trials_response", "trials_exposure", "stimuli_saliencymap", "stimuli_mappicture")

DROPPED = """
INSERT INTO trials_participant (study_id, protocol_id, code, token, kind, state, surplus, excluded, exclusion_reason,
  consent_version, language, user_agent_family, device, demographics, client, link_parameters, acknowledged, receipt,
  started_at, consented_at, last_seen_at, seal, chain_length, chain_head, plan, presented)
SELECT p.study_id, p.protocol_id, 'd' || p.id, 'dropped-token-' || p.id, 'person', 'dropped', false, false, '', '', 'en',
  '', '', '{}', '{}', '{}', '[]', 'dropped-receipt-' || p.id, p.started_at, p.consented_at, p.consented_at, '', 0, '', '', ''
FROM trials_participant p WHERE p.study_id = %(study)s AND p.state = 'finished' AND p.id %% 10 = 0
"""
CHECKS = """
INSERT INTO trials_trial (participant_id, position, block, task, condition_id, stimulus_id, saliency_map_id, maps, pool,
  pool_index, attention_check, probability, issued_at)
SELECT p.id, 30, 'rating', 'rating', c.id, s.id, NULL, '[]', '[]', NULL, true, 1, p.consented_at
FROM trials_participant p,
  (SELECT min(id) AS id FROM studies_condition WHERE study_id = %(study)s) c,
  (SELECT max(id) AS id FROM stimuli_stimulus WHERE study_id = %(study)s) s
WHERE p.study_id = %(study)s AND p.state = 'finished' ORDER BY p.id
"""
CHECKED = """
INSERT INTO trials_response (trial_id, participant_id, condition_id, further_conditions, task, counts, idempotency_key,
  body_hash, score, declined, missing, answer, rt_ms, seen, client, answered_at, salt)
SELECT id, participant_id, condition_id, '', task, false, md5(id::text), md5(id::text) || md5('b' || id),
  (id %% 20 > 0)::int, false, '', '{"rating": 1}', 1500, 'yes', '{}', issued_at, ''
FROM trials_trial WHERE position = 30 AND attention_check ORDER BY id
"""
# Twenty-four pools, so that the first 24 trials of a participant show 24 originals.
EXPOSURES = """
INSERT INTO trials_exposure (participant_id, stimulus_id, trial_id)
SELECT participant_id, stimulus_id, id FROM trials_trial WHERE position < 24
"""
TICKETS = """
INSERT INTO trials_ticket (protocol_id, number, state, participant_id)
SELECT protocol_id, ticket_number, 'completed', id FROM trials_participant
WHERE study_id = %(study)s AND ticket_number IS NOT NULL ORDER BY id
"""
EXTERNAL_IDS = """
INSERT INTO trials_externalid (study_id, participant_id, provider, value, session, seal)
SELECT study_id, id, 'prolific', md5(id::text), '', '' FROM trials_participant WHERE study_id = %(study)s ORDER BY id
"""
PICTURES = """
INSERT INTO stimuli_mappicture (saliency_map_id, colour_map, sha256, path, seal)
SELECT id, 'jet', md5(id::text) || md5('p' || id), 'pictures/' || id || '.png', '' FROM stimuli_saliencymap
"""
WAITING = """
INSERT INTO stimuli_precomputejob (stimulus_id, classifier, methods, settings, state, attempts, reason, permanent, worker,
  created_at, queue, region_only)
SELECT s.id, 'c' || c, '["gradcam", "original"]', '{}', 'queued', 0, '', false, '', now(),
  '5/' || lpad((s.id %% 20)::text, 12, '0') || '/c' || c %% 4, false
FROM (SELECT id FROM stimuli_stimulus WHERE study_id = %(bulk)s ORDER BY id LIMIT 10000) s
  CROSS JOIN generate_series(1, %(each)s) c
"""


def fill(options: argparse.Namespace) -> None:
    """Tables, three studies, their people and files."""
    call_command("migrate", verbosity=0)
    began = time.perf_counter()
    user, _ = get_user_model().objects.get_or_create(
        username="benchmark", defaults={"is_staff": True, "is_superuser": True}
    )
    if not Ticket.objects.exists():
        with quickly():
            study = desk_data.fill_desk(options.answers, user)
            _draft(min(DRAFT_IMAGES, max(options.answers // 100, 1)), user)
            with connection.cursor() as cursor:
                for statement in (DROPPED, CHECKS, CHECKED, EXPOSURES, EXTERNAL_IDS, PICTURES, TICKETS):
                    cursor.execute(statement, {"study": study.pk})
    _waiting(options.jobs)
    _researcher()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    print(f"filled in {time.perf_counter() - began:.0f} s", flush=True)


@contextlib.contextmanager
def quickly() -> Iterator[None]:
    """Rows go in without triggers and into the unique indexes alone; the other indexes are made afterwards."""
    with connection.cursor() as cursor:
        for name, value in SESSION.items():
            with contextlib.suppress(DatabaseError):  # whoever is no superuser of PostgreSQL waits longer
                cursor.execute(f"SET {name} = {value}")
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename = ANY(%s) "
            "AND indexname NOT IN (SELECT conname FROM pg_constraint)",
            [list(FILLED)],
        )
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        try:
            yield
        finally:
            for _, definition in indexes:
                cursor.execute(definition)
            for name in SESSION:
                cursor.execute(f"RESET {name}")


def _draft(images: int, user: User) -> None:
    """A study that is being prepared, with conditions, whose maps are all there."""
    study = Study.objects.create(slug=DRAFT, title="Ten thousand images", owner=user)
    values = {"study": study.pk, "user": user.pk, "images": images}
    with connection.cursor() as cursor:
        for statement in (desk_data.IMAGES, desk_data.JOBS, desk_data.MAPS):
            cursor.execute(statement, values)
    Condition.objects.bulk_create(
        Condition(
            study=study,
            column=column,
            column_order=place,
            classifier=classifier,
            base=base,
            method=method,
            is_reference=not place,
        )
        for place, (column, base, method) in enumerate(
            (("CAMs", "gradcam", ""), ("CAMs ++", "gradcampp", ""), ("With edges", "gradcam", "add-edges"))
        )
        for classifier in ("VGG16", "ResNet50", "MobileNetV2")
    )


def _waiting(jobs: int) -> None:
    """Jobs that wait in 80 queues."""
    bulk = Study.objects.get(slug=BULK)
    images = min(Stimulus.objects.filter(study=bulk).count(), 10_000)
    if images and not PrecomputeJob.objects.filter(classifier="c1").exists():
        with quickly(), connection.cursor() as cursor:
            cursor.execute(WAITING, {"bulk": bulk.pk, "each": max(jobs // images, 1)})


def _researcher() -> None:
    """Somebody with one study, which recruits and is watched."""
    user, _ = get_user_model().objects.get_or_create(username="researcher", defaults={"is_staff": True})
    study = Study.objects.get(slug=LARGE)
    Membership.objects.get_or_create(study=study, user=user, defaults={"role": Membership.Role.EDITOR})
    Recruitment.objects.get_or_create(study=study, defaults={"provider": Recruitment.Provider.PROLIFIC})
    for watched in Study.objects.all():
        Watch.objects.get_or_create(study=watched)
        Subscriber.objects.get_or_create(study=watched, user=user)


def files() -> None:
    """Small files for the first rows of each study, in the DATA_DIR of this run; other rows name files that are missing."""
    folder = Path(default_storage.path(""))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()  # a new folder beside rows that name files is taken for a disk that is away
    picture = io.BytesIO()
    Image.new("RGB", (224, 224), "grey").save(picture, "PNG")
    for study in Study.objects.all():
        for rows, column in (
            (Stimulus.objects.filter(study=study), "path"),
            (SaliencyMap.objects.filter(stimulus__study=study), "array_path"),
            (MapPicture.objects.filter(saliency_map__stimulus__study=study), "path"),
        ):
            for path in rows.order_by("pk").values_list(column, flat=True)[:WITH_FILES]:
                if path and not default_storage.exists(path):
                    default_storage.save(path, ContentFile(picture.getvalue()))
