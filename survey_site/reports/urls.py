"""Addresses of the report and of its downloads."""

from django.urls import path

from survey_site.reports import downloads, views
from survey_site.reports.exports.tables import TABLES
from survey_site.reports.prepared_files import FORMATS, PSYCH_DS

urlpatterns = [
    path("<slug:slug>/", views.report_page, name="report"),
    path("<slug:slug>/open-names/", views.open_names, name="open_names"),
    path("<slug:slug>/report.html", views.standalone, name="report_html"),
    path("<slug:slug>/statistics/", views.statistics, name="report_statistics"),
    path("<slug:slug>/figures/<slug:name>.svg", views.figure, {"kind": "svg"}, name="figure_svg"),
    path("<slug:slug>/figures/<slug:name>.pdf", views.figure, {"kind": "pdf"}, name="figure_pdf"),
    path("<slug:slug>/files/", downloads.data_files, name="data_files"),
    *(
        path(f"<slug:slug>/{one.suffix}", downloads.data_file, {"kind": one.key}, name=one.view)
        for one in FORMATS.values()
        if one.key != PSYCH_DS
    ),
    path("<slug:slug>/codebook.html", downloads.codebook, name="codebook"),
    path("<slug:slug>/psych-ds.zip", downloads.psych_ds, name="psych_ds"),
    *(
        path(f"<slug:slug>/{table}.csv", downloads.table_csv, {"table": table}, name=f"{table}_csv")
        for table in TABLES
    ),
    *(
        path(
            f"<slug:slug>/{table}.csv.sha256",
            downloads.table_checksum,
            {"table": table},
            name=f"{table}_checksum",
        )
        for table in TABLES
    ),
    path("<slug:slug>/contrasts.csv", views.contrasts, {"kind": "csv"}, name="contrasts_csv"),
    path("<slug:slug>/contrasts.tex", views.contrasts, {"kind": "latex"}, name="contrasts_tex"),
    path("<slug:slug>/paper.zip", views.paper, name="paper"),
    path("<slug:slug>/preregistration.md", downloads.preregistration, name="preregistration"),
    path("<slug:slug>/table1.json", views.table1, {"kind": "json"}, name="table1_json"),
    path("<slug:slug>/table1.csv", views.table1, {"kind": "csv"}, name="table1_csv"),
    path("<slug:slug>/table1.tex", views.table1, {"kind": "latex"}, name="table1_tex"),
]
