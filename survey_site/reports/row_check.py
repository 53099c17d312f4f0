"""Are the rows that carry seals as they were stored, does the sealed document find its own, and is the log whole?"""

from collections.abc import Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import QuerySet

from survey_site.protocols.models import Protocol, ServedImage
from survey_site.protocols.served_images import served
from survey_site.reports import ledger_check
from survey_site.reports.checked_thing import CheckedThing
from survey_site.stimuli.models import MapPicture, SaliencyMap
from survey_site.studies import audit
from survey_site.studies.models import AuditEntry, ChainHead, Study
from survey_site.trials.models import ExternalId

BATCH = 500
LOG = "audit lines"


def sealed_rows(study: Study) -> Iterator[CheckedThing]:
    """Every sealed row of the study but its participants, and every row that a sealed document names."""
    kinds: tuple[QuerySet[Any], ...] = (
        study.conditions.all(),
        study.stimuli.all(),
        SaliencyMap.objects.filter(stimulus__study=study),
        MapPicture.objects.filter(saliency_map__stimulus__study=study),
        study.protocols.defer("document"),
        ServedImage.objects.filter(protocol__study=study),
        ExternalId.objects.filter(study=study),
    )
    for rows in kinds:
        for row in rows.order_by("pk").iterator(BATCH):
            # Without what it says of itself: of external ids that is nobody's to read.
            yield CheckedThing("rows", f"{row._meta.verbose_name} {row.pk}", row.seal_fault())
    for protocol in study.protocols.order_by("version"):
        yield CheckedThing("documents", f"version {protocol.version}", _missing(study, protocol))


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
