"""Going live: what must hold before, and the sealing of the protocol. The other steps are protocols/life.py."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from survey_site.design import canonical
from survey_site.protocols import (
    empty_maps,
    masking,
    measurement,
    planned_looks,
    served_images,
    shown_maps,
    shown_together,
)
from survey_site.protocols.document import assessment_of, design_of_document, document_of
from survey_site.protocols.models import Protocol, ServedImage
from survey_site.protocols.signals import sealed
from survey_site.stimuli import jobs, missing_maps, own_models, ranks
from survey_site.studies import consent, states, texts
from survey_site.studies.errors import SeveralProblems
from survey_site.studies.models import Study
from survey_site.studies.moves import move


class NotReady(SeveralProblems):
    """The study cannot go live. `problems` says line by line what must change."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A study as it would be sealed now, laid out once. document: None where it cannot be laid out.

    problems: what keeps the design from being carried out, whatever maps and rehearsals there are; one line each.
    maps: those that the document names, in its order. hash: SHA-256 of the document, what a rehearsal is valid for.
    """

    document: dict[str, Any] | None
    problems: list[str]
    maps: list[shown_maps.ShownMap] = field(default_factory=list)
    hash: str = ""


def draft_of(study: Study) -> Draft:
    """Lays the study out; the served pixel size is 0 in the document where it is not known yet."""
    conditions = list(study.conditions.all())
    if not conditions:
        return Draft(None, ["The study has no conditions; tick classifiers and methods."])
    if not study.stimuli.exists():
        return Draft(None, ["The study has no images; upload some."])
    found: list[str] = []
    references = {c.column for c in conditions if c.is_reference}
    if len(references) > 1:
        found.append(f"Only one column can be the reference; now {', '.join(sorted(references))} are.")
    if study.explain_own_class and ranks.ranks_of(study) != (0,):
        found.append(
            "A task shows maps of the network's further choices, which are not those of the image's own class; choose one."
        )
    found += texts.problems(study) + consent.problems(study)
    if blocking := [f"{f.text} {f.change}" for f in assessment_of(study).findings if f.blocking]:
        return Draft(None, found + blocking)
    maps = shown_maps.maps_shown(study)
    try:
        document = document_of(study, maps, image_px=study.image_px or 0, texts=consent.offered_texts(study))
        design_of_document(document)
        found += [f"Of the analysis plan: {what}." for _setting, what in planned_looks.problems(document)]
        return Draft(document, found, maps, canonical.sha256(document))
    except ValueError as error:  # a DesignError and a NotCanonical too
        return Draft(None, [*found, str(error)])


def problems(study: Study, draft: Draft) -> list[str]:
    """Everything that keeps the study from going live, one line each; empty when it is ready."""
    found = list(draft.problems)
    if study.conditions.exists() and study.stimuli.exists():
        shown = shown_together.problems(study)
        found += own_models.unready(study) or shown + missing_maps.by_method(jobs.missing_maps(study))
    return found or rehearsal_missing(study, draft)


def notices(study: Study, maps: Sequence[shown_maps.ShownMap]) -> list[str]:
    """What the researcher should know though the study can go live with these maps; one line each."""
    return consent.notices(study) + empty_maps.notices(maps)


def rehearsal_missing(study: Study, draft: Draft) -> list[str]:
    """Why the study must be rehearsed first, where it asks for that; else nothing."""
    if not study.require_rehearsal:
        return []
    latest = study.rehearsals.filter(document_hash=draft.hash).first()
    if latest is None:
        return [
            "This study asks for a rehearsal, and none was made of the protocol as it is now: "
            f"rehearse it below, or by manage.py rehearse {study.slug}."
        ]
    return [] if latest.passed else ["The rehearsal of this protocol did not pass; see below what was found."]


def go_live(
    study: Study,
    by: User | None = None,
    *,
    pilot: bool = False,
    reason: str = "",
    seen: str = "",
    told: served_images.Told = served_images.nobody,
) -> Protocol:
    """Seals the protocol and opens the study; raises NotReady or StateForbids, and then changes nothing.

    Nothing changed since the newest seal: the study goes on under it. Only what can be amended changed: the new seal
    stands together with the old one, for this reason. seen: hash of the draft that whoever asks has looked at.
    told: is called with how far it is (0..1) and a word for it.
    """
    verb = "pilot" if pilot else "live"
    states.transition(verb, study.state)
    draft = draft_of(study)
    if seen not in ("", draft.hash):
        raise NotReady([CHANGED_MEANWHILE])
    if (found := problems(study, draft)) or draft.document is None:
        raise NotReady(found)
    pictures = [each.path for each in draft.maps]
    side = served_images.common_size(study, pictures)
    plan = seal_of(
        study, draft.document | {"design": draft.document["design"] | {"image_px": side}}, pilot=pilot
    )
    if plan.joins and (why := planned_looks.ended(plan.joins)):
        raise NotReady([why])
    if plan.change == "amendment" and not reason.strip():
        raise NotReady([REASON_WANTED])
    shared = bool(plan.joins and served_images.served(plan.joins).exists())
    files = (
        []
        if shared or plan.goes_on
        else served_images.write_files(pictures, side, served_images.photos_below(study, draft.maps), told)
    )
    try:
        with transaction.atomic():
            again = f"{GOES_ON} {plan.joins.version} again" if plan.goes_on and plan.joins else ""
            move(study, verb, by.pk if by else None, pilot=pilot, detail=again)
            if plan.goes_on and plan.joins:
                return plan.joins
            protocol = seal(study, plan, by, pilot=pilot, reason=reason)
            ServedImage.objects.bulk_create(
                ServedImage(protocol=protocol, saliency_map_id=m.pk, path=file.path, sha256=file.sha256)
                for m, file in zip(draft.maps if files else (), files, strict=True)
            )
    except BaseException:
        served_images.remove_files(files)
        raise
    return protocol


GOES_ON = "the seal of version"
"""How the line in the log begins of a step that took an earlier seal again."""
CHANGED_MEANWHILE = (
    "Somebody changed the study after this page was opened, and nothing was sealed. The page now shows what would be "
    "sealed: look at it, then go on."
)
REASON_WANTED = (
    "This is an amendment: the measurement is as it was, and all answers stay together. Say why it is made; the reason "
    "stands beside the difference in report and exports."
)


@dataclass(frozen=True, slots=True)
class Seal:
    """What sealing a document is. joins: the seal whose answers its own would stand with; before: the one compared with.

    goes_on: nothing changed since the newest seal, which is taken again.
    """

    change: measurement.Change
    document: dict[str, Any]
    joins: Protocol | None = None
    before: Protocol | None = None
    goes_on: bool = False


def seal_of(study: Study, document: dict[str, Any], *, pilot: bool) -> Seal:
    """What going live with this document would be, decided by the two hashes (protocols/measurement.py).

    A pilot's answers are never the study's: pilots are compared with pilots.
    """
    earlier = list(study.protocols.filter(pilot=pilot).order_by("-version"))
    if not earlier:
        return Seal("first", document)
    document = measurement.with_items_of(earlier[0].content, document)
    known = masking.names_known(study)
    own = measurement.measurement_hash(document)
    for old in earlier:
        if old.measurement_hash == own:
            change = measurement.change(old.content, document, names_opened=known)
            if change != "version":
                last = study.protocols.order_by("-version").values_list("pk", flat=True).first()
                return Seal(change, document, old, old, goes_on=change == "none" and old.pk == last)
    return Seal("version", document, None, earlier[0])


def seal(study: Study, plan: Seal, by: User | None, *, pilot: bool, reason: str) -> Protocol:
    """Stores the document under its hash; inside the caller's transaction, which has locked the study."""
    protocol = Protocol.objects.create(
        study=study,
        version=study.protocols.count() + 1,
        pilot=pilot,
        hash=canonical.sha256(plan.document),
        document=plan.document,
        sealed_at=timezone.now(),
        sealed_by=by,
        measurement=plan.joins.measurement if plan.joins else None,
        reason=reason.strip() if plan.change == "amendment" else "",
    )
    sealed.send(Protocol, protocol=protocol)
    return protocol
