"""The columns and rows of participants.csv, with which every row of wide.csv begins."""

from django.db.models import F, QuerySet

from survey_site.reports.exports.columns import MEASUREMENT, excluded_flag, exclusion
from survey_site.reports.exports.export_column import ExportColumn
from survey_site.reports.exports.measured import OF_PERSON, with_first_trial
from survey_site.reports.exports.questions import consent_column, question_columns
from survey_site.reports.exports.sql import SafeText, UtcText, name_of, text
from survey_site.reports.population import Population
from survey_site.studies.models import Study
from survey_site.trials.models import Participant


def participant_columns(study: Study | None) -> tuple[ExportColumn, ...]:
    fixed = (
        ExportColumn("study", "Short name of the study.", "string", name_of("study__slug")),
        ExportColumn("participant", "Opaque code of the participant, unique in the study.", "string", name_of("code")),
        ExportColumn("protocol_hash", "SHA-256 of the frozen protocol the participant is under.", "string",
               text("protocol__hash")),
        ExportColumn("kind", "person, or bot where simulated participants were asked for.", "string", text("kind"),
               levels=("person", "bot")),
        ExportColumn("state", "How far the participant came.", "string", text("state"),
               levels=("started", "consented", "finished", "screened_out", "dropped")),
        ExportColumn("ticket_number", "Row of the Latin square.", "integer", F("ticket_number"), minimum=0),
        ExportColumn("language", "Language in which the texts were shown.", "string", text("language")),
        ExportColumn("browser", "Family of the browser.", "string", text("user_agent_family")),
        ExportColumn("started_at", "When the participant came (UTC).", "datetime", UtcText(F("started_at"))),
        ExportColumn("consented_at", "When the participant consented (UTC).", "datetime", UtcText(F("consented_at"))),
        ExportColumn("finished_at", "When the last answer was stored (UTC).", "datetime", UtcText(F("finished_at"))),
        ExportColumn("excluded", "1: outside the primary analysis, for the reason beside it.", "boolean", excluded_flag("")),
        ExportColumn("exclusion_reason", "Why: a rule, a researcher's words, surplus, unfinished or pilot.", "string",
               SafeText(exclusion(""))),
    )  # fmt: skip
    measured = ExportColumn("measurement_hash", MEASUREMENT, "string", text("protocol__measurement_hash"))
    told = (consent_column(study), *question_columns(study)) if study else ()
    return (*fixed, *OF_PERSON, measured, *told)


def participant_rows(study: Study, population: Population) -> QuerySet[Participant]:
    """Who has rows in the exports, as they came."""
    rows = Participant.objects.filter(population.in_data(), study=study)
    return with_first_trial(rows).order_by("pk")
