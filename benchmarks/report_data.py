"""A study with any number of responses, made inside PostgreSQL by one INSERT … SELECT per table.

Six columns, 24 pools of four images, 30 trials for each participant: the paper's 6 matching and 24 rating trials, or six
trials in each of the five tasks, with maps that carry machine metrics.
"""

from collections.abc import Mapping, Sequence

from django.db import connection

from survey_site.protocols import masking
from survey_site.protocols.document import outline
from survey_site.protocols.models import Protocol
from survey_site.stimuli.models import SaliencyMap, Stimulus
from survey_site.studies.models import Condition, Study
from survey_site.tasks import registry
from survey_site.tasks.settings import TRIALS as TRIALS_PER_COLUMN

COLUMNS = ("Grad-CAMs", "Ours 1", "Ours 2", "Ours 3", "Ours 4", "Ours 5")
METHODS = ("", "add-edges", "add-blend21", "add-blend11", "comp-edges", "comp-blend11")
TRIALS = 30
PAPER = {"matching": 6, "rating": 24}
ALL = dict.fromkeys(("matching", "rating", "preference", "agreement", "distinction"), 6)

PARTICIPANTS = """
INSERT INTO trials_participant (study_id, protocol_id, code, token, kind, state, ticket_number, surplus, excluded,
  exclusion_reason, consent_version, language, user_agent_family, device, demographics, client, link_parameters,
  acknowledged, receipt, started_at, consented_at, finished_at, last_seen_at, seal, chain_length, chain_head, plan,
  presented)
SELECT %(study)s, %(protocol)s, 'p' || n, %(slug)s || '-token-' || n, 'person', 'finished', n, false, false, '', '', 'en',
  '', '', '{}', '{}', '{}', '[]', %(slug)s || '-receipt-' || n, at, at + interval '1 minute',
  at + interval '20 minutes', at + interval '20 minutes', '', 0, '', '', ''
FROM (
  SELECT n, now() - interval '1 hour' - n %% 60 * interval '1 day' AS at FROM generate_series(1, %(participants)s) n
) came ORDER BY n
"""
TRIAL_ROWS = """
INSERT INTO trials_trial (participant_id, position, block, task, condition_id, stimulus_id, saliency_map_id, maps, pool,
  pool_index, attention_check, probability, issued_at)
SELECT id, t, task, task, (%(conditions)s::bigint[])[1 + c], (%(stimuli)s::bigint[])[1 + 4 * k],
  (%(maps)s::bigint[])[1 + 4 * k * %(n_conditions)s + c], '[]',
  CASE WHEN task = 'matching' THEN to_jsonb((%(stimuli)s::bigint[])[1 + 4 * k:4 + 4 * k]) ELSE '[]' END,
  CASE WHEN task = 'matching' THEN k END, false, 1, now()
FROM (
  SELECT p.id, t, (p.id + t) %% 24 AS k, (p.id + t) %% %(n_conditions)s AS c, (%(tasks)s::text[])[1 + t] AS task
  FROM trials_participant p CROSS JOIN generate_series(0, 29) t WHERE p.protocol_id = %(protocol)s
) planned ORDER BY id, t
"""
# A rival is the same base of another column: so many columns on as the participant's number says.
RESPONSE_ROWS = """
INSERT INTO trials_response (trial_id, participant_id, condition_id, further_conditions, task, counts, idempotency_key,
  body_hash, score, second_score, declined, missing, answer, rt_ms, seen, client, answered_at, salt)
SELECT id, participant_id, condition_id, CASE WHEN task = 'preference' THEN rival::text ELSE '' END, task, true,
  md5(id::text), md5(id::text) || md5('b' || id),
  CASE task WHEN 'matching' THEN correct WHEN 'rating' THEN rating ELSE yes END,
  CASE WHEN task = 'matching' THEN correct END, false, '',
  CASE task WHEN 'matching' THEN jsonb_build_object('choice', key, 'choice_class', stimulus_class, 'correct', correct,
      'class_correct', correct)
    WHEN 'rating' THEN jsonb_build_object('rating', rating)
    WHEN 'preference' THEN jsonb_build_object('preferred', place %% 2, 'own', yes)
    WHEN 'agreement' THEN jsonb_build_object('label', label, 'prediction_right', right_one, 'found_out', yes,
      'sure', CASE WHEN yes = right_one THEN 3 ELSE 1 END + place %% 2)
    ELSE jsonb_build_object('picked', place, 'confidence', 1 + place, 'label', label, 'told', yes,
      'prediction_right', right_one) END,
  800 + id %% 9000, 'yes', '{"dpr": 2, "natural": [224, 224], "rendered": [448, 448], "visible": true}', now(), ''
FROM (
  SELECT t.*, s.key, s.stimulus_class, (t.id * 7 + t.condition_id) %% 7 AS rating,
    (t.id %% 7 < 5 OR t.id %% 4 = 0)::int AS correct, (hashint8(t.id)::bigint + 2147483648) %% 4 AS place,
    ((hashint8(t.id + 7)::bigint + 2147483648) %% 100 < 55)::int AS yes, (k + p.id) %% 2 AS right_one,
    CASE WHEN (k + p.id) %% 2 = 1 THEN 'class ' || 4 * k %% 12 ELSE 'no class' END AS label,
    (%(conditions)s::bigint[])[1 + (c + 3 * (1 + p.id %% 5)) %% %(n_conditions)s] AS rival
  FROM trials_trial t JOIN trials_participant p ON p.id = t.participant_id
    CROSS JOIN LATERAL (SELECT (p.id + t.position) %% 24 AS k, (p.id + t.position) %% %(n_conditions)s AS c) planned
    LEFT JOIN stimuli_stimulus s ON s.id = (pool ->> (CASE WHEN t.id %% 7 < 5 THEN 0 ELSE (t.id %% 4)::int END))::bigint
  WHERE p.protocol_id = %(protocol)s
) t ORDER BY id
"""


def fill(responses: int, slug: str = "benchmark", asked: Mapping[str, int] = PAPER) -> Study:
    """Creates the study and about `responses` answers (a multiple of 30) and analyses the tables.

    asked: trials of a participant by task, 30 together.
    """
    tasks = registry.settings_of(
        {task: {TRIALS_PER_COLUMN: number // len(COLUMNS)} for task, number in asked.items()}
    )
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
    if asked is not ALL:  # whose pools rest on what networks predict, and none has
        document = outline(study, image_px=224, texts={})
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
        "maps": [one.pk for one in _maps(stimuli, conditions)],
        "tasks": [task for task, number in asked.items() for _ in range(number)],
    }
    with connection.cursor() as cursor:
        for statement in (PARTICIPANTS, TRIAL_ROWS, RESPONSE_ROWS):
            cursor.execute(statement, values)
        cursor.execute("VACUUM ANALYZE")
    return study


def _maps(stimuli: Sequence[Stimulus], conditions: Sequence[Condition]) -> list[SaliencyMap]:
    """A map of every image under every condition, with machine metrics between 0 and 1."""
    return SaliencyMap.objects.bulk_create(
        SaliencyMap(
            stimulus=image,
            classifier=condition.classifier,
            layer="layer",
            class_index=0,
            method=condition.key,
            parameters_hash="0",
            provenance={},
            array_sha256=f"{i:032x}{j:032x}",
            metrics={
                name: (i * 31 + j * 17 + k * 7) % 100 / 100
                for k, name in enumerate(("right", "confidence", "drop", "increase"))
            },
            current=True,
        )
        for i, image in enumerate(stimuli)
        for j, condition in enumerate(conditions)
    )
