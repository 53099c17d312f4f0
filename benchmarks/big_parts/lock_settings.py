"""The site's settings with the app of migrations that benchmarks/big_parts/locks.py applies and takes back."""

from survey_site.settings import *  # noqa: F403
from survey_site.settings import INSTALLED_APPS as OF_THE_SITE

INSTALLED_APPS = [*OF_THE_SITE, "benchmarks.big_parts.lock_app"]
