"""`saliency-survey`, `python -m survey_site`, and manage.py of a checkout: Django's command line for the site."""

import os
import sys
from pathlib import Path


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "survey_site.settings")
    from django.core.management import execute_from_command_line

    if Path(sys.argv[0]).name == "__main__.py":
        sys.argv[0] = "saliency-survey"
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
