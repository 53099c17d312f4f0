"""What a consent promises: on the day that it states, the identifiers of recruitment services are erased.

The day is that of the seal under which somebody came in, whatever the study says now.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, Min, OuterRef, QuerySet, Subquery
from django.utils import timezone

from survey_site.protocols.models import Protocol
from survey_site.studies import audit, states
from survey_site.studies.editing import editing
from survey_site.studies.models import Study
from survey_site.studies.moves import move
from survey_site.trials.models import ExternalId

ANNOUNCED = timedelta(days=14)  # before the day


@dataclass(frozen=True, slots=True)
class Retention:
    """A study whose day comes or has come. ids: how many identifiers are erased then. closes: it is still open."""

    study: Study
    day: date
    ids: int
    closes: bool


def today() -> date:
    """By the time zone of the site."""
    return timezone.localdate()


def upcoming(until: date) -> list[Retention]:
    """Every study with something to erase or to close by this day, the earliest first."""
    return _found(Study.objects.all(), until)


def of_study(study: Study) -> Retention | None:
    """The next day on which something of this study is erased, or it is closed; None where nothing will be."""
    return next(iter(_found(Study.objects.filter(pk=study.pk), date.max)), None)


def erased_on(study: Study) -> date | None:
    """The latest day that has come on which identifiers of this study were erased."""
    days = study.protocols.filter(ids_erased_on__lte=today()).order_by("-ids_erased_on")
    return days.values_list("ids_erased_on", flat=True).first()


def _found(studies: QuerySet[Study], until: date) -> list[Retention]:
    due = ExternalId.objects.filter(study__in=studies, participant__protocol__ids_erased_on__lte=until)
    rows = (
        due.order_by()
        .values("study")
        .annotate(n=Count("pk"), day=Min("participant__protocol__ids_erased_on"))
    )
    ids = {row["study"]: row for row in rows}
    newest = Protocol.objects.filter(study=OuterRef("pk")).order_by("-version").values("ids_erased_on")[:1]
    days = studies.annotate(newest_day=Subquery(newest))
    closing = {
        study.pk: study.newest_day
        for study in days.filter(state__in=states.COLLECTING, newest_day__lte=until)
    }
    found = []
    for study in studies.filter(pk__in=ids.keys() | closing.keys()):
        own = ids.get(study.pk)
        day = min(day for day in (own and own["day"], closing.get(study.pk)) if day)
        found.append(Retention(study, day, own["n"] if own else 0, study.pk in closing))
    return sorted(found, key=lambda one: (one.day, one.study.pk))


def carry_out(now: date | None = None) -> list[Retention]:
    """Erases what is due and closes what is still open, with lines in the log; returns what was done."""
    now = now or today()
    done = []
    for one in upcoming(now):
        with editing(one.study) as study:
            due = ExternalId.objects.filter(study=study, participant__protocol__ids_erased_on__lte=now)
            erased = due.delete()[0]
            if erased:
                told = f"{erased}, as the consent states ({one.day})"
                audit.record_of(None, study, "identifiers erased", told)
            newest = study.protocols.order_by("-version").values_list("ids_erased_on", flat=True).first()
            if newest and newest <= now:  # the marks of who was turned away serve open doors alone
                study.turned_away.all().delete()
            closes = one.closes and study.state in states.COLLECTING
            if closes:
                move(
                    study,
                    "close",
                    None,
                    detail="the day on which the consent's identifiers are erased has come",
                )
        if erased or closes:
            done.append(Retention(study, one.day, erased, closes))
    return done
