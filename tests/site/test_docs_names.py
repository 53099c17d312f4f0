"""Whatever the documentation names is there: paths, modules, names, targets, links."""

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import yaml

from tests.site.markdown import (
    DOCS,
    EVERY_PAGE,
    FOLDERS,
    PACKAGES,
    ROOT,
    all_code,
    fences,
    inline_code,
    text_of,
    without_fences,
)

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
