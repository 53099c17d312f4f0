"""Which answers count: the analysed population, as one filter that every estimate and export shares.

Primary analysis: persons (no bots, no previews) who finished, were not withdrawn, not excluded and not
surplus, under one measurement that is no pilot's; trials of the main blocks that are no attention check; and
not known to be unseen. Source: docs/statistics.md.
"""

from dataclasses import dataclass
from typing import Any, Self

from django.db.models import Q

from survey_site.protocols.models import Protocol
from survey_site.studies.models import Study
from survey_site.trials.models import Participant, Response
from survey_site.trials.who_counts import together_with, who_counts


@dataclass(frozen=True)
class Population:
    """Choices of who counts. The defaults are the primary analysis; the others are sensitivity analyses."""

    bots: bool = False
    unfinished: bool = False
    excluded: bool = False
    pilot: bool = False

    @classmethod
    def from_query(cls, query: Any) -> Self:
        """From a query string such as `?bots=1&unfinished=1`."""
        return cls(**{name: query.get(name) == "1" for name in cls.__dataclass_fields__})

    def as_query(self) -> str:
        """The query string that gives this population again; empty for the primary analysis."""
        return "&".join(f"{name}=1" for name in self.__dataclass_fields__ if getattr(self, name))

    @property
    def is_primary(self) -> bool:
        return self == Population()

    def kinds(self) -> list[str]:
        kinds = [Participant.Kind.PERSON.value]
        return [*kinds, Participant.Kind.BOT.value] if self.bots else kinds

    def in_data(self, prefix: str = "") -> Q:
        """Participants whose rows are in the data exports; reasons why a row does not count are flags there."""
        q = self.not_withdrawn(prefix)
        return q if self.pilot else q & Q(**{f"{prefix}protocol__pilot": False})

    def not_withdrawn(self, prefix: str = "") -> Q:
        """Participants of the wanted kinds who have not withdrawn."""
        return Q(**{f"{prefix}kind__in": self.kinds()}) & ~Q(
            **{f"{prefix}state": Participant.State.WITHDRAWN}
        )

    def analysed(self, protocol: Protocol, prefix: str = "") -> Q:
        """Participants under this protocol, or another seal of its measurement, whose answers count in the estimates."""
        own = self.not_withdrawn(prefix) & together_with(protocol, prefix)
        return own & who_counts(prefix, unfinished=self.unfinished, excluded=self.excluded)


def seen_responses(protocol: Protocol) -> Q:
    """Answers not known to be unseen; whether "unknown" counts is the protocol's choice (default yes)."""
    design = protocol.content.get("design", {})
    apart = [Response.Seen.NO.value]
    if not design.get("count_unknown_seen", True):
        apart.append(Response.Seen.UNKNOWN.value)
    return ~Q(seen__in=apart)


def protocol_of(study: Study, version: int | None = None) -> Protocol | None:
    """The protocol a report is about: the newest with the asked version's measurement, else the newest that is no pilot."""
    protocols = study.protocols.order_by("-version")
    if version is not None:
        asked = protocols.filter(version=version).values("measurement")
        return protocols.filter(measurement__in=asked).first()
    return protocols.filter(pilot=False).first()
