"""Where Django looks for lists of researchers: each module registers its own."""

from survey_site.desk import (
    audit_admin,
    job_admin,
    map_admin,
    protocol_admin,
    sign_in_admin,
    stimulus_admin,
    study_admin,
    token_admin,
    user_admin,
)

__all__ = [
    "audit_admin",
    "job_admin",
    "map_admin",
    "protocol_admin",
    "sign_in_admin",
    "stimulus_admin",
    "study_admin",
    "token_admin",
    "user_admin",
]
