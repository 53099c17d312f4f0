"""Errors of the engine: one line that says what to do, and whether trying again can help."""


def first_line(error: Exception, longest: int = 160) -> str:
    """What an error says in its first line, shortened, or its type where it says nothing."""
    said = (str(error).strip().splitlines() or [""])[0].strip() or type(error).__name__
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
