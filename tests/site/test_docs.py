"""The documentation lists every setting, command and address, and none that is not there."""

import ast
import re
from functools import lru_cache
from pathlib import Path

from django.contrib import admin
from django.core.management import get_commands

from saliency_worker.cli import commands as worker_commands
from survey_site.api import urls as api
from survey_site.desk.page_table import PAGES
from survey_site.studies.access import ROLES
from tests.desk.pages import patterns
from tests.site.markdown import (
    EVERY_PAGE,
    ROOT,
    all_code,
    rows,
    section,
    text_of,
)

SOURCES = (".py", ".template", ".service", ".yml", ".html", ".js")

# Settings


def settings_read() -> set[str]:
    """Every variable of settings.py: upper-case texts handed to a call together with `_env`, or to a method of it."""
    found = set()
    for call in ast.walk(ast.parse(text_of("survey_site/settings.py"))):
        if isinstance(call, ast.Call) and "_env" in {n.id for n in ast.walk(call) if isinstance(n, ast.Name)}:
            texts = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            found |= {text for text in texts if re.fullmatch(r"[A-Z][A-Z0-9_]+", text)}
    return found


def environment_read() -> set[str]:
    """Every variable that site and worker read by os.environ itself."""
    found = set()
    for file in (*ROOT.glob("survey_site/**/*.py"), *ROOT.glob("saliency_worker/**/*.py")):
        source = file.read_text("utf-8")
        found |= set(re.findall(r'environ(?:\.get\(|\[)\s*"(\w+)"', source))
    return found


def documented_variables() -> dict[str, list[str]]:
    table = rows(section(text_of("docs/operations.md"), "## Environment"))
    return {row[0].strip("`"): row for row in table}


def test_every_setting_is_a_row_of_the_operations_page() -> None:
    read = settings_read()
    assert len(read) > 15
    missing = sorted(read - {name for name, row in documented_variables().items() if all(row)})
    assert not missing


def test_every_other_variable_of_the_environment_is_a_row_too() -> None:
    assert not sorted(environment_read() - set(documented_variables()))


def test_the_operations_page_names_no_variable_that_nothing_reads() -> None:
    assert not sorted(set(documented_variables()) - settings_read() - environment_read())


@lru_cache
def words_of_the_source() -> frozenset[str]:
    """Every upper-case word of code, Makefile, compose file and what lies in deploy/."""
    folders = ("survey_site", "saliency_worker", "tests", "benchmarks", "deploy", "fixtures")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in SOURCES]
    files += [ROOT / name for name in ("Makefile", "docker-compose.yml", ".env.example", "Dockerfile")]
    text = "\n".join(path.read_text("utf-8") for path in files)
    return frozenset(re.findall(r"[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+", text))


@EVERY_PAGE
def test_no_page_names_a_setting_that_nothing_reads(page: Path) -> None:
    """Names of two words and more, as settings are: `DATA_DIR`, `PORT_X=1`."""
    text = re.sub(r"^```python\n.*?^```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    code = all_code(text)
    named = set(re.findall(r"(?<![\w/{$-])([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)(?![\w/-])", code))
    assert sorted(named - words_of_the_source()) == []


# Management commands


def own_commands() -> set[str]:
    files = ROOT.glob("survey_site/**/management/commands/*.py")
    return {file.stem for file in files if not file.stem.startswith("_")}


def test_every_management_command_is_a_row_of_the_operations_page() -> None:
    assert len(own_commands()) > 10
    table = rows(section(text_of("docs/operations.md"), "## Commands"))
    named = {name for command, what in table if what for name in re.findall(r"manage\.py (\w+)", command)}
    assert named == own_commands()


@EVERY_PAGE
def test_no_page_names_a_command_that_is_not_there(page: Path) -> None:
    named = set(re.findall(r"(?:manage\.py|saliency-survey) ([a-z]\w*)", all_code(page.read_text("utf-8"))))
    assert not sorted(named - own_commands() - set(get_commands()))


@EVERY_PAGE
def test_no_page_names_a_command_of_the_worker_that_is_not_there(page: Path) -> None:
    called = r"(?:python -m saliency_worker|saliency-worker) ([a-z]\w*)"
    named = set(re.findall(called, all_code(page.read_text("utf-8"))))
    assert not sorted(named - {"worker", *worker_commands.RUN})


# The desk


def pages_of_a_study() -> dict[str, tuple[set[str], str]]:
    """Title → (addresses, right), as docs/desk.md has them."""
    table = rows(section(text_of("docs/desk.md"), "### About a study"))
    return {
        title: (set(re.findall(r"`([^`]+)`", addresses)), right.strip("`"))
        for title, addresses, right, what in table
        if what
    }


def plain(route: str) -> str:
    """A route as docs/desk.md writes it: `<study>` for its short name, `<id>` for any row."""
    names = {"pk": "id", "object_id": "id", "slug": "study", "app_label": "app"}
    route = re.sub(r"\^?\(\?P<(\w+)>[^)]*\)", r"<\1>", route).rstrip("$")
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: f"<{names.get(found[1], found[1])}>", route)


def other_addresses() -> set[str]:
    """Of the lists, and of whatever is no page of a study."""
    tables = [
        section(text_of("docs/desk.md"), heading)
        for heading in ("### Lists and forms", "### Other addresses")
    ]
    cells = [cell for table in tables for row in rows(table) if all(row) for cell in row[:2]]
    return {address for cell in cells for address in re.findall(r"`(/[^`]+)`", cell)}


def test_every_page_of_a_study_is_documented_with_its_addresses_and_right() -> None:
    expected = {
        str(page.title): (
            {f"{page.name}/", *(plain(p.route or f"{p.name}/") for p in page.parts)},
            page.right,
        )
        for page in PAGES
    }
    assert pages_of_a_study() == expected


def test_the_roles_behind_each_right_are_those_of_the_code() -> None:
    table, _, _ = text_of("docs/desk.md").partition("\n## ")
    told = {
        right.strip("`"): set(filter(None, roles.split(", "))) for right, roles, what in rows(table) if what
    }
    assert told == {right: {str(role) for role in roles} for right, roles in ROLES.items()}


def test_every_address_of_the_desk_is_documented() -> None:
    study = "/admin/studies/study/<id>/"
    documented = other_addresses()
    documented |= {study + address for addresses, _ in pages_of_a_study().values() for address in addresses}
    lists = {f"/admin/{m._meta.app_label}/{m._meta.model_name}/" for m in admin.site._registry}
    of_lists = {
        f"{at}{tail}"
        for at in lists
        for tail in ("add/", *(f"<id>/{t}/" for t in ("change", "delete", "history")))
    }
    routes = {f"/{plain(route)}" for route, _, _ in patterns()}
    report = {
        route for route in routes if route.startswith("/reports/<study>/") and route != "/reports/<study>/"
    }
    assert len(routes) > 50
    assert not sorted(routes - report - of_lists - documented)
    sealed = {
        at for at in documented if "<token>" in at
    }  # patterns() leaves them out; the table of pages has them
    assert not sorted(documented - sealed - routes), "documented, but not there"


def test_every_part_and_download_of_the_report_is_documented() -> None:
    table = rows(section(text_of("docs/reports.md"), "## Files"))
    known = [
        re.sub(r"<\w+>", r"[\\w<>-]+", re.escape(name))
        for row in table
        for name in re.findall(r"`([^`]+)`", row[0])
    ]
    base = "reports/<study>/"
    routes = [plain(route) for route, _, _ in patterns()]
    parts = [route.removeprefix(base) for route in routes if route.startswith(base) and route != base]
    assert len(parts) > 10
    assert [part for part in parts if not any(re.fullmatch(name, part) for name in known)] == []


def test_every_address_of_the_api_is_documented() -> None:
    text = text_of("docs/api.md")
    below = [
        str(entry.pattern).removeprefix("v1")
        for entry in api.urlpatterns
        if str(entry.pattern).startswith("v1/")
    ]
    assert len(below) > 5
    assert not [
        at for at in below if not re.search(re.sub(r"<[^>]+>", r"[\\w{}-]+", at) + r"(?![\w{])", text)
    ]
