"""Every address of the site, in the order of the path of the data."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("survey_site.trials.urls")),
    path("recruitment/", include("survey_site.recruitment.urls")),
    path("admin/", admin.site.urls),
    path("reports/", include("survey_site.reports.urls")),
    path("api/", include("survey_site.api.urls")),
]
