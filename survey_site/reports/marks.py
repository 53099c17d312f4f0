"""What must stand with every number and in every file: that data are a reconstruction, or that people were simulated."""

from survey_site.reports.plan_words import number
from survey_site.reports.population import Population
from survey_site.studies.models import Study

REPLAY_BANNER = (
    "Reconstruction: aggregates reproduced; individual rows, pool size 4 and all intervals and p-values "
    "synthetic. These are not the authors' data."
)


MASKED = (
    "Masked: columns are letters, and what would tell them apart by name is left out, until the study is closed or a "
    "researcher opens the names, which is recorded."
)


def banner(study: Study, participants: int, simulated: int, *, masked: bool = False) -> str | None:
    """The sentence above a report of so many participants, of whom so many are bots; None where there is none to say."""
    said = [REPLAY_BANNER] if study.origin == Study.Origin.RECONSTRUCTION else []
    if simulated:
        who = (
            f"{simulated} of them"
            if simulated < participants
            else "all of them"
            if simulated > 1
            else "who was"
        )
        said.append(
            f"Simulated: {number(participants, 'participant')}, {who} simulated by a program. No result about people."
        )
    if masked:
        said.append(MASKED)
    return " ".join(said) or None


def described(study: Study, simulated: int) -> str:
    """What a data set is, for its description."""
    if study.origin == Study.Origin.RECONSTRUCTION:
        return REPLAY_BANNER
    about = f"Answers of the participants of “{study.title}”."
    return about + (f" {simulated} of the participants were simulated by a program." if simulated else "")


def download_name(study: Study, population: Population, rest: str) -> str:
    """The name of a download; with simulated people it says so."""
    return f"{study.slug}{'-simulated' if population.bots else ''}-{rest}"
