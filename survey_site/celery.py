"""The client side of the queue: broker settings and tasks sent by name. No worker code is imported here."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "survey_site.settings")

app = Celery("survey_site")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["survey_site.reports", "survey_site.notifications"], related_name="tasks")
