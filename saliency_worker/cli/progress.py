"""A progress bar on a terminal, silence elsewhere (logs and pipes get the summary line only)."""

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from tqdm import tqdm

if TYPE_CHECKING:  # the engine is heavy, and a bar is shown before it is loaded
    from saliency_worker.saliency.watching import Asked

T = TypeVar("T")
FORMAT = "{desc} {percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} images, {rate_noinv_fmt}, {remaining} left{postfix}"


class Within:
    """How far a slow method is with the image at work, shown behind the bar, which is drawn ten times a second at most."""

    bar: "tqdm[None] | None" = None

    def __call__(self, asked: "Asked") -> None:
        if self.bar is not None:
            of = f" ({asked.place} of {asked.methods})" if asked.methods > 1 else ""
            self.bar.set_postfix_str(f"{asked.method} {asked.done}/{asked.wanted}{of}", refresh=False)
            self.bar.update(0)


def progress(
    items: Iterable[T], total: int, what: str, *, quiet: bool = False, within: Within | None = None
) -> Iterator[T]:
    """Pass items through, showing how many of `total` are done, images per second and the time left.

    within: what the engine tells how far it is inside of one image.
    """
    hidden = quiet or not sys.stderr.isatty()
    shown: dict[str, Any] = {"desc": what, "unit": "image", "bar_format": FORMAT, "leave": False}
    # miniters: images may be few and far between, while what is said behind the bar changes.
    with tqdm(total=total, disable=hidden, miniters=0, **shown) as bar:
        if within is not None:
            within.bar = bar
        for item in items:
            yield item
            bar.set_postfix_str("", refresh=False)
            bar.update()
