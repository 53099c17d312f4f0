"""A Psych-DS data set (version 1.4.0): tidy tables under `data/`, a data dictionary in JSON-LD and one to read.

Beside them under `analysis/` the scripts that make Table 1 of `responses` and its mixed models. The dictionary comes
from the same column list as the CSV. Dates of the archive are fixed, so that the same data give the same bytes.
Specification: https://psychds-docs.readthedocs.io/
"""

import json
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import IO

from survey_site.reports.exports.codebook import READING, codebook
from survey_site.reports.exports.columns import installed_tasks
from survey_site.reports.exports.csv_stream import StreamTally
from survey_site.reports.exports.export_column import ExportColumn
from survey_site.reports.exports.tables import TABLES
from survey_site.reports.marks import REPLAY_BANNER, described
from survey_site.reports.one_moment import one_moment
from survey_site.reports.population import Population
from survey_site.studies.models import Study
from survey_site.tasks import registry
from survey_site.trials.models import Participant

CHUNKS_PER_SIGN = 200
IN_MEMORY_BYTES = 4 * 1024 * 1024  # beyond that the archive is spooled to a file
SCRIPTS = Path(__file__).parent / "scripts"
FIXED_DATE = (1980, 1, 1, 0, 0, 0)
JsonLd = dict[str, object]  # whose keys and values schema.org defines
TYPES = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "integer",
    "datetime": "date-time",
}
Tell = Callable[[float, str], None]
"""Is told the share that is done, and which table is next."""


def silent(share: float, table: str) -> None:
    """For who does not wait."""


def write_zip(study: Study, population: Population) -> IO[bytes]:
    """The data set as an open file at its beginning, deleted when closed."""
    archive = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115  (the caller closes it)
    try:
        _fill(archive, study, population, silent)
    except BaseException:
        archive.close()
        raise
    archive.seek(0)
    return archive


def write_file(study: Study, population: Population, path: Path, tell: Tell = silent) -> None:
    """The same as a file, for who waits elsewhere."""
    with path.open("wb") as archive:
        _fill(archive, study, population, tell)


@one_moment()
def _fill(archive: IO[bytes], study: Study, population: Population, tell: Tell) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as target:
        facts = {}
        for place, name in enumerate(TABLES):
            alive = partial(tell, place / len(TABLES), name)
            facts[name] = _write_table(target, study, population, name, alive)
        _write(
            target,
            "dataset_description.json",
            _json(description(study, facts, simulated_in(study, population))),
        )
        _write(target, "README.md", readme(study, facts, simulated_in(study, population)).encode())
        _write(
            target,
            "CHANGES.md",
            b"# Changes\n\nOne export; the protocol hash in the data names its version.\n",
        )
        _write(target, "codebook.html", codebook(study, simulated_in(study, population)).encode())
        for script in (*sorted(SCRIPTS.iterdir()), *scripts_of_tasks(study)):
            if script.is_file():
                _write(target, f"analysis/{script.name}", script.read_bytes())


def scripts_of_tasks(study: Study) -> list[Path]:
    """What the study's tasks hand to readers beside."""
    return [script for task in installed_tasks(study) for script in registry.scripts(task)]


def simulated_in(study: Study, population: Population) -> int:
    """How many simulated participants the data set holds."""
    bots = Participant.objects.filter(population.in_data(), study=study, kind=Participant.Kind.BOT)
    return bots.count()


def file_name(study: Study, table: str) -> str:
    """Psych-DS names: pairs of its keywords and values, then `_data.csv`; values are letters and digits."""
    plain = "".join(character for character in study.slug if character.isalnum())
    return f"data/study-{plain or 'study'}_description-{table}_data.csv"


def _write_table(
    target: zipfile.ZipFile, study: Study, population: Population, name: str, alive: Callable[[], None]
) -> StreamTally:
    tally, table = StreamTally(), TABLES[name]
    with target.open(_info(file_name(study, name)), "w", force_zip64=True) as file:
        for number, chunk in enumerate(table.stream(study, population, tally)):
            if number % CHUNKS_PER_SIGN == 0:
                alive()
            file.write(chunk)
    return tally


def _write(target: zipfile.ZipFile, name: str, data: bytes) -> None:
    with target.open(_info(name), "w") as file:
        file.write(data)


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, FIXED_DATE)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info


def _json(value: JsonLd) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def description(study: Study, facts: dict[str, StreamTally], simulated: int = 0) -> JsonLd:
    """`dataset_description.json`: schema.org's Dataset with one PropertyValue per column name."""
    return {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "name": study.title,
        "description": described(study, simulated),
        "schemaVersion": "Psych-DS 1.4.0",
        "variableMeasured": variables(column for table in TABLES.values() for column in table.columns(study)),
        "distribution": [
            {
                "@type": "DataDownload",
                "contentUrl": file_name(study, name),
                "description": f"{TABLES[name].description} {tally.rows} rows.",
                "encodingFormat": "text/csv",
                "sha256": tally.sha256.hexdigest(),
            }
            for name, tally in facts.items()
        ],
    }


def variables(columns: Iterable[ExportColumn]) -> list[JsonLd]:
    """Each name once, in the order in which it first occurs; the first description holds."""
    first: dict[str, ExportColumn] = {}
    for column in columns:
        first.setdefault(column.name, column)
    return [variable(column) for column in first.values()]


def variable(column: ExportColumn) -> JsonLd:
    """A column as schema.org's PropertyValue."""
    found: JsonLd = {
        "@type": "PropertyValue",
        "name": column.name,
        "description": column.description,
        "additionalType": TYPES[column.kind],
    }
    limits = {"unitText": column.unit, "minValue": column.minimum, "maxValue": column.maximum}
    found |= {name: value for name, value in limits.items() if value not in ("", None)}
    levels = ("0", "1") if column.kind == "boolean" else column.levels
    if values := tuple(dict.fromkeys([*levels, *column.labels])):
        # schema.org has no word for the values of a column; a defined term for each is what it can read.
        found["valueReference"] = [_term(value, column.labels) for value in values]
    return found


def _term(value: str, labels: Mapping[str, str]) -> JsonLd:
    term: JsonLd = {"@type": "DefinedTerm", "termCode": value}
    return term | {"name": labels[value]} if value in labels else term


def readme(study: Study, facts: dict[str, StreamTally], simulated: int = 0) -> str:
    """What a stranger needs to read the tables."""
    lines = [f"# {study.title}", ""]
    if study.origin == Study.Origin.RECONSTRUCTION:
        lines += [REPLAY_BANNER, ""]
    if simulated:
        lines += [f"{simulated} of the participants were simulated by a program: `kind` is bot.", ""]
    lines += [
        *READING,
        "Table 1 counts rows of `responses` with `excluded` 0, `attention_check` 0, `block` other than practice,",
        "and `seen` other than no, under one `measurement_hash`.",
        "",
        *(
            f"- `{file_name(study, name)}`: {TABLES[name].description} {t.rows} rows."
            for name, t in facts.items()
        ),
        "- `codebook.html`: what every column means, to read.",
        "- `analysis/table1.R`, `analysis/table1.py`: Table 1 with its intervals, by",
        f"  `Rscript analysis/table1.R {file_name(study, 'responses')}`.",
        "- `analysis/mixed_models.R`: the report's mixed models with crossed participants and images, by lme4 and ordinal,",
        f"  `Rscript analysis/mixed_models.R {file_name(study, 'responses')} REFERENCE [CONTROL ...]`.",
        *(
            f"- `analysis/{script.name}`: `Rscript analysis/{script.name} {file_name(study, 'responses')}`."
            for script in scripts_of_tasks(study)
        ),
        "",
    ]
    return "\n".join(lines)
