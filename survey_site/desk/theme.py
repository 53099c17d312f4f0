"""How the desk looks: the settings of its theme, unfold."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from survey_site.desk import sidebar

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Saliency Survey",
    "SITE_HEADER": "Saliency Survey",
    "SITE_SUBHEADER": _("Human studies of explanations"),
    "SITE_SYMBOL": "visibility",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [lambda request: static("desk/desk.css")],
    "COLORS": {
        "primary": {
            "50": "#eef6fb",
            "100": "#d6e9f5",
            "200": "#aed3ea",
            "300": "#7db7db",
            "400": "#6aaad4",
            "500": "#4c97c6",  # links in the dark: 5 : 1 on the ground
            "600": "#1f5f8b",
            "700": "#1b4f74",
            "800": "#18415e",
            "900": "#14344b",
            "950": "#0c2131",
        }
    },
    "ACCOUNT": {
        "navigation": [
            {"title": _("Change password"), "link": reverse_lazy("admin:password_change")},
            {"title": _("Second factor"), "link": reverse_lazy("second_factor")},
            {"title": _("Where you are signed in"), "link": reverse_lazy("sessions")},
        ]
    },
    "DASHBOARD_CALLBACK": "survey_site.desk.dashboard.dashboard",
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": sidebar.NAVIGATION,
    },
    "SITE_URL": "/",
}
