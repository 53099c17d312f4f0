"""Are the rows that carry seals as they were stored, does the sealed document find its own, and is the log whole?"""

from collections.abc import Iterator

from django.contrib.auth import get_user_model
from django.db.models import QuerySet

from survey_site.protocols import freeze
from survey_site.protocols.models import Look, Protocol
from survey_site.protocols.served_images import served
from survey_site.reports import ledger_check
from survey_site.reports.checked_thing import CheckedThing, said
from survey_site.stimuli.models import MapPicture
from survey_site.studies import audit, states
from survey_site.studies.models import AuditEntry, ChainHead, Study
from survey_site.trials import retention, sealing
from survey_site.trials.models import Participant

BATCH = 500
LOG = "audit lines"


def sealed_rows(study: Study) -> Iterator[CheckedThing]:
    """Every sealed row of the study but its participants, and every row that others say must be there."""
    for rows in (*sealing.sealed_rows(study), _heads_of_no_chain(study)):
        for row in rows.order_by("pk").iterator(BATCH):
            # Without what it says of itself: of external ids that is nobody's to read.
            yield CheckedThing("rows", f"{row._meta.verbose_name} {row.pk}", row.seal_fault())
    for protocol in study.protocols.order_by("version"):
        yield CheckedThing("documents", f"version {protocol.version}", said(_missing, study, protocol))
    yield CheckedThing("seals", "in the order of their versions", said(_seals_gone, study))
    yield CheckedThing("conditions", "of the newest version", said(_conditions_gone, study))
    yield CheckedThing("looks", "under the stopping rule", said(_looks_gone, study))
    yield from _identifiers_gone(study)


def _heads_of_no_chain(study: Study | None) -> QuerySet[ChainHead]:
    return ChainHead.objects.filter(study=study).exclude(kind__in=ChainHead.Kind.values)


def _seals_gone(study: Study) -> str:
    """Each seal of a study that was collected here has a line in its log: a step that seals, and did not go on under one.

    One put in has no seal of the key.
    """
    if study.origin != Study.Origin.COLLECTED:
        return ""
    steps = AuditEntry.objects.filter(study=study, verb__in=[f"state: {verb}" for verb in states.SEALING])
    logged = steps.exclude(detail__startswith=freeze.GOES_ON).count()
    there = study.protocols.count()
    return "" if there >= logged else f"there are {there}, and {logged} in the log"


def _conditions_gone(study: Study) -> str:
    """Which conditions the newest document has and no row is; those of a draft are its researchers' to take out."""
    newest = study.protocols.order_by("-version").first()
    if newest is None or study.state == Study.State.DRAFT:
        return ""
    names = ("column", "classifier", "base", "method")
    there = set(study.conditions.values_list(*names))
    sealed = [tuple(entry[name] for name in names) for entry in newest.document.get("conditions", ())]
    gone = [" ".join(filter(None, entry)) for entry in sealed if entry not in there]
    return f"not stored as sealed: {', '.join(gone[:3])}" if gone else ""


def _looks_gone(study: Study) -> str:
    """Each look of a study that was collected here has a line in its log."""
    if study.origin != Study.Origin.COLLECTED:
        return ""
    there = Look.objects.filter(measurement__study=study).count()
    logged = AuditEntry.objects.filter(study=study, verb="look taken").count()
    return "" if there >= logged else f"there are {there}, and {logged} in the log"


def _identifiers_gone(study: Study) -> Iterator[CheckedThing]:
    """Who came with an identifier has it until the day that their consent states."""
    people = Participant.objects.filter(study=study, named=True)
    people = people.exclude(protocol__ids_erased_on__lte=retention.today()).order_by("pk")
    for code, identifier in people.values_list("code", "external_id"):
        fault = "" if identifier else "the identifier of who recruited is gone, before the day of its erasure"
        yield CheckedThing("identifiers", code, fault)


def _missing(study: Study, protocol: Protocol) -> str:
    """What the sealed document names and no row is, or one with other hashes."""
    sealed = {entry["key"]: entry.get("sha256") for entry in protocol.document.get("stimuli", ())}
    images = dict(study.stimuli.values_list("key", "sha256"))
    found = [f"the image {key}" for key, sha256 in sealed.items() if sha256 and images.get(key) != sha256]
    colour_map = protocol.document.get("design", {}).get("colour_map")
    pictures = MapPicture.objects.filter(saliency_map__stimulus__study=study, colour_map=colour_map)
    own = "saliency_map__"
    stored = {
        (*identity, rank or 0, array, picture): pk
        for pk, rank, array, picture, *identity in pictures.values_list(
            "saliency_map", f"{own}rank", f"{own}array_sha256", "sha256",
            f"{own}stimulus__key", f"{own}classifier", f"{own}method", f"{own}parameters_hash",
        )
    }  # fmt: skip
    served_maps = set(served(protocol).values_list("saliency_map", flat=True))
    # Whoever imports a study is not given its pictures as served.
    collected = study.origin == Study.Origin.COLLECTED
    for entry in protocol.document.get("maps", ()):
        names = ("stimulus", "classifier", "method", "parameters_hash")
        identity = tuple(entry[name] for name in names)
        key = (*identity, entry.get("rank", 0), entry["array_sha256"], entry["picture_sha256"])
        if key not in stored:
            found.append(f"the map {' '.join(identity[:3])}")
        elif collected and stored[key] not in served_maps:
            found.append(f"the picture as served of {' '.join(identity[:3])}")
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return f"not stored as sealed: {', '.join(found[:3])}{more}" if found else ""


def audit_lines(study: Study | None) -> Iterator[CheckedThing]:
    """Each line of a study's log, or of the site's own, and whether they are a whole chain."""
    digests = []
    users = set(get_user_model().objects.values_list("pk", flat=True))
    lines = AuditEntry.objects.filter(study=study).order_by("number", "pk")
    for number, line in enumerate(lines.iterator(BATCH), 1):
        digests.append(audit.digest_of(line))
        named = line.user_id == line.actor or (line.user_id is None and line.actor not in users)
        fault = ""
        if line.number is None:
            fault = "it is in no chain"
        elif digests[-1] != line.digest:
            fault = "it was changed"
        elif line.number != number:
            fault = f"line {number} is missing"
        elif not named:
            fault = "its user is another one"
        yield CheckedThing(LOG, f"{line.at:%Y-%m-%d %H:%M} {line.verb}", fault)
    yield from ledger_check.chain(study, ChainHead.Kind.AUDIT, digests)
    if study is None:
        for row in _heads_of_no_chain(None):
            yield CheckedThing("rows", f"{row._meta.verbose_name} {row.pk}", row.seal_fault())
