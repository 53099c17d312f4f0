"""What changed from one sealed protocol to the next, and from the newest one to the draft, in readable lines."""

from dataclasses import dataclass
from typing import Any

from saliency_worker import catalog
from survey_site.design import canonical
from survey_site.protocols.measurement import measurement_of, rest_of, with_items_of
from survey_site.protocols.models import Protocol
from survey_site.studies.models import Study

LISTED = 200


@dataclass(frozen=True, slots=True)
class Version:
    """A sealed protocol (None: the draft as it would be sealed) and its differences to the one before.

    measured: those that touch the measurement; amended: the others.
    """

    protocol: Protocol | None
    before: int | None
    measured: list[canonical.Difference]
    amended: list[canonical.Difference]
    more: int

    @property
    def changes(self) -> list[canonical.Difference]:
        return [*self.measured, *self.amended]


def listed(study: Study, draft: dict[str, Any] | None = None) -> list[Version]:
    """Newest first; the draft's document on top where it is given and there is something to compare it with."""
    protocols = list(study.protocols.select_related("sealed_by", "measurement").order_by("-version"))
    found = [
        _version(new, new.content, old)
        for new, old in zip(protocols, [*protocols[1:], None][: len(protocols)], strict=True)
    ]
    if draft is not None and protocols:
        found.insert(0, _version(None, as_it_would_be(study, draft, protocols[0]), protocols[0]))
    return found


def as_it_would_be(study: Study, draft: dict[str, Any], before: Protocol) -> dict[str, Any]:
    """The draft's document with the size of images of an earlier seal, where the study leaves it open.

    It is fixed at the freeze by the largest picture and is no choice of the researcher. The items stay as dealt.
    """
    if not study.image_px:
        fixed = before.content["design"].get("image_px")
        draft = draft | {"design": draft["design"] | {"image_px": fixed}}
    return with_items_of(before.content, draft)


def _version(protocol: Protocol | None, document: dict[str, Any], before: Protocol | None) -> Version:
    if before is None:
        return Version(protocol, None, [], [], 0)
    old, new = readable(before.content), readable(document)
    measured, amended = (canonical.differences(part(old), part(new)) for part in (measurement_of, rest_of))
    more = max(len(measured) - LISTED, 0) + max(len(amended) - LISTED, 0)
    return Version(protocol, before.version, measured[:LISTED], amended[:LISTED], more)


def readable(document: dict[str, Any]) -> dict[str, Any]:
    """The document with conditions and maps under their names, the maps of a method in one line."""
    conditions = {
        f"{c['column']}: {c['classifier']} {catalog.join_key(c['base'], c['method'])}": {
            "column_order": c["column_order"],
            "is_reference": c["is_reference"],
        }
        for c in document.get("conditions", [])
    }
    methods: dict[str, list[list[str]]] = {}
    for entry in document.get("maps", []):
        hashes = [entry.get(name) or "" for name in ("stimulus", "array_sha256", "picture_sha256")]
        methods.setdefault(f"{entry['classifier']} {entry['method']}", []).append(hashes)
    maps = {
        name: f"{len(found)} maps, SHA-256 {canonical.sha256(sorted(found))[:12]}"
        for name, found in methods.items()
    }
    return document | {"conditions": conditions, "maps": maps}
