"""The shape of the code, enforced: arrows between folders, one-door imports, purity, size budget (DESIGN sections 4 and 15)."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from packageurl.contrib.purl2url import get_download_url
from pypi_simple import PYPI_SIMPLE_ENDPOINT

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "reconciler"
MODULES = sorted(PACKAGE.rglob("*.py"))

BASE = {"model", "errors", "__init__"}
MIDDLE = {"ecosystems", "stores", "wire"}
VERBS = {"declare", "observe", "decide", "act"}
TOP = {"reconcile", "declaration", "judged", "closing", "continuity", "propose", "serve", "show"}
ARROWS = {
    "__init__": set(),
    "errors": {"model"},
    "model": BASE,
    "wire": BASE,
    "ecosystems": BASE,
    "stores": BASE,
    "declare": BASE | MIDDLE,
    "observe": BASE | MIDDLE,
    "act": BASE | MIDDLE,
    "decide": BASE,
    "show": BASE,
    "propose": BASE | MIDDLE | VERBS,
    "declaration": BASE | MIDDLE | VERBS,
    "judged": BASE | MIDDLE | VERBS,
    "closing": BASE | MIDDLE | VERBS | {"judged", "propose"},
    "continuity": BASE | MIDDLE | VERBS | {"declaration"},
    "reconcile": BASE | MIDDLE | VERBS | {"declaration", "continuity", "judged", "closing"},
    "cli": BASE | MIDDLE | VERBS | TOP,
    "__main__": {"cli"},
}
"""Folder -> what it may import, itself apart. The verb folders do not import one another; `decide` and `show` see types only."""

DOORS = {"httpx": "wire/", "httpcore": "wire/", "git": "declare/revision/runner.py", "obstore": "stores/cloud.py"}
IMPURE = {
    "asyncio",
    "git",
    "httpx",
    "http",
    "logging",
    "os",
    "pathlib",
    "random",
    "shutil",
    "socket",
    "subprocess",
    "tempfile",
    "time",
    "urllib.request",
}
MAX_LINES, MAX_FUNCTION, MAX_PARAMETERS = 300, 40, 6


def folder_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Absolute names of all imported modules; `from reconciler.x import y` gives `reconciler.x.y`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                package = path.relative_to(ROOT).parent.parts[: len(path.relative_to(ROOT).parent.parts) - node.level + 1]
                base = ".".join([*package, node.module or ""]).rstrip(".")
            else:
                base = node.module or ""
            yield from (f"{base}.{alias.name}" for alias in node.names)


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_arrows_between_folders_point_one_way(path):
    here = folder_of(path)
    for imported in imports(path):
        if imported.startswith("reconciler."):
            there = imported.split(".")[1]
            there = there if there in ARROWS else "__init__"
            assert there == here or there in ARROWS[here], f"{name(path)} imports {imported}"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_each_foreign_door_is_imported_in_one_place_only(path):
    for imported in imports(path):
        door = DOORS.get(imported.split(".")[0])
        assert door is None or name(path).startswith(door), f"{name(path)} imports {imported}; only {door} may"


@pytest.mark.parametrize("path", [p for p in MODULES if folder_of(p) in {"decide", "ecosystems", "model"}], ids=name)
def test_decisions_and_ecosystems_are_pure(path):
    for imported in imports(path):
        assert not any(imported == door or imported.startswith(f"{door}.") for door in IMPURE), f"{name(path)} imports {imported}"
    tree = ast.parse(path.read_text())
    calls = {node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)}
    assert not calls & {"now", "utcnow", "today"}, f"{name(path)} reads the clock"


def test_ecosystems_are_unaware_of_each_other():
    known = {p.name for p in (PACKAGE / "ecosystems").iterdir() if p.is_dir() and p.name != "__pycache__"}
    for path in MODULES:
        parts = path.relative_to(PACKAGE).parts
        if parts[0] == "ecosystems" and len(parts) > 2:
            others = known - {parts[1]}
            assert not [i for i in imports(path) if any(i.startswith(f"reconciler.ecosystems.{o}") for o in others)], name(path)


def test_nothing_but_the_table_names_an_ecosystem():
    table = PACKAGE / "ecosystems" / "__init__.py"
    for path in MODULES:
        if path != table and folder_of(path) != "ecosystems":
            found = [
                i
                for i in imports(path)
                if i.startswith(("reconciler.ecosystems.npm", "reconciler.ecosystems.nuget", "reconciler.ecosystems.pypi"))
            ]
            assert not found, f"{name(path)} imports {found}"


@pytest.mark.parametrize("path", [p for p in MODULES if folder_of(p) != "cli"], ids=name)
def test_only_the_command_line_prints_exits_and_reads_clock_and_environment(path):
    tree = ast.parse(path.read_text())
    assert not [i for i in imports(path) if i.split(".")[0] in {"click", "rich"}], f"{name(path)} imports a terminal library"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            text = ast.unparse(node.func)
            assert text not in {"print", "sys.exit", "exit", "os.getenv", "datetime.now", "date.today"}, (
                f"{name(path)}:{node.lineno} {text}"
            )
        if isinstance(node, ast.Attribute):
            assert ast.unparse(node) not in {"os.environ", "sys.stdout", "sys.stderr", "sys.argv"}, f"{name(path)}:{node.lineno}"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_size_budget(path):
    lines = path.read_text().count("\n")
    assert lines <= MAX_LINES, f"{name(path)} has {lines} lines"
    for function in functions(path):
        body = function.body[1:] if ast.get_docstring(function) and len(function.body) > 1 else function.body
        length = (body[-1].end_lineno or 0) - body[0].lineno + 1
        parameters = [
            a for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs) if a.arg not in {"self", "cls"}
        ]
        assert length <= MAX_FUNCTION, f"{name(path)}:{function.lineno} {function.name} has {length} lines"
        assert len(parameters) <= MAX_PARAMETERS, f"{name(path)}:{function.lineno} {function.name} has {len(parameters)} parameters"


@pytest.mark.parametrize("path", [p for p in MODULES if p.stat().st_size], ids=name)
def test_every_module_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text())), name(path)


def test_no_module_is_called_after_nothing():
    assert not {p.stem for p in MODULES} & {"utils", "util", "helpers", "helper", "common", "misc", "manager"}


def test_version_is_told_without_importing_what_commands_need():
    code = "import sys; from reconciler.cli import main\ntry: main(['--version'])\nexcept SystemExit: pass\nprint(sorted(m for m in ('git', 'httpx', 'yaml', 'pydantic', 'rich.console') if m in sys.modules))"
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == ["reconciler, version 0.1.0", "[]"]
    assert time.monotonic() - started < 5


def test_no_file_names_the_host_of_a_registry():
    """They are found at run time, so that a machine that is set up with a mirror uses its mirror; here by the libraries' own constants."""
    hosts = [urlsplit(address).hostname or "" for address in (PYPI_SIMPLE_ENDPOINT, get_download_url("pkg:npm/name@1.0.0"))]
    named = re.compile("|".join(rf"\b{re.escape(host.split('.')[-2])}\.(?:org|com)\b" for host in hosts))
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
    files = [ROOT / path for path in tracked.split("\0") if path]
    assert len(files) > 100
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in files
        if path.is_file()
        for match in named.finditer(path.read_text(errors="replace"))
    ]
    assert found == []
