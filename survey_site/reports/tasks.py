"""Celery: thin. The statistics are imported when a task runs, so that naming a task costs no SciPy."""

import logging
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

from celery import shared_task
from django.contrib.auth.models import User
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.http import QueryDict

from survey_site import replica
from survey_site.celery import while_working
from survey_site.protocols import life
from survey_site.protocols.models import Protocol
from survey_site.reports import cached_report, looks, observer_accuracy, prepared_files, sealing, simulating
from survey_site.reports.cached_task import failing_in_words, forget_progress, set_progress
from survey_site.reports.exports.fitting import DoesNotFit
from survey_site.reports.population import Population, protocol_of
from survey_site.reports.rehearsal import power as planned_power
from survey_site.reports.rehearsal import task as rehearsal
from survey_site.reports.rehearsal.result_types import AskedComparison, PlannedPower
from survey_site.statistics.stopping import StoppingRule
from survey_site.stimuli.observed import ObserverJob
from survey_site.studies.errors import SeveralProblems
from survey_site.studies.models import Study

logger = logging.getLogger(__name__)
while_working("the sweep of prepared files", prepared_files.SWEEP_SECONDS, prepared_files.sweep)
while_working("the sweep of due looks", looks.SWEEP_SECONDS, looks.sweep)

TOO_LARGE = (
    "There are more answers than the worker of reports has memory for, which needs about 1 GB for a million. "
    "Ask the operator for more (REPORTS_MEMORY), or compute from the data files."
)


@shared_task(name=cached_report.ANALYSIS.name)
def analyse(study_id: int, version: int, population_query: str) -> None:
    """Computes report and figures and stores them under the data's version. Running it twice does no harm."""
    study = Study.objects.filter(pk=study_id).first()
    protocol = protocol_of(study, version) if study else None
    if study is None or protocol is None:
        logger.warning("study %s has no protocol %s any more; nothing to report", study_id, version)
        return
    population = Population.from_query(QueryDict(population_query))
    _close(study, protocol)
    key = cached_report.data_version(protocol, population)
    if not cached_report.report_of(key):
        cached_report.begun(protocol, population, key)
        data_version = partial(cached_report.data_version, protocol, population)
        with failing_in_words(key, f"the report of {study.slug}", TOO_LARGE):
            replica.read(data_version, lambda: _analyse(study, protocol, population, key))


def _close(study: Study, protocol: Protocol) -> None:
    """The closing look of a study that ended before its last one belongs to the data that are reported."""
    from survey_site.reports.look_taking import take_closing

    take_closing(study, protocol)


@shared_task(name=looks.LOOK.name)
def look(study_id: int) -> None:
    """Takes the look that is due, if one still is. Running it twice does no harm."""
    study = Study.objects.filter(pk=study_id).first()
    found = looks.due(study) if study else None
    if study is None or found is None:
        return
    with failing_in_words(looks.key_of(found), f"the look at {study.slug}"):
        _look(study, found)


def _look(study: Study, found: looks.DueLook) -> None:
    from survey_site.reports.look_taking import take

    take(study)
    forget_progress(looks.key_of(found))


def _analyse(study: Study, protocol: Protocol, population: Population, key: str) -> None:
    from survey_site.reports.analysis import analyse as compute
    from survey_site.reports.figure_captions import captions
    from survey_site.reports.figures import draw, names
    from survey_site.reports.report_types import level_of
    from survey_site.reports.supplement import supplement

    found = compute(study, population, protocol.version, lambda f, label: set_progress(key, 0.8 * f, label))
    if found.version != key:  # something came in, or names were opened, before the moment that was read
        key = found.version
        cached_report.begun(protocol, population, key)
    figures = names(found.figures)
    for place, name in enumerate(figures):
        set_progress(key, 0.8 + 0.2 * place / len(figures), f"figure {name}")
        for kind in cached_report.FIGURE_FORMATS:
            data = draw(name, found.report, found.trials, found.figures, kind)
            cached_report.store_figure(key, name, kind, data)
    pages = supplement(found.report, found.trials, found.figures)
    cached_report.store_figure(key, cached_report.SUPPLEMENT, "pdf", pages)
    told = captions(found.figures, level_of(found.report))
    cached_report.store_report(key, found.report | {"figures": figures, "captions": told})


@shared_task(name=planned_power.POWER.name)
def power(key: str, asked: list[AskedComparison]) -> None:
    """Simulates the planned comparisons of a draft and stores their power. Running it twice does no harm."""
    if planned_power.result_of(key) is None:
        with failing_in_words(key, "the power of a design"):
            _power(key, asked)


def _power(key: str, asked: list[AskedComparison]) -> None:
    from survey_site.reports.rehearsal.pilot_scatter import scatter_of
    from survey_site.statistics.power import Plan
    from survey_site.statistics.power import power as simulate
    from survey_site.statistics.sequential_power import sequential_power

    found: list[PlannedPower] = []
    for place, question in enumerate(asked):
        set_progress(key, place / len(asked), "begun")
        scale, whole = planned_power.scale_of(question["outcome"])
        plan = Plan(
            dict(question["effects"]), question["participants"], question["trials"], question["items"],
            scale=scale, whole=whole, duels=question.get("duels", False), level=question.get("level", 0.95),
        )  # fmt: skip
        pilot = Protocol.objects.filter(pk=question.get("pilot") or 0).first()
        used = None
        if pilot:
            spread, used = scatter_of(pilot, planned_power.outcome_named(question["outcome"]), plan)
            plan = replace(plan, spread=spread)

        def tell(fraction: float, label: str, place: int = place) -> None:
            set_progress(key, (place + fraction) / len(asked), label)

        result = simulate(plan, planned_power.REPETITIONS, progress=tell)
        sealed = question.get("rule")
        rule = StoppingRule.from_mapping(sealed) if sealed else None
        looks_at = sequential_power(plan, rule, planned_power.REPETITIONS, progress=tell) if rule else None
        found.append(
            {
                "outcome": question["outcome"], "effects": question["effects"], "level": plan.level, "duels": plan.duels,
                "scatter": used, "stopping": looks_at, **result,
            }
        )  # fmt: skip
    planned_power.store(key, found)


@shared_task(name=observer_accuracy.MEASURING.name)
def observers(job_id: int) -> None:
    """Measures the observers of a finished job on the planned trials. Running it twice does no harm."""
    job = ObserverJob.objects.filter(pk=job_id, state=ObserverJob.State.DONE).select_related("study").first()
    if job is None or job.accuracy:
        return
    key = observer_accuracy.key_of(job)
    with failing_in_words(key, f"the observers of {job.study.slug}"):
        from survey_site.reports.observer_measures import measure

        set_progress(key, 0.0, "begun")
        ObserverJob.objects.filter(pk=job.pk).update(accuracy=measure(job.study, job))
        forget_progress(key)


@shared_task(name=rehearsal.REHEARSAL.name)
def rehearse(study_id: int, seed: int, repetitions: int) -> None:
    """Rehearses a draft as it is when the task runs, and stores the result as the command does."""
    study = Study.objects.filter(pk=study_id).first()
    if study is None:
        logger.warning("study %s does not exist any more; nothing to rehearse", study_id)
        return
    key = rehearsal.key_of(study)
    with failing_in_words(key, f"the rehearsal of {study.slug}"):
        _rehearse(study, key, seed, repetitions)


def _rehearse(study: Study, key: str, seed: int, repetitions: int) -> None:
    from survey_site.reports.rehearsal.run import CannotRehearse, run

    try:
        run(study, seed, repetitions, lambda f, label: set_progress(key, f, label or "begun"))
    except CannotRehearse as error:
        set_progress(key, 0.0, "", failed=" ".join(error.problems[:3]))
    else:
        forget_progress(key)


@shared_task(name=prepared_files.PREPARING.name)
def data_file(study_id: int, population_query: str, kind: str) -> None:
    """Makes one file of the data as they are now and stores it. Running it twice does no harm."""
    study = Study.objects.filter(pk=study_id).first()
    if study is None:
        logger.warning("study %s does not exist any more; no file of its data is made", study_id)
        return
    population = Population.from_query(QueryDict(population_query))
    fingerprint = partial(prepared_files.fingerprint, study, population)
    path = prepared_files.path_of(study, population, kind, fingerprint())
    if not prepared_files.is_ready(path):
        with failing_in_words(path, f"the file {kind} of {study.slug}"):
            replica.read(fingerprint, lambda: _data_file(study, population, kind, path))


def _data_file(study: Study, population: Population, kind: str, path: str) -> None:
    from survey_site.reports.exports.data_files import WRITERS

    set_progress(path, 0.0, "begun")
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / kind
        try:
            WRITERS[kind](study, population, made, lambda f, label: set_progress(path, f, label))
        except DoesNotFit as error:
            set_progress(path, 0.0, "", failed=str(error))
            return
        with made.open("rb") as file:
            default_storage.save(path, File(file))
    forget_progress(path)


@shared_task(name=sealing.SEALING.name)
def seal(study_id: int, verb: str, user_id: int, reason: str, seen: str) -> None:
    """Takes a study live. Where it cannot go live now, or has gone already, nothing happens but that it is told."""
    study = Study.objects.filter(pk=study_id).first()
    if study is None:
        logger.warning("study %s does not exist any more; nothing is sealed", study_id)
        return
    key, user = sealing.key_of(study), User.objects.filter(pk=user_id).first()
    with failing_in_words(key, f"sealing {study.slug}"):
        set_progress(key, 0.0, "begun")
        try:
            life.step(study, verb, user, reason, seen, lambda f, label: set_progress(key, f, label))
        except SeveralProblems as error:
            set_progress(key, 0.0, "", failed="\n".join(error.problems))
            return
        forget_progress(key)


@shared_task(name=simulating.SIMULATION.name)
def simulate(study_id: int, participants: int, seed: int) -> None:
    """Has simulated participants play a study. Run twice it has twice as many, marked like the others."""
    study = Study.objects.filter(pk=study_id).first()
    if study is None:
        logger.warning("study %s does not exist any more; nobody plays it", study_id)
        return
    key = simulating.key_of(study)
    with failing_in_words(key, f"the simulation of {study.slug}"):
        simulating.run(study, participants, seed, lambda f, label: set_progress(key, f, label))
        forget_progress(key)
