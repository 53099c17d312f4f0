"""Every address of the site, in the order of the path of the data."""

from django.contrib import admin
from django.urls import include, path

from survey_site.accounts import pages, password_pages, session_pages
from survey_site.desk import documentation, site_metrics

handler400 = "survey_site.trials.views.failures.bad_request"
handler403 = "survey_site.trials.views.failures.forbidden"
handler404 = "survey_site.trials.views.failures.not_found"
handler500 = "survey_site.trials.views.failures.failed"

urlpatterns = [
    path("", include("survey_site.trials.urls")),
    path("recruitment/", include("survey_site.desk.urls")),
    path("docs/", documentation.contents, name="documentation"),
    path("docs/images/<str:name>", documentation.picture, name="documentation_picture"),
    path("docs/<slug:name>/", documentation.page, name="documentation_page"),
    path("admin/login/", pages.login),
    path("admin/login/second-step/", pages.second_step, name="second_step"),
    path("admin/second-factor/", pages.enrolment, name="second_factor"),
    path("admin/confirm/", session_pages.confirm, name="confirm"),
    path("admin/sessions/", session_pages.signed_in, name="sessions"),
    path("admin/password_reset/", password_pages.Forgotten.as_view(), name="admin_password_reset"),
    path("admin/password/<uidb64>/<token>/", password_pages.Choose.as_view(), name="password_link"),
    path("admin/", admin.site.urls),
    path("reports/", include("survey_site.reports.urls")),
    path("api/", include("survey_site.api.urls")),
    path("metrics", site_metrics.metrics, name="metrics"),
]
