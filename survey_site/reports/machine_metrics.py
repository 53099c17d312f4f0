"""Tables 2 and 3 from the stored machine metrics, and the maps people judged best and worst. No NumPy."""

from array import array
from collections import defaultdict
from collections.abc import Iterable
from statistics import fmean
from typing import Any, Literal

from django.db.models import Avg, Count

from saliency_worker import catalog
from survey_site.protocols.models import Protocol
from survey_site.reports.machine_types import Gallery, GalleryMap, MachineRow, MachineTable
from survey_site.reports.point_sums import counted_responses
from survey_site.reports.population import Population
from survey_site.stimuli.models import MapPicture, SaliencyMap
from survey_site.studies.models import Study
from survey_site.tasks.contract import Task

GALLERY = 6
# A mean of fewer scores is mostly chance, and the extremes would be those maps.
GALLERY_SCORES = 3
# Order of the paper's Tables 2 and 3: the bare CAM, then Ours 1–5; other combinations follow by name.
VERSIONS = ("", *catalog.OURS)
_FAMILIES = (*catalog.bases_by_family(), "Controls", "")
MachineMeasure = Literal[
    "right_percent", "confidence", "increase_percent", "drop", "kept_share", "empty_percent",
    "sparsity", "deletion", "insertion", "sanity", "pointing",
]  # fmt: skip
Metrics = dict[str, Any]  # as the worker stored them
MEASURED = (
    "right", "higher_than_original", "higher_than_base", "confidence", "increase", "drop", "kept_share", "sparsity",
    "deletion", "insertion", "sanity", "pointing",
)  # fmt: skip


class _Maps:
    """What was measured of the maps of one classifier and method. Eight bytes a number, where the stored metrics of a
    million maps are gigabytes; all are kept, since their mean is that of their exact sum."""

    def __init__(self) -> None:
        self.n = self.empty = 0
        self.measured = {name: array("d") for name in MEASURED}

    def add(self, metrics: Metrics) -> None:
        self.n += 1
        empty = bool(metrics.get("empty"))
        self.empty += empty
        for name, values in self.measured.items():
            # The explanation map of one that is the same everywhere keeps the whole picture: no share that anybody chose.
            if (value := metrics.get(name)) is not None and not (empty and name == "kept_share"):
                values.append(float(value))

    def mean(self, name: str, factor: float) -> float | None:
        values = self.measured[name]
        return factor * fmean(values) if values else None


def machine_rows(study: Study) -> list[MachineRow]:
    """One row per classifier × base × version: n maps, right classification %, mean confidence, and the rest."""
    maps = SaliencyMap.objects.filter(stimulus__study=study, current=True, metrics__isnull=False)
    groups: dict[tuple[str, str], _Maps] = defaultdict(_Maps)
    for classifier, method, metrics in maps.values_list("classifier", "method", "metrics").iterator(2000):
        if metrics and "right" in metrics:  # the original and uploaded maps have no explanation map
            groups[classifier, method].add(metrics)
    rows = [_row(classifier, method, found) for (classifier, method), found in groups.items()]
    return sorted(rows, key=_place)


def _row(classifier: str, method: str, found: _Maps) -> MachineRow:
    base, _, version = method.partition(".")
    return {
        "classifier": classifier,
        "method": method,
        "base": base,
        "version": version,
        "n": found.n,
        "right_percent": found.mean("right", 100.0),
        "higher_than_original_percent": found.mean("higher_than_original", 100.0),
        "higher_than_base_percent": found.mean("higher_than_base", 100.0),
        "confidence": found.mean("confidence", 1.0),
        "increase_percent": found.mean("increase", 100.0),
        "drop": found.mean("drop", 1.0),
        "kept_share": found.mean("kept_share", 1.0),
        "empty_percent": 100.0 * found.empty / found.n,
        "sparsity": found.mean("sparsity", 1.0),
        "deletion": found.mean("deletion", 1.0),
        "insertion": found.mean("insertion", 1.0),
        "sanity": found.mean("sanity", 1.0),
        "pointing": found.mean("pointing", 100.0),
    }


def _place(row: MachineRow) -> tuple[str, int, str, int, str]:
    version = row["version"]
    known = VERSIONS.index(version) if version in VERSIONS else len(VERSIONS)
    return row["classifier"], _FAMILIES.index(_family(row["base"])), row["base"], known, version


def _family(base: str) -> str:
    """The title of the family; "" for what nobody here declares."""
    return catalog.family(base) if base in catalog.METHODS else ""


def paper_layout(rows: Iterable[MachineRow], measure: MachineMeasure) -> MachineTable:
    """The rows as a table: classifier × base down, versions across; None where nothing was computed."""
    rows = list(rows)
    versions = list(dict.fromkeys(row["version"] for row in sorted(rows, key=lambda r: _place(r)[3:])))
    lines: dict[tuple[str, str], dict[str, float | None]] = {}
    for row in rows:
        lines.setdefault((row["classifier"], row["base"]), {})[row["version"]] = row[measure]
    return {
        "versions": [version_label(version) for version in versions],
        "lines": [
            {
                "family": _family(base),
                "classifier": classifier,
                "base": base,
                "cells": [cells.get(version) for version in versions],
            }
            for (classifier, base), cells in lines.items()
        ],
    }


def has_numbers(rows: Iterable[MachineRow], measure: MachineMeasure) -> bool:
    """Whether anything of the kind was measured: deletion, say, only is where it is asked for; maps that are the same
    everywhere are told of where there are some."""
    nothing = (None, 0) if measure == "empty_percent" else (None,)
    return any(row.get(measure) not in nothing for row in rows)


def version_label(version: str) -> str:
    """`Ours 1 (add-edges)` for the paper's five, else the combination's key."""
    if not version:
        return "bare"
    return f"Ours {VERSIONS.index(version)} ({version})" if version in VERSIONS else version


def gallery(protocol: Protocol, population: Population, tasks: Iterable[Task]) -> Gallery:
    """The maps with the highest and the lowest mean score, of those with at least three scores.

    By the first task whose outcome is a mean; none where there is no such task.
    """
    judged = next((task for task in tasks if task.outcome.kind == "mean"), None)
    if judged is None:
        return {"outcome": "", "minimum": GALLERY_SCORES, "best": [], "worst": []}
    scored = (
        counted_responses(protocol, population)
        .filter(task=judged.name, score__isnull=False, trial__saliency_map__isnull=False)
        .order_by()
        .values("trial__saliency_map")
        .annotate(mean=Avg("score"), n=Count("pk"))
        .filter(n__gte=GALLERY_SCORES)
        .values_list("trial__saliency_map", "mean", "n")
    )
    best = list(scored.order_by("-mean", "trial__saliency_map")[:GALLERY])
    chosen = {pk for pk, _, _ in best}
    others = scored.exclude(trial__saliency_map__in=chosen)
    worst = list(others.order_by("mean", "trial__saliency_map")[:GALLERY])
    return {
        "outcome": judged.outcome.title,
        "minimum": GALLERY_SCORES,
        "best": _pictured(best),
        "worst": _pictured(worst),
    }


def _pictured(scored: list[tuple[int, float, int]]) -> list[GalleryMap]:
    """Maps with mean and number of their scores, each with its newest picture's id."""
    ids = [pk for pk, _, _ in scored]
    maps = SaliencyMap.objects.select_related("stimulus").in_bulk(ids)
    pictures = dict(
        MapPicture.objects.filter(saliency_map__in=ids).order_by("-pk").values_list("saliency_map", "pk")
    )
    return [
        {
            "stimulus": maps[pk].stimulus.key,
            "classifier": maps[pk].classifier,
            "method": maps[pk].method,
            "mean": mean,
            "n": n,
            "picture": pictures.get(pk),
        }
        for pk, mean, n in scored
    ]
