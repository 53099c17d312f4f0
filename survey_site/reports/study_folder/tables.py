"""The tables of a study folder, row by row: what is wrong is said with the file and the line."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TypeVar

from django.db import DataError, IntegrityError

from survey_site.reports.study_folder import layout
from survey_site.reports.study_folder.layout import BadFolder, FolderRow

BATCH = 1000
# What a table's rows cannot be, where a constraint of the database refuses them.
TWICE = {
    "stimuli": "two images have one key, or are one picture",
    "features": "an image has two rows of one classifier",
    "maps": "a map or a picture of it stands there twice",
    "participants": "two participants have one code",
    "tickets": "two tickets of a version have one number",
    "trials": "a participant has two trials at one position, or was shown an image in two trials",
}
Made = TypeVar("Made")


class Tables:
    """The JSON lines of a folder."""

    def __init__(self, source: Path) -> None:
        self.source = source

    def made(self, table: str, make: Callable[[FolderRow], Made]) -> Iterator[list[Made]]:
        """What is made of the rows of a table, in batches; an error names the line."""
        rows = self._each(table, make)
        while batch := list(islice(rows, BATCH)):
            yield batch

    @contextmanager
    def storing(self, table: str) -> Iterator[None]:
        """Says in words what the database refuses, in one line whatever the database."""
        try:
            yield
        except (IntegrityError, DataError) as error:
            told = str(error)
            words = (
                TWICE[table] if "unique" in told.lower() else f"a value cannot be ({told.splitlines()[0]})"
            )
            raise BadFolder(f"{self.source / table}.jsonl: {words}") from error

    def _each(self, table: str, make: Callable[[FolderRow], Made]) -> Iterator[Made]:
        path = self.source / f"{table}.jsonl"
        with path.open(encoding="utf-8") as handle:
            for number, text in enumerate(handle, start=1):
                place = f"{path}, line {number}"
                try:
                    made = make(layout.loads(text))
                except json.JSONDecodeError as error:
                    raise BadFolder(f"{place}: not JSON ({error})") from error
                except ValueError as error:
                    raise BadFolder(f"{place}: {error}") from error
                except (
                    KeyError,
                    IndexError,
                    TypeError,
                    AttributeError,
                    OverflowError,
                    RecursionError,
                ) as error:
                    told = f"the row does not fit ({type(error).__name__}: {error})"
                    raise BadFolder(f"{place}: {told}") from error
                yield made
