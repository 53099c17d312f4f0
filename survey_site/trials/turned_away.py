"""Who is not let in though they would come: people of earlier studies, and who had a code at the door already."""

from survey_site.recruitment.arrivals import Sender
from survey_site.recruitment.marks import mark_of
from survey_site.recruitment.models import ExcludedId, Recruitment, TurnedAway
from survey_site.studies.models import Study
from survey_site.trials.models import ExternalId
from survey_site.trials.signed_tokens import pseudonym


def took_part_earlier(recruitment: Recruitment | None, who: Sender) -> bool:
    """Whether this identifier began one of the studies whose people are excluded, or is on the excluded list."""
    if recruitment is None or not who.external_id:
        return False
    listed = ExcludedId.objects.filter(
        study=recruitment.study_id, mark=mark_of(who.provider, who.external_id)
    )
    began = ExternalId.objects.filter(
        study__in=recruitment.earlier_studies.all(),
        provider=who.provider,
        value__in=[who.external_id, pseudonym(who.external_id)],  # who withdrew began it too
    )
    return listed.exists() or began.exists()


def note_code(study: Study, who: Sender, outcome: str) -> bool:
    """Notes that this person is shown a code at the door; False where they were shown one before."""
    mark = mark_of(who.provider, who.external_id)
    _row, first = TurnedAway.objects.get_or_create(study=study, mark=mark, defaults={"outcome": outcome})
    return first
