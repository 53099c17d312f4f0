"""Files that the worker of reports makes of the data (Excel, SPSS, Stata, Psych-DS): asked for once, kept while they hold.

A file lies in the storage under the fingerprint of the data it was made of. It is offered while that is the data's, and
deleted when it is not or after a day: nobody's answers outlive their withdrawal there. Imports no pandas.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.files.storage import default_storage
from django.db.models import Count, Max, Q, Sum, TextField
from django.db.models.functions import Cast, Length
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from survey_site.protocols import masking
from survey_site.protocols.models import Protocol
from survey_site.reports.cached_task import CachedTask, TaskState
from survey_site.reports.one_moment import one_moment
from survey_site.reports.population import Population
from survey_site.stimuli.models import SaliencyMap, Stimulus
from survey_site.stimuli.observed import ObserverJob
from survey_site.studies.cached_counts import forget, kept
from survey_site.studies.models import Study
from survey_site.trials.models import Participant, Response, Trial

PREPARING = CachedTask("reports.data_file", silence_s=600)
FOLDER = "data_files"
KEPT = timedelta(days=1)
SWEEP_SECONDS = 300
OF_IMAGES = (
    "pk", "key", "stimulus_class", "role", "sha256", "width", "height", "source", "licence", "region_sha256",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FileFormat:
    """One kind of file: key of its writer, end of its name, words of its link, media type, name of its address."""

    key: str
    suffix: str
    label: Any
    content_type: str
    view: str


ZIP = "application/zip"
PSYCH_DS = "psych-ds"
AT_ONCE = 500_000  # answers of which a data set is written while the browser, and the front server, wait
FORMATS = {
    one.key: one
    for one in (
        FileFormat(
            "xlsx", "data.xlsx", _("Excel workbook (XLSX)"),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "file_xlsx",
        ),
        FileFormat("spss", "spss.zip", _("SPSS (SAV files in a zip)"), ZIP, "file_spss"),
        FileFormat("stata", "stata.zip", _("Stata (DTA files in a zip)"), ZIP, "file_stata"),
        FileFormat(PSYCH_DS, "psych-ds.zip", _("Psych-DS data set (zip)"), ZIP, "psych_ds"),
    )
}  # fmt: skip


@one_moment()
def fingerprint(study: Study, population: Population) -> str:
    """Changes with whatever the tables hold: answers, people, exclusions, images, maps, protocols, the study's words."""
    found = hashlib.sha256()
    for fact in _facts(study, population):
        found.update(json.dumps(fact, default=str).encode() + b"\n")
    return found.hexdigest()[:32]


def _facts(study: Study, population: Population) -> Iterator[Any]:
    """Answers and trials are looked at of the unfinished alone: those of the others do not change while these are there."""
    S = Participant.State
    people = Participant.objects.filter(study=study)
    states = people.values("state", "kind", "surplus", "excluded").order_by(
        "state", "kind", "surplus", "excluded"
    )
    told = Length(Cast("demographics", TextField()))
    counted = states.annotate(
        n=Count("pk"), who=Sum("pk"), seen=Max("last_seen_at"), answers=Sum("chain_length"), told=Sum(told)
    )
    yield from (list(row.items()) for row in counted)
    yield from people.filter(excluded=True).order_by("pk").values_list("pk", "exclusion_reason").iterator()
    unfinished = Q(participant__study=study) & ~Q(participant__state__in=(S.FINISHED, S.WITHDRAWN))
    yield Response.objects.filter(unfinished).aggregate(n=Count("pk"), last=Max("pk"))
    yield Trial.objects.filter(unfinished).aggregate(n=Count("pk"), last=Max("issued_at"))
    yield from Stimulus.objects.filter(study=study).order_by("pk").values_list(*OF_IMAGES).iterator()
    yield SaliencyMap.objects.filter(stimulus__study=study).aggregate(
        n=Count("pk"), last=Max("pk"), current=Sum("pk", filter=Q(current=True))
    )
    yield from Protocol.objects.filter(study=study).order_by("pk").values_list("pk", "hash", "pilot")
    yield from study.conditions.order_by("pk").values_list()
    yield [study.slug, study.title, study.origin, study.task_settings, study.languages]
    yield study.observer_jobs.filter(state=ObserverJob.State.DONE).aggregate(last=Max("finished_at"))
    yield [population.as_query(), masking.is_masked(study)]


def is_large(study: Study, population: Population) -> bool:
    """Whether nobody should wait for all tables with a page open."""
    answers = Response.objects.filter(population.in_data("participant__"), participant__study=study)
    return answers.order_by()[AT_ONCE : AT_ONCE + 1].exists()


def _folder(study_id: int, population: Population) -> str:
    chosen = "".join("1" if getattr(population, name) else "0" for name in Population.__dataclass_fields__)
    return f"{FOLDER}/{study_id}/{chosen}"


def path_of(study: Study, population: Population, kind: str, version: str) -> str:
    """Where the file lies, or will lie."""
    return f"{_folder(study.pk, population)}/{version}-{FORMATS[kind].suffix}"


def is_ready(path: str) -> bool:
    return bool(default_storage.exists(path))


def ask(study: Study, population: Population, kind: str) -> str:
    """Sends the task unless it is under way; returns why it could not be sent, or the empty string."""
    path = path_of(study, population, kind, fingerprint(study, population))
    forget(_kept_as(study, population))
    return "" if is_ready(path) else PREPARING.ask(path, [study.pk, population.as_query(), kind])


def _kept_as(study: Study, population: Population) -> str:
    return f"fingerprint:{study.pk}:{population.as_query()}"


def states(study: Study, population: Population) -> list[tuple[FileFormat, bool, TaskState]]:
    """For each format whether its file is ready, and how far the task is that makes it; a page asks every two seconds."""
    version = kept(_kept_as(study, population), lambda: fingerprint(study, population))
    paths = [(one, path_of(study, population, one.key, version)) for one in FORMATS.values()]
    return [(one, is_ready(path), PREPARING.state(path)) for one, path in paths]


def sweep() -> int:
    """Deletes the files whose data have changed, and those older than a day; returns how many."""
    deleted = 0
    for study_id in _listed(FOLDER)[0]:
        study = Study.objects.filter(pk=study_id).first() if study_id.isdecimal() else None
        for chosen in _listed(f"{FOLDER}/{study_id}")[0]:
            names = _listed(f"{FOLDER}/{study_id}/{chosen}")[1]
            bits = zip(Population.__dataclass_fields__, chosen, strict=False)
            current = (
                fingerprint(study, Population(**{name: bit == "1" for name, bit in bits}))
                if study and names
                else ""
            )
            for name in names:
                path = f"{FOLDER}/{study_id}/{chosen}/{name}"
                if not current or not name.startswith(current) or _is_old(path):
                    default_storage.delete(path)
                    deleted += 1
    return deleted


def _is_old(path: str) -> bool:
    return bool(default_storage.get_modified_time(path) < timezone.now() - KEPT)


def _listed(folder: str) -> tuple[list[str], list[str]]:
    """Folders and files in a folder; none where there is no such folder."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return [], []
    return list(folders), list(files)
