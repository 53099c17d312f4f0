"""The commands by name; each is loaded when it runs, so that listing methods needs no TensorFlow."""

import argparse
from collections.abc import Callable


def explain(options: argparse.Namespace) -> int:
    """`explain`: maps of images."""
    from saliency_worker.cli import explain as command

    return command.run(options)


def evaluate(options: argparse.Namespace) -> int:
    """`evaluate`: Tables 2 and 3."""
    from saliency_worker.cli import evaluate as command

    return command.run(options)


def verify(options: argparse.Namespace) -> int:
    """`verify`: files against their manifest."""
    from saliency_worker.cli import verify as command

    return command.run(options)


def methods(options: argparse.Namespace) -> int:
    """`methods`: every key with its label."""
    from saliency_worker.cli import listings

    return listings.methods(as_json=options.json)


def classifiers(options: argparse.Namespace) -> int:
    """`classifiers`: the catalogue."""
    from saliency_worker.cli import listings

    return listings.classifiers(as_json=options.json)


def layers(options: argparse.Namespace) -> int:
    """`layers`: the feature maps of a classifier."""
    from saliency_worker.cli import layers as command

    return command.run(options)


def worker(argv: list[str]) -> int:
    """`worker`: Celery's own command line takes over."""
    from saliency_worker.app import run_worker

    return run_worker(argv) or 0


def interrupted(options: argparse.Namespace) -> str:
    """The line after ^C."""
    if getattr(options, "out", None) is None:
        return "interrupted"
    return f"interrupted; what is in {options.out} is complete, run the same command again to go on"


RUN: dict[str, Callable[[argparse.Namespace], int]] = {
    "explain": explain,
    "evaluate": evaluate,
    "verify": verify,
    "methods": methods,
    "classifiers": classifiers,
    "layers": layers,
    "worker": lambda options: worker([]),
}
