"""The audit log, to read."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from survey_site.desk.scoped_admin import OwnStudies, ReadOnlyScopedAdmin
from survey_site.studies.models import AuditEntry


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyScopedAdmin):
    """Who did what, newest first."""

    when_empty = _("Whatever somebody changes, exports or unmasks in a study is noted here by itself.")

    list_display = ("at", "study", "user", "verb", "detail")
    list_filter = ("verb", ("study", OwnStudies))
    list_select_related = ("study", "user")
    see = "edit"
    search_fields = ("verb", "detail", "user__username")
