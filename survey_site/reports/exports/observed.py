"""What synthetic observers chose, as columns of trials.csv: one for each observer."""

from django.db.models import OuterRef, Subquery, TextField, Value
from django.db.models.fields.json import KeyTextTransform, KeyTransform

from saliency_worker.observer_kinds import KINDS, ObserverKind
from survey_site.protocols.models import Protocol
from survey_site.protocols.observed import view_of_document
from survey_site.reports.exports.export_column import ExportColumn
from survey_site.reports.exports.sql import SafeName, SortedPool
from survey_site.stimuli.observed import ObservedMap
from survey_site.studies.models import Study

PREFIX = "observer_"


def observer_columns(study: Study | None) -> tuple[ExportColumn, ...]:
    """The image that each observer chose; where none was tried, nothing is looked for."""
    views = _views(study) if study else []
    return tuple(
        ExportColumn(
            f"{PREFIX}{kind.key}",
            f"Image that the synthetic observer “{kind.title}” chooses, which compares {kind.compares}; empty where it was "
            "not tried or cannot tell the candidates apart.",
            "string",
            _choice(kind, views) if views else Value(None, output_field=TextField()),
        )
        for kind in KINDS
    )


def _views(study: Study) -> list[str]:
    """How the study's protocols serve their pictures, where observers were tried on any."""
    if not ObservedMap.objects.filter(saliency_map__stimulus__study=study).exists():
        return []
    sealed = [protocol.content for protocol in Protocol.objects.filter(study=study)]
    return sorted({view_of_document(content) for content in sealed})


def _choice(kind: ObserverKind, views: list[str]) -> SafeName:
    rows = ObservedMap.objects.filter(
        saliency_map=OuterRef("saliency_map_id"), pool=SortedPool(OuterRef("pool")), view__in=views
    )
    chosen = KeyTextTransform("choice", KeyTransform(kind.key, "found"))
    return SafeName(Subquery(rows.order_by("-pk").values_list(chosen)[:1], output_field=TextField()))
