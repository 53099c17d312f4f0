"""Activation methods since Grad-CAM++."""

from saliency_worker.declarations import MethodSpec

ACTIVATION: tuple[MethodSpec, ...] = ()
