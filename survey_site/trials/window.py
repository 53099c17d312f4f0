"""The least window that a study asks for, checked where one enters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

LEAST = 160  # a study can ask for nothing smaller


@dataclass(frozen=True, slots=True)
class Window:
    """Width and height in CSS pixels; 0: any."""

    width: int = 0
    height: int = 0

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Window":
        """As a protocol's settings, or a draft, name them."""
        return cls(settings.get("window_width_px") or 0, settings.get("window_height_px") or 0)

    def __bool__(self) -> bool:
        return bool(self.width or self.height)

    @property
    def media(self) -> str:
        """The media query of smaller windows: the browser itself applies it, at every change, without scripts too."""
        return f"not all and (min-width: {self.width}px) and (min-height: {self.height}px)"

    def holds(self, client: Mapping[str, Any]) -> bool:
        """Whether the window that was measured is large enough; one that was not measured is taken for it."""
        width, height = client.get("viewport_w", self.width), client.get("viewport_h", self.height)
        return bool(width >= self.width and height >= self.height)

    def text(self) -> str:
        """What is said to who comes with a smaller one."""
        sizes = {"width": self.width or LEAST, "height": self.height or LEAST}
        return (
            _(
                "Your window is too small for this study, which needs %(width)s × %(height)s pixels. Enlarge the window, "
                "turn the device or choose a smaller zoom; if that does not help, use a larger screen."
            )
            % sizes
        )
