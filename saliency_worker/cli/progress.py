"""A progress bar on a terminal, silence elsewhere (logs and pipes get the summary line only)."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
FORMAT = "{desc} {percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} images, {rate_noinv_fmt}, {remaining} left"


def progress(items: Iterable[T], total: int, what: str, *, quiet: bool = False) -> Iterator[T]:
    """Pass items through, showing how many of `total` are done, images per second and the time left."""
    hidden = quiet or not sys.stderr.isatty()
    with tqdm(total=total, desc=what, unit="image", bar_format=FORMAT, disable=hidden, leave=False) as bar:
        for item in items:
            yield item
            bar.update()
