"""How many people begin a study just now: a script that takes one place after another shows in it at once."""

from datetime import datetime, timedelta

from survey_site.studies.models import Study
from survey_site.trials.models import Participant

WINDOW = timedelta(minutes=10)


def recent_starts(study: Study, now: datetime) -> int:
    """People who began in the ten minutes before `now`."""
    people = Participant.objects.filter(study=study, kind=Participant.Kind.PERSON)
    return people.filter(consented_at__gt=now - WINDOW, consented_at__lte=now).count()
