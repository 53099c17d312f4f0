"""Tables 2 and 3 from the stored machine metrics, and the maps people judged best and worst. No NumPy."""

from collections.abc import Iterable
from statistics import fmean
from typing import Any

from django.db.models import Avg, Count

from survey_site.protocols.models import Protocol
from survey_site.reports.point_sums import counted_responses
from survey_site.reports.population import Population
from survey_site.stimuli.models import MapPicture, SaliencyMap
from survey_site.studies.models import Study

GALLERY = 6
# Order of the paper's Tables 2 and 3: the bare CAM, then Ours 1–5; other combinations follow by name.
VERSIONS = ("", "add-edges", "add-blend21", "add-blend11", "comp-edges", "comp-blend11")
SHARES = {
    "right_percent": "right",
    "higher_than_original_percent": "higher_than_original",
    "higher_than_base_percent": "higher_than_base",
}
MEANS = {"confidence": "confidence", "drop": "drop", "kept_share": "kept_share"}


def machine_rows(study: Study) -> list[dict[str, Any]]:
    """One row per classifier × base × version: n maps, right classification %, mean confidence, and the rest."""
    maps = SaliencyMap.objects.filter(stimulus__study=study, current=True, metrics__isnull=False)
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for classifier, method, metrics in maps.values_list("classifier", "method", "metrics").iterator(2000):
        if metrics and "right" in metrics:  # the original and uploaded maps have no explanation map
            groups.setdefault((classifier, method), []).append(metrics)
    rows = [_row(classifier, method, metrics) for (classifier, method), metrics in groups.items()]
    return sorted(rows, key=_place)


def _row(classifier: str, method: str, metrics: list[dict[str, Any]]) -> dict[str, Any]:
    base, _, version = method.partition(".")
    row: dict[str, Any] = {"classifier": classifier, "method": method, "base": base, "version": version}
    row["n"] = len(metrics)
    row |= {name: _mean(metrics, stored, 100.0) for name, stored in SHARES.items()}
    return row | {name: _mean(metrics, stored, 1.0) for name, stored in MEANS.items()}


def _mean(metrics: list[dict[str, Any]], name: str, factor: float) -> float | None:
    values = [float(m[name]) for m in metrics if m.get(name) is not None]
    return factor * fmean(values) if values else None


def _place(row: dict[str, Any]) -> tuple[Any, ...]:
    version = row["version"]
    known = VERSIONS.index(version) if version in VERSIONS else len(VERSIONS)
    return row["classifier"], row["base"], known, version


def paper_layout(rows: Iterable[dict[str, Any]], measure: str) -> dict[str, Any]:
    """The rows as a table: classifier × base down, versions across; None where nothing was computed."""
    rows = list(rows)
    versions = list(dict.fromkeys(row["version"] for row in sorted(rows, key=lambda r: _place(r)[2:])))
    lines: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        lines.setdefault((row["classifier"], row["base"]), {})[row["version"]] = row[measure]
    return {
        "versions": [version_label(version) for version in versions],
        "lines": [
            {"classifier": classifier, "base": base, "cells": [cells.get(version) for version in versions]}
            for (classifier, base), cells in lines.items()
        ],
    }


def version_label(version: str) -> str:
    """`Ours 1 (add-edges)` for the paper's five, else the combination's key."""
    if not version:
        return "bare"
    return f"Ours {VERSIONS.index(version)} ({version})" if version in VERSIONS else version


def gallery(protocol: Protocol, population: Population) -> dict[str, list[dict[str, Any]]]:
    """The maps with the highest and the lowest mean rating, of those with at least two ratings."""
    rated = (
        counted_responses(protocol, population)
        .filter(task="rating", rating__isnull=False, trial__saliency_map__isnull=False)
        .order_by()
        .values("trial__saliency_map")
        .annotate(mean=Avg("rating"), n=Count("pk"))
        .filter(n__gte=2)
    )
    best: list[Any] = list(rated.order_by("-mean", "trial__saliency_map")[:GALLERY])
    chosen = {row["trial__saliency_map"] for row in best}
    worst: list[Any] = list(
        rated.exclude(trial__saliency_map__in=chosen).order_by("mean", "trial__saliency_map")[:GALLERY]
    )
    return {"best": _pictured(best), "worst": _pictured(worst)}


def _pictured(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ids = [row["trial__saliency_map"] for row in rows]
    maps = SaliencyMap.objects.select_related("stimulus").in_bulk(ids)
    pictures = dict(
        MapPicture.objects.filter(saliency_map__in=ids).order_by("-pk").values_list("saliency_map", "pk")
    )
    return [
        {
            "stimulus": maps[pk].stimulus.key,
            "classifier": maps[pk].classifier,
            "method": maps[pk].method,
            "mean": row["mean"],
            "n": row["n"],
            "picture": pictures.get(pk),
        }
        for pk, row in zip(ids, rows, strict=True)
    ]
