"""The scripts that tasks hand to readers give the report's own numbers."""

import csv
import io
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from django.core.management import call_command

from survey_site.reports import analysis
from survey_site.reports.exports.psych_ds import write_zip
from survey_site.reports.population import Population
from survey_site.tasks import registry
from tests.tasks import studies

R = shutil.which("Rscript")
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("media"),
    pytest.mark.skipif(R is None, reason="Rscript is not installed on this machine"),
]


@pytest.mark.parametrize(
    ("task", "script"),
    [
        ("preference", "bradley_terry.R"),
        ("agreement", "signal_detection.R"),
        ("distinction", "distinction.R"),
    ],
)
def test_the_script_prints_the_reports_numbers(task: str, script: str, tmp_path: Path) -> None:
    study = studies.live(task, target_participants=8)
    call_command("simulate", "test", "--participants", "8", "--drop-out", "0", stdout=io.StringIO())
    study.state = "closed"
    study.save()
    with write_zip(study, Population(bots=True)) as file, zipfile.ZipFile(file) as archive:
        archive.extractall(tmp_path)
        readme = archive.read("README.md").decode()
    assert f"analysis/{script}" in readme
    (data,) = tmp_path.glob("data/*responses_data.csv")
    done = subprocess.run(
        [str(R), str(tmp_path / "analysis" / script), str(data)], capture_output=True, text=True, check=True
    )
    printed = {row["column"]: row for row in csv.DictReader(io.StringIO(done.stdout))}
    report = analysis.analyse(study, Population(bots=True)).report
    if task == "preference":
        (section,) = [one for one in report["sections"] if one["key"] == "bradley_terry"]
        for row in section["data"]["rows"]:
            own = printed[row["column"]]
            assert float(own["strength"]) == pytest.approx(row["value"], abs=1e-4)
            assert [float(own["ci_low"]), float(own["ci_high"])] == pytest.approx(row["ci"], abs=1e-4)
        return
    if task == "distinction":
        for column in report["columns"]:
            cell, own = column["distinction"], printed[column["column"]]  # type: ignore[typeddict-item]
            assert int(own["n"]) == cell["n"] == cell["on_right"]["n"] + cell["on_wrong"]["n"]
            for prefix, found in (
                ("picked", cell),
                ("of_right", cell["on_right"]),
                ("of_wrong", cell["on_wrong"]),
            ):
                assert float(own[prefix]) == pytest.approx(found["percent"], abs=1e-4)
                ends = {"picked": ("low", "high")}.get(prefix, (f"{prefix[3:]}_low", f"{prefix[3:]}_high"))
                assert [float(own[end]) for end in ends] == pytest.approx(found["ci"], abs=1e-4)
            assert float(own["d_prime"]) == pytest.approx(cell["chance"]["d_prime"], abs=1e-4)
            ends = [float(own["d_low"]), float(own["d_high"])]
            assert ends == pytest.approx(cell["chance"]["d_prime_ci"], abs=1e-4)
        return
    for column in report["columns"]:
        signal, own = column["error_detection"]["signal"], printed[column["column"]]  # type: ignore[typeddict-item]
        assert float(own["d_prime"]) == pytest.approx(signal["d_prime"], abs=1e-4)
        assert [float(own["d_low"]), float(own["d_high"])] == pytest.approx(signal["d_prime_ci"], abs=1e-4)
        assert [float(own["c_low"]), float(own["c_high"])] == pytest.approx(signal["criterion_ci"], abs=1e-4)


def test_tasks_without_scripts_hand_none() -> None:
    assert registry.scripts(registry.task("rating")) == []
