"""Tells of the day on which identifiers are erased, and erases them: looked at by every worker."""

from datetime import date

from survey_site.notifications import outbox
from survey_site.notifications.events import Occasion
from survey_site.trials import retention


def look(now: date | None = None) -> int:
    """Announces once what is due within two weeks, and carries out what is due; returns how many studies were."""
    now = now or retention.today()
    for one in retention.upcoming(now + retention.ANNOUNCED):
        if one.day > now:
            outbox.watch_of(one.study)  # what the channels look into
            outbox.notice(one.study, occasion(one), owner_too=True)
    return len(retention.carry_out(now))


def occasion(one: retention.Retention) -> Occasion:
    """The announcement in words."""
    what = f"the identifiers of {one.ids} participants are erased, as their consent states"
    closes = (
        " The study is closed then, since nobody can consent to a day that is past." if one.closes else ""
    )
    return Occasion(
        "ids_erased_soon",
        one.day.isoformat(),
        f"identifiers are erased on {one.day}",
        f"On {one.day} {what}.{closes} Compare the submissions with the recruitment service before: afterwards nobody can "
        "tell who took part, neither to pay nor to find them.",
        "study_recruitment",
        {"day": one.day.isoformat(), "ids": one.ids, "closes": one.closes},
    )
