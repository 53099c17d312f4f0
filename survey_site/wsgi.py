"""The WSGI application that granian (or any other server) runs."""

import gc
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from survey_site import environment, environment_stores, environment_values
from survey_site.malformed import RefusingMalformed
from survey_site.sqlite_file import keep_to_the_file
from survey_site.telemetry import shared_counters

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "survey_site.settings")
try:  # what web processes alone need
    environment_values.own_folder("METRICS_DIR", str(settings.METRICS_DIR))
    environment_stores.refuse_files_elsewhere(
        settings.STORAGES["default"], settings.DATA_DIR, settings.X_ACCEL_PREFIX
    )
except environment.Misconfigured as error:
    environment.stop_boot(str(error))
shared_counters.share(settings.METRICS_DIR)  # before the counters are imported

application = RefusingMalformed(get_wsgi_application())
keep_to_the_file()

# What is loaded by now stays; what a request leaves behind is freed by counting, all but a little of it. Looking for that
# little after every 700 objects is not worth its while.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 20)
