"""docs/architecture.md and the README name the rooms that there are, on the floors that the import contracts hold."""

import re
import tomllib
from itertools import groupby
from typing import Any

from tests.site.markdown import ROOT, rows, section, text_of

CONTRACTS: list[dict[str, Any]] = tomllib.loads(text_of("pyproject.toml"))["tool"]["importlinter"][
    "contracts"
]
PAGE = text_of("docs/architecture.md")
SITE, WORKER = (rows(section(PAGE, heading)) for heading in ("### Site", "### Worker"))


def floors_of(package: str) -> dict[str, Any]:
    """The contract of layers whose container is the package."""
    return next(c for c in CONTRACTS if c["type"] == "layers" and c["containers"] == [package])


def rooms(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


def documented() -> list[tuple[str, list[str]]]:
    """(floor, rooms) of each row of the site's table."""
    return [(row[0], rooms(row[1])) for row in SITE]


def folders(package: str) -> set[str]:
    below = (ROOT / package).iterdir()
    return {path.name for path in below if path.is_dir() and path.name != "__pycache__"}


def test_the_table_of_floors_is_that_of_the_contract() -> None:
    layers = [re.split(r"\s*\|\s*", layer) for layer in floors_of("survey_site")["layers"]]
    numbered = [(floor, names) for floor, names in documented() if floor != "–"]
    told = [
        [name for _, names in group for name in names]
        for _, group in groupby(numbered, key=lambda row: row[0])
    ]
    assert told == layers
    assert [int(floor) for floor, _ in groupby(floor for floor, _ in numbered)] == [
        *range(len(layers), 0, -1)
    ]


def test_every_room_has_a_row_of_its_own_that_says_something() -> None:
    assert all(len(names) == 1 for floor, names in documented() if floor != "–")
    assert all(all(row) for row in [*SITE, *WORKER])


def test_every_folder_and_module_of_the_site_is_a_row() -> None:
    modules = {path.stem for path in (ROOT / "survey_site").glob("*.py")} - {"__init__"}
    assert {name for _, names in documented() for name in names} == folders("survey_site") | modules
    assert modules == set(floors_of("survey_site")["exhaustive_ignores"])


def test_the_floors_of_the_worker_are_those_of_the_contract() -> None:
    layers = floors_of("saliency_worker")["layers"]
    optional = {layer for layer in layers if layer.startswith("(")}  # in brackets: may be missing
    there = [
        layer.strip("()")
        for layer in layers
        if layer not in optional or any((ROOT / "saliency_worker").glob(f"{layer.strip('()')}*"))
    ]
    assert [name for row in WORKER for name in rooms(row[0])] == there


def test_the_readme_names_every_room_and_every_folder() -> None:
    table = section(text_of("README.md"), "## The path of the data")
    named = {path for row in rows(table) if all(row) for path in re.findall(r"`([\w/]+)`", row[0])}
    expected = {f"survey_site/{name}" for name in folders("survey_site")}
    expected |= {path.parent.name for path in ROOT.glob("[a-z]*/*.py")} - {"survey_site"}
    assert named == expected | {"docs", "requirements"}
