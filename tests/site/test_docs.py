"""The documentation says what the code has: settings, commands, pages of the desk, paths, names and targets."""

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest
import yaml
from django.contrib import admin
from django.core.management import get_commands

from survey_site.api import urls as api
from survey_site.desk.page_table import PAGES
from survey_site.studies.access import ROLES
from tests.desk.pages import patterns

ROOT = Path(__file__).resolve().parents[2]
DOCS = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")))
PACKAGES = ("survey_site", "saliency_worker", "benchmarks", "fixtures", "tests")
FOLDERS = "|".join((*PACKAGES, "docs", "requirements"))
EVERY_PAGE = pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def without_fences(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def inline_code(text: str) -> list[str]:
    """What stands in backticks within a paragraph, line breaks as blanks."""
    paragraphs = re.split(r"\n\s*\n|\n(?=\|)", without_fences(text))
    return [" ".join(code.split()) for part in paragraphs for code in re.findall(r"`([^`]+)`", part)]


def fences(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def all_code(text: str) -> str:
    """Everything in backticks, fenced, or indented by four as a block."""
    blocks = re.findall(r"^```\w*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    indented = re.findall(r"^ {4}(?! )(.*)$", without_fences(text), re.MULTILINE)
    return "\n".join([*inline_code(text), *blocks, *indented])


def section(text: str, heading: str) -> str:
    """From a heading to the next one of its level or above."""
    level = heading.partition(" ")[0]
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"no heading “{heading}”"
    return re.split(rf"^#{{1,{len(level)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of every row of every table, without heads."""
    tables = re.findall(r"^\|.*\n\|[-|: ]+\n((?:\|.*\n?)+)", text, re.MULTILINE)
    lines = [line for table in tables for line in table.splitlines()]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


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
    named = set(re.findall(r"manage\.py ([a-z]\w*)", page.read_text("utf-8")))
    assert not sorted(named - own_commands() - set(get_commands()))


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
    told = {right.strip("`"): set(roles.split(", ")) for right, roles, what in rows(table) if what}
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


# Paths, modules, names, targets, links


@lru_cache
def files() -> tuple[str, ...]:
    """Every file of the project, by its path from the root."""
    found = [path for folder in FOLDERS.split("|") for path in (ROOT / folder).rglob("*") if path.is_file()]
    return tuple(path.relative_to(ROOT).as_posix() for path in (*found, *ROOT.glob("*.*")))


def ending_in(path: str) -> list[str]:
    return [file for file in files() if file == path or file.endswith(f"/{path}")]


@EVERY_PAGE
def test_every_path_is_there(page: Path) -> None:
    text = page.read_text("utf-8")
    named = {path.rstrip(".") for path in re.findall(rf"(?<![\w/.<-])((?:{FOLDERS})/[\w./*<>-]*)", text)}
    gone = [path for path in sorted(named) if not any(ROOT.glob(re.sub(r"<\w+>", "*", path.rstrip("/"))))]
    assert not gone


@EVERY_PAGE
def test_every_file_named_by_its_last_part_is_there(page: Path) -> None:
    named = set(
        re.findall(
            r"(?<![\w*>/.-])[\w/]+\.(?:py|html|js|css|toml)\b",
            "\n".join(inline_code(page.read_text("utf-8"))),
        )
    )
    assert not [path for path in sorted(named) if not ending_in(path)]


def defined(file: str) -> set[str]:
    """Names at the top of a module, and those of its imports."""
    found = set()
    for node in ast.parse(text_of(file)).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        else:
            found |= {
                name.id
                for name in ast.walk(node)
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
            }
    return found


@EVERY_PAGE
def test_every_name_after_a_file_is_defined_in_it(page: Path) -> None:
    """Written `path/to/file.py: name, other_name`."""
    gone = []
    for code in inline_code(page.read_text("utf-8")):
        if found := re.fullmatch(r"([\w/]+\.py): (.+)", code):
            names = set(re.findall(r"[A-Za-z_]\w*", re.sub(r"\([^)]*\)", "", found[2])))
            if not any(names <= defined(file) for file in ending_in(found[1])):
                gone.append(code)
    assert not gone


def module_file(dotted: str) -> str | None:
    """Path of a module or package, or None."""
    path = dotted.replace(".", "/")
    return next((file for file in (f"{path}.py", f"{path}/__init__.py") if (ROOT / file).is_file()), None)


def exists(dotted: str) -> bool:
    """Whether a dotted name is a module, or a name at the top of one."""
    if module_file(dotted):
        return True
    module, _, name = dotted.rpartition(".")
    file = module_file(module) if module else None
    return file is not None and name in defined(file)


@EVERY_PAGE
def test_every_dotted_name_is_there(page: Path) -> None:
    code = all_code(page.read_text("utf-8"))
    named = set(re.findall(rf"(?<![\w/.])(?:{'|'.join(PACKAGES)})(?:\.[A-Za-z_]\w*)+(?![\w/])", code))
    modules = {name for name in named if not re.search(r"\.(?:md|txt|json|py)$", name)}
    assert not [name for name in sorted(modules) if not exists(name)]


def imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(PACKAGES):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_examples_of_the_architecture_page_are_python_whose_imports_exist() -> None:
    examples = fences(text_of("docs/architecture.md"), "python")
    assert len(examples) > 8
    assert not [name for example in examples for name in imported(example) if not exists(name)]


def test_every_refusal_in_the_tree_is_there() -> None:
    (tree,) = [
        block
        for block in re.findall(
            r"^```\n(.*?)^```$", text_of("docs/architecture.md"), re.DOTALL | re.MULTILINE
        )
        if "├" in block
    ]
    named = re.findall(r"─ ([\w.]+)", tree)
    assert len(named) > 15
    assert not [name for name in named if not exists(name) and not exists(f"survey_site.{name}")]


def test_the_statistics_page_names_its_modules() -> None:
    headings = re.findall(r"^## \d+\. .*?\((.+)\)$", text_of("docs/statistics.md"), re.MULTILINE)
    named = [name for heading in headings for name in re.findall(r"`(\w+)`", heading)]
    assert len(named) > 8
    assert not [name for name in named if not module_file(f"survey_site.statistics.{name}")]


@EVERY_PAGE
def test_every_target_of_make_is_in_the_makefile(page: Path) -> None:
    there = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z][a-z-]*)", all_code(page.read_text("utf-8"))))
    assert not sorted(named - there)


def test_contributing_names_every_target_of_make() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", text_of("Makefile"), re.MULTILINE))
    assert not [
        name for name in sorted(targets - {"help"}) if f"`make {name}`" not in text_of("CONTRIBUTING.md")
    ]


def anchors(text: str) -> set[str]:
    """Of headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", without_fences(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@EVERY_PAGE
def test_every_link_leads_somewhere(page: Path) -> None:
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", without_fences(page.read_text("utf-8"))):
        path, _, anchor = target.partition("#")
        if path.startswith(("http:", "https:", "mailto:")):
            continue
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file.read_text("utf-8"))):
            lost.append(target)
    assert not lost


def test_every_page_of_the_docs_is_linked_from_the_readme() -> None:
    readme = text_of("README.md")
    assert not [page.name for page in DOCS if page.name != "README.md" and page.name + ")" not in readme]


def test_pre_commit_runs_what_make_lint_runs() -> None:
    config = yaml.safe_load(text_of(".pre-commit-config.yaml"))
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", text_of("Makefile"), re.MULTILINE)
    assert recipe
    commands = recipe[1].replace("$(BIN)", ".venv/bin").replace("\t", "").splitlines()
    assert [hook["entry"] for hook in config["repos"][0]["hooks"]] == commands
