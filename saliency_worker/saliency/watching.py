"""How far the engine is within one image: told while a method of thousands of passes is at work."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """A method has put ``done`` of ``wanted`` changed copies of an image to the network.

    sha256: of the image. place, methods: which of the image's methods that make such copies, from 1, and how many.
    """

    sha256: str
    method: str
    place: int
    methods: int
    done: int
    wanted: int


Watch = Callable[[Asked], None]


def seldom(tell: Watch, seconds: float, clock: Callable[[], float] = time.monotonic) -> Watch:
    """The same, but told no more than once in so many seconds, the first time after these: a quick method is not told of."""
    last = clock()

    def pass_on(asked: Asked) -> None:
        nonlocal last
        if (now := clock()) - last >= seconds:
            last = now
            tell(asked)

    return pass_on
