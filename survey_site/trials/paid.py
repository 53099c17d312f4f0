"""The way out of who has given all answers."""

from survey_site.recruitment.completion import Exit, Outcome, way_out
from survey_site.recruitment.models import Recruitment
from survey_site.trials import attention_rows, haste
from survey_site.trials.models import ExternalId, Participant


def way_out_of(participant: Participant) -> Exit | None:
    """Code and address by how the participant ended. Only a person gets one, and only when every answer is stored.

    Of who withdrew it is no longer known.
    """
    left = participant.finished_at is None or participant.state == Participant.State.WITHDRAWN
    if left or participant.kind != Participant.Kind.PERSON:
        return None
    recruitment = Recruitment.objects.filter(study=participant.study_id).first()
    found = ExternalId.objects.filter(participant=participant).values_list("value", flat=True)
    external = found.first() or ""
    failed = participant.exclusion_reason == attention_rows.REASON
    outcome: Outcome = "failed_attention" if failed and _has_code_for_failure(recruitment) else "completed"
    if participant.exclusion_reason == haste.REASON:
        outcome = "too_fast"  # never the code of who completed: a script would have it by being quick
    carried = {str(name): str(value) for name, value in participant.link_parameters.items()}
    return way_out(recruitment, outcome, external, participant=participant.code, carried=carried)


def _has_code_for_failure(recruitment: Recruitment | None) -> bool:
    return bool(recruitment and recruitment.failed_attention_code)
