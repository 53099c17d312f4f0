"""The list of sealed protocols, to read."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from survey_site.desk.scoped_admin import OwnStudies, ReadOnlyScopedAdmin, shown_json
from survey_site.protocols.models import Protocol


@admin.register(Protocol)
class ProtocolAdmin(ReadOnlyScopedAdmin):
    """Sealed protocols, to read."""

    when_empty = _("A protocol is sealed when a study starts its pilot or goes live.")

    list_display = ("study", "version", "pilot", "hash", "sealed_at", "sealed_by")
    list_filter = (("study", OwnStudies), "pilot")
    list_select_related = ("study", "sealed_by")
    fields = (
        "study", "version", "pilot", "hash", "measurement_hash", "reason", "sealed_at", "sealed_by", "shown_document",
    )  # fmt: skip
    readonly_fields = ("measurement_hash", "shown_document")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Protocol]:
        return (
            super().get_queryset(request).defer("document")
        )  # of megabytes, for a list that shows none of it

    @display(description=_("Document"))
    def shown_document(self, protocol: Protocol) -> SafeString:
        return shown_json(protocol.document)
