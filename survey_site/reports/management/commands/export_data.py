"""`manage.py export_data STUDY --out DIR`: every table as CSV or Parquet with rows and SHA-256,
or all in one file: Psych-DS, Excel, SPSS, Stata."""

import shutil
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from survey_site.protocols import masking
from survey_site.reports.exports.csv_stream import StreamTally
from survey_site.reports.exports.fitting import DoesNotFit
from survey_site.reports.exports.psych_ds import write_zip
from survey_site.reports.exports.tables import TABLES
from survey_site.reports.marks import download_name
from survey_site.reports.population import Population
from survey_site.reports.prepared_files import FORMATS
from survey_site.studies import audit
from survey_site.studies.lookup import study_named
from survey_site.studies.models import Study


class Command(BaseCommand):
    help = "Writes responses, participants, wide (a row per participant), trials, stimuli and maps; SHA256SUMS beside them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", help="short name of the study")
        parser.add_argument("--out", type=Path, required=True, help="folder; files in it are replaced")
        parser.add_argument("--format", choices=("csv", "parquet", "psych-ds", *FORMATS), default="csv")
        parser.add_argument("--bom", action="store_true", help="CSV with a byte order mark, for Excel")
        parser.add_argument("--include-bots", action="store_true", help="simulated participants too")

    def handle(self, *args: Any, **options: Any) -> None:
        study, out = study_named(options["study"]), options["out"]
        if options["bom"] and options["format"] != "csv":
            raise CommandError("--bom is for --format csv")
        out.mkdir(parents=True, exist_ok=True)
        audit.record_command(study, "exported", f"tables as {options['format']}")
        population = Population(bots=options["include_bots"])
        masking.note_shown(study, None)
        if options["format"] == "psych-ds":
            target = out / f"{study.slug}-psych-ds.zip"
            with write_zip(study, population) as archive, target.open("wb") as file:
                shutil.copyfileobj(archive, file)
            self.stdout.write(str(target))
            return
        if options["format"] in FORMATS:
            self._data_file(study, population, options["format"], out)
            return
        sums = []
        for name in TABLES:
            tally = write_csv(study, population, name, out / f"{name}.csv", bom=options["bom"])
            sums.append(f"{tally.sha256.hexdigest()}  {name}.csv\n")
            self.stdout.write(f"{name}.csv: {tally.rows} rows, SHA-256 {tally.sha256.hexdigest()}")
            if options["format"] == "parquet":
                self._parquet(study, out, name)
        (out / "SHA256SUMS").write_text("".join(sums))

    def _data_file(self, study: Study, population: Population, kind: str, out: Path) -> None:
        try:
            from survey_site.reports.exports.data_files import WRITERS
        except ImportError as error:
            raise CommandError(f"{FORMATS[kind].label} needs the extra 'reports': {error}") from error
        target = out / download_name(study, population, FORMATS[kind].suffix)
        unfinished = target.with_name(f".part-{target.name}")
        try:
            WRITERS[kind](study, population, unfinished, lambda share, table: None)
            unfinished.replace(target)
        except DoesNotFit as error:
            raise CommandError(str(error)) from error
        finally:
            unfinished.unlink(missing_ok=True)
        self.stdout.write(str(target))

    def _parquet(self, study: Study, out: Path, name: str) -> None:
        try:
            from survey_site.reports.exports.parquet import write_parquet
        except ImportError as error:
            raise CommandError(f"Parquet needs the extra 'reports': {error}") from error
        rows = write_parquet(out / f"{name}.csv", out / f"{name}.parquet", TABLES[name].columns(study))
        self.stdout.write(f"{name}.parquet: {rows} rows")


def write_csv(
    study: Study, population: Population, name: str, target: Path, *, bom: bool = False
) -> StreamTally:
    """One table as a file."""
    tally, table = StreamTally(), TABLES[name]
    with target.open("wb") as file:
        for chunk in table.stream(study, population, tally, bom=bom):
            file.write(chunk)
    return tally
