"""Perturbation: what the class loses where the picture is changed."""

from saliency_worker.declarations import MethodSpec

PERTURBATION: tuple[MethodSpec, ...] = ()
