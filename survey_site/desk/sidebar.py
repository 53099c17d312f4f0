"""The desk's side bar: every list, a row each. Read by the settings, so nothing of Django's registry is here."""

from typing import Any

from django.urls import reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SUPERUSERS = "survey_site.studies.access.is_superuser"


def _item(title: str | Promise, icon: str, page: str, permission: str = "") -> dict[str, Any]:
    found = {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{page}")}
    return found | ({"permission": permission} if permission else {})


NAVIGATION: list[dict[str, Any]] = [
    {
        "items": [
            _item(_("Overview"), "space_dashboard", "index"),
            _item(_("Studies"), "science", "studies_study_changelist"),
            _item(_("Stimuli"), "image", "stimuli_stimulus_changelist"),
            _item(_("Precompute jobs"), "blur_on", "stimuli_precomputejob_changelist"),
            _item(_("Saliency maps"), "gradient", "stimuli_saliencymap_changelist"),
            _item(_("Protocols"), "lock", "protocols_protocol_changelist"),
            _item(_("Audit log"), "history", "studies_auditentry_changelist"),
        ]
    },
    {
        "title": _("People"),
        "collapsible": True,
        "items": [
            _item(_("Researchers"), "person", "auth_user_changelist"),
            _item(_("API tokens"), "key", "accounts_apitoken_changelist"),
            _item(_("Sign-ins"), "login", "axes_accesslog_changelist", SUPERUSERS),
            _item(_("Failed sign-ins"), "lock_person", "axes_accessattempt_changelist", SUPERUSERS),
        ],
    },
]
