"""Whether the results of a study may be seen under the columns' names: one rule for pages, files, API and commands.

While a study collects (live or paused) its columns are A, B, … until somebody opens the names, which is one decision,
asked for and in the audit log. A pilot, a draft, a closed study, and so everything imported, shows names; that is noted
too, since a target can be amended only as long as nobody knows the results.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from django.db.models import DateTimeField, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from survey_site.design.seeded import permutation
from survey_site.protocols.models import Protocol
from survey_site.studies import audit
from survey_site.studies.models import AuditEntry, Study
from survey_site.studies.states import State

OPENED = "names opened"
SHOWN = "names shown"
EVER = datetime(1970, 1, 1, tzinfo=UTC)  # a seal without a date is older than every entry
MASKED = frozenset({State.LIVE, State.PAUSED})


def is_masked(study: Study) -> bool:
    """Whether columns are shown as letters now; a pilot that is paused is a pilot."""
    if study.state not in MASKED or _entries(study, OPENED).exists():
        return False
    pilots = study.protocols.order_by("-version").values_list("pilot", flat=True)
    return study.state != State.PAUSED or not pilots.first()


def open_names(study: Study, by: int | None, detail: str = "") -> None:
    """Opens the columns' names for everybody who may see results, until another measurement is sealed."""
    audit.record_of(by, study, OPENED, detail)


def note_shown(study: Study, by: int | None) -> None:
    """Results are about to be shown; where they stand under their names, and answers may be added to them, it is noted."""
    collected = study.origin == Study.Origin.COLLECTED
    if collected and not is_masked(study) and not names_known(study) and newest(study) is not None:
        audit.record_of(by, study, SHOWN)


def note_folder(study: Study, by: int | None) -> bool:
    """A study folder was written, which is the study itself, names and all: whether it was masked, which is noted."""
    if found := is_masked(study):
        audit.record_of(by, study, SHOWN, "study folder")
    return found


def names_known(study: Study) -> bool:
    """Whether anybody has seen results of the newest measurement under the columns' names."""
    return _entries(study, OPENED, SHOWN).exists()


def ended_unseen(study: Study, protocol: Protocol) -> bool:
    """Whether nobody had seen results of this measurement under the columns' names when its recruitment ended.

    It ended when the study was closed last, or when another measurement was sealed: later readers decided nothing.
    """
    last = newest(study)
    if last is not None and last.measurement_id != protocol.measurement_id:
        end = last.measurement.sealed_at if last.measurement else None
    else:
        closed = AuditEntry.objects.filter(study=study, verb="state: close").order_by("-pk")
        end = closed.values_list("at", flat=True).first()
    begun = protocol.measurement.sealed_at if protocol.measurement else None
    seen = AuditEntry.objects.filter(study=study, verb__in=(OPENED, SHOWN), at__gte=begun or EVER)
    return not (seen.filter(at__lt=end) if end else seen).exists()


def newest(study: Study) -> Protocol | None:
    """The newest protocol that is no pilot."""
    return (
        study.protocols.filter(pilot=False)
        .select_related("measurement")
        .defer("document")
        .order_by("-version")
        .first()
    )


def _entries(study: Study, *verbs: str) -> QuerySet[AuditEntry]:
    """What was opened since the newest measurement was sealed: of another one the results tell nothing. One query."""
    newest_first = Protocol.objects.filter(study=study, pilot=False).order_by("-version")
    begun = Subquery(newest_first.values("measurement__sealed_at")[:1])
    ever = Value(EVER, output_field=DateTimeField())
    return AuditEntry.objects.filter(study=study, verb__in=verbs, at__gte=Coalesce(begun, ever))


def column_letters(study: Study) -> dict[str, str]:
    """By column its letter while names are hidden, in an order that tells nothing; empty where they are shown."""
    if not is_masked(study):
        return {}
    names = sorted(set(study.conditions.values_list("column", flat=True)))
    found = newest(study)  # an amendment goes on with the letters of its measurement
    order = permutation(
        len(names),
        f"{study.seed}-{found.measurement.version if found and found.measurement else 0}",
        "masked columns",
    )
    return {names[place]: letter(number) for number, place in enumerate(order)}


def in_order(letters: Mapping[str, str]) -> list[str]:
    """The letters of `column_letters` as they follow each other: Z before AA."""
    return sorted(letters.values(), key=lambda one: (len(one), one))


def letter(number: int) -> str:
    """0 is A, 25 Z, 26 AA."""
    text = ""
    while number >= 0:
        text, number = chr(65 + number % 26) + text, number // 26 - 1
    return text
