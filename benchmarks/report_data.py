"""A study with any number of responses, made inside PostgreSQL by one INSERT … SELECT per table.

Six columns, 24 pools of four images; each participant answers 6 matching and 24 rating trials.
"""

from django.db import connection

from survey_site.protocols import masking
from survey_site.protocols.models import Protocol
from survey_site.stimuli.models import Stimulus
from survey_site.studies.models import Condition, Study
from survey_site.tasks import registry

COLUMNS = ("Grad-CAMs", "Ours 1", "Ours 2", "Ours 3", "Ours 4", "Ours 5")
METHODS = ("", "add-edges", "add-blend21", "add-blend11", "comp-edges", "comp-blend11")
TRIALS = 30

PARTICIPANTS = """
INSERT INTO trials_participant (study_id, protocol_id, code, token, kind, state, ticket_number, surplus, excluded,
  exclusion_reason, consent_version, language, user_agent_family, device, demographics, client, link_parameters,
  acknowledged, receipt, started_at, last_seen_at, seal, chain_length, chain_head, plan, presented)
SELECT %(study)s, %(protocol)s, 'p' || n, %(slug)s || '-token-' || n, 'person', 'finished', n, false, false, '', '', 'en',
  '', '', '{}', '{}', '{}', '[]', %(slug)s || '-receipt-' || n, now(), now(),
  '', 0, '', '', '' FROM generate_series(1, %(participants)s) n
"""
TRIAL_ROWS = """
INSERT INTO trials_trial (participant_id, position, block, task, condition_id, stimulus_id, maps, pool, pool_index,
  attention_check, probability, issued_at)
SELECT p.id, t, CASE WHEN t < 6 THEN 'matching' ELSE 'rating' END, CASE WHEN t < 6 THEN 'matching' ELSE 'rating' END,
  (%(conditions)s::bigint[])[1 + (t + p.id) %% %(n_conditions)s], (%(stimuli)s::bigint[])[1 + 4 * ((p.id + t) %% 24)],
  '[]', CASE WHEN t < 6 THEN to_jsonb((%(stimuli)s::bigint[])[1 + 4 * ((p.id + t) %% 24):4 + 4 * ((p.id + t) %% 24)])
    ELSE '[]' END,
  CASE WHEN t < 6 THEN (p.id + t) %% 24 END, false, 1, now()
FROM trials_participant p CROSS JOIN generate_series(0, 29) t WHERE p.protocol_id = %(protocol)s ORDER BY p.id, t
"""
RESPONSE_ROWS = """
INSERT INTO trials_response (trial_id, participant_id, condition_id, further_conditions, task, counts, idempotency_key,
  body_hash, score, second_score, declined, missing, answer, rt_ms, seen, client, answered_at, salt)
SELECT id, participant_id, condition_id, '', task, true, md5(id::text), md5(id::text) || md5('b' || id),
  CASE WHEN task = 'matching' THEN correct ELSE rating END, CASE WHEN task = 'matching' THEN correct END, false, '',
  CASE WHEN task = 'matching' THEN jsonb_build_object('choice', key, 'choice_class', stimulus_class, 'correct', correct,
    'class_correct', correct) ELSE jsonb_build_object('rating', rating) END,
  800 + id %% 9000, 'yes', '{"dpr": 2, "natural": [224, 224], "rendered": [448, 448], "visible": true}', now(), ''
FROM (
  SELECT t.*, s.key, s.stimulus_class, (t.id * 7 + t.condition_id) %% 7 AS rating,
    (t.id %% 7 < 5 OR t.id %% 4 = 0)::int AS correct
  FROM trials_trial t JOIN trials_participant p ON p.id = t.participant_id
    LEFT JOIN stimuli_stimulus s ON s.id = (pool ->> (CASE WHEN t.id %% 7 < 5 THEN 0 ELSE (t.id %% 4)::int END))::bigint
  WHERE p.protocol_id = %(protocol)s
) t ORDER BY id
"""


def fill(responses: int, slug: str = "benchmark") -> Study:
    """Creates the study and about `responses` answers (a multiple of 30) and analyses the tables."""
    tasks = registry.default_settings()
    study = Study.objects.create(slug=slug, title="Benchmark", state=Study.State.LIVE, task_settings=tasks)
    stimuli = Stimulus.objects.bulk_create(
        Stimulus(
            study=study,
            key=f"image-{i:03d}",
            stimulus_class=f"class {i % 12}",
            sha256=f"{i:064x}",
            upload_sha256=f"{i:064x}",
            path=f"{i}.png",
            width=224,
            height=224,
        )
        for i in range(96)
    )
    conditions = Condition.objects.bulk_create(
        Condition(
            study=study,
            column=column,
            column_order=i,
            classifier="MobileNetV2",
            base=base,
            method=method,
            is_reference=i == 0,
        )
        for i, (column, method) in enumerate(zip(COLUMNS, METHODS, strict=True))
        for base in ("gradcam", "gradcampp", "smoothgradcampp")
    )
    document = {"format": 2, "study": {"slug": slug, "title": study.title}, "design": {}, "tasks": tasks}
    protocol = Protocol.objects.create(study=study, version=1, hash="0" * 64, document=document)
    masking.open_names(study, None)
    values = {
        "study": study.pk,
        "slug": slug,
        "protocol": protocol.pk,
        "participants": -(-responses // TRIALS),
        "conditions": [c.pk for c in conditions],
        "n_conditions": len(conditions),
        "stimuli": [s.pk for s in stimuli],
    }
    with connection.cursor() as cursor:
        for statement in (PARTICIPANTS, TRIAL_ROWS, RESPONSE_ROWS):
            cursor.execute(statement, values)
        cursor.execute("VACUUM ANALYZE")
    return study
