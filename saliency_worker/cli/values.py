"""What the arguments of a command may be: text to a value, or an error of one line that names the limits."""

import argparse
from collections.abc import Callable, Iterable

from saliency_worker import catalog


def named(text: str) -> str:
    """The name of a folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty; name a folder (an unset variable of the shell?)")
    return text


def whole(least: int, most: int = 2**63 - 1) -> Callable[[str], int]:
    """Whole numbers from ``least`` to ``most``."""

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            limits = f"of at least {least}" if most == 2**63 - 1 else f"from {least} to {most}"
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number {limits}")
        return value

    return convert


def within(low: float, high: float) -> Callable[[str], float]:
    """Numbers from ``low`` to ``high``, not NaN."""

    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"'{text}' is not a number from {low:g} to {high:g}")
        return value

    return convert


def some_of(kind: str, known: Iterable[str]) -> Callable[[str], list[str]]:
    """Known names with commas between, each once, in order."""
    one = one_of(kind, tuple(known))
    return lambda text: sorted({one(part.strip()) for part in text.split(",") if part.strip()})


def one_of(kind: str, known: tuple[str, ...]) -> Callable[[str], str]:
    """A known name, large letters or small; ``kind`` is what an error calls it."""

    def convert(text: str) -> str:
        for name in known:
            if name.lower() == text.lower():
                return name
        raise argparse.ArgumentTypeError(str(catalog.UnknownName(kind, text, known)))

    return convert
