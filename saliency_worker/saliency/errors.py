"""Errors of the engine: one line that says what to do, and whether trying again can help."""

import re


def first_line(error: Exception, longest: int = 160) -> str:
    """What an error says in its first line, shortened, or its type where it says nothing."""
    lines = [line.strip() for line in re.sub(r"\x1b\[\d*m", "", str(error)).splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].startswith("Exception encountered when calling"):
        del lines[0]  # Keras names the layer first, and says what is wrong behind it
    said = lines[0] if lines else type(error).__name__
    if isinstance(error, LookupError | AttributeError):
        said = f"{type(error).__name__}: {said}"
    return said if len(said) <= longest else f"{said[: longest - 1]}…"


class SaliencyError(Exception):
    """Base of all errors of the engine.

    ``permanent`` is true when the same input fails again, so a job must not be retried.
    """

    permanent: bool = True


class ImageError(SaliencyError):
    """The image cannot be used: unreadable, too large, too small."""


class WeightsError(SaliencyError):
    """Weights are missing, torn or do not fit the network."""

    def __init__(self, message: str, *, permanent: bool = True) -> None:
        super().__init__(message)
        self.permanent = permanent


class ModelError(SaliencyError):
    """The network cannot be explained: no convolution, several inputs, an unknown layer, an unsuited head."""


class FormulaError(SaliencyError):
    """The formula of a method cannot be imported, fails, or gives no map of the right shape."""


class SettingsError(SaliencyError):
    """A setting is outside its range or unknown."""


class DeviceError(SaliencyError):
    """The device has too little memory now; a smaller batch, or another worker, may do."""

    permanent = False
