"""The WSGI application that granian (or any other server) runs."""

import os

from django.core.wsgi import get_wsgi_application

from survey_site.malformed import RefusingMalformed

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "survey_site.settings")

application = RefusingMalformed(get_wsgi_application())
