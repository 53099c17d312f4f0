"""Rows behind the desk's lists beside the responses: images, jobs, maps and a long audit log, made by PostgreSQL."""

from typing import Any

from django.db import connection

from benchmarks.report_data import fill
from survey_site.studies.models import Study

IMAGES = """
INSERT INTO stimuli_stimulus (study_id, key, stimulus_class, role, sha256, upload_sha256, path, width, height, source,
  licence, created_at, seal)
SELECT %(study)s, 'picture-' || n, 'class ' || n %% 40, 'main', md5(n::text) || md5('s' || n), md5(n::text) || md5('u' || n),
  'p/' || n || '.png', 224, 224, '', '', now(), '' FROM generate_series(1, %(images)s) n
"""
JOBS = """
INSERT INTO stimuli_precomputejob (stimulus_id, classifier, methods, settings, state, attempts, reason, permanent, worker,
  created_at, started_at, finished_at, region_only)
SELECT s.id, c, '["gradcam", "original"]', '{"edges": "hed"}', CASE WHEN s.id %% 50 = 0 THEN 'failed' ELSE 'done' END, 1,
  CASE WHEN s.id %% 50 = 0 THEN 'The worker ran out of memory.' ELSE '' END, false, '', now() - interval '30 days',
  now() - s.id * interval '1 second' - interval '20 seconds', now() - s.id * interval '1 second', false
FROM stimuli_stimulus s CROSS JOIN unnest(ARRAY['VGG16', 'ResNet50', 'MobileNetV2']) c WHERE s.study_id = %(study)s
"""
MAPS = """
INSERT INTO stimuli_saliencymap (stimulus_id, classifier, layer, class_index, class_name, method, parameters_hash,
  array_sha256, array_path, metrics, provenance, current, created_at, rank, seal)
SELECT s.id, c, 'layer', 281, 'tabby', m, md5(m), md5(s.id || c || m), 'arrays/' || md5(s.id || c || m) || '.npz',
  '{"confidence": 0.5}',
  jsonb_build_object('text', repeat('provenance ', 100)), true, now(), 0, ''
FROM stimuli_stimulus s CROSS JOIN unnest(ARRAY['VGG16', 'ResNet50', 'MobileNetV2']) c
  CROSS JOIN unnest(ARRAY['gradcam', 'gradcam.add-edges', 'gradcampp', 'original']) m WHERE s.study_id = %(study)s
"""
AUDIT = """
INSERT INTO studies_auditentry (study_id, user_id, verb, detail, at, digest)
SELECT %(study)s, %(user)s, (ARRAY['form saved', 'images added', 'exported'])[1 + n %% 3], 'entry ' || n, now(), ''
FROM generate_series(1, %(entries)s) n
"""


def fill_desk(responses: int, user: Any) -> Study:
    """The report benchmark's study, a second one with an image, three jobs and twelve maps per hundred responses."""
    found = Study.objects.filter(slug="benchmark").first()
    if found is not None:
        return found
    large = Study.objects.create(slug="many-images", title="Many images", owner=user)
    values = {"study": large.pk, "user": user.pk, "images": responses // 100, "entries": responses // 20}
    with connection.cursor() as cursor:
        for statement in (IMAGES, JOBS, MAPS, AUDIT):
            cursor.execute(statement, values)
    return fill(responses)  # analyses the tables when all are filled
