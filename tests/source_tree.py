"""The product's own source as data: files, syntax trees, imports and calls, for the tests of its conventions."""

from __future__ import annotations

import ast
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "lib" / "omniseg"
LIBRARY = sorted(PACKAGE.rglob("*.py"))
JOBS = sorted((ROOT / "jobs").glob("*.py"))
Function = ast.FunctionDef | ast.AsyncFunctionDef


def unit(file: Path) -> str:
    """The layer's name: a package or module directly under omniseg, like "lake" or "registry"."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def units() -> dict[str, list[Path]]:
    """Files by unit; `omniseg/__init__.py` is no unit."""
    found: dict[str, list[Path]] = {}
    for file in LIBRARY:
        if file != PACKAGE / "__init__.py":
            found.setdefault(unit(file), []).append(file)
    return found


@cache
def tree(file: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


def place(file: Path, node: ast.AST) -> str:
    """`lib/omniseg/x.py:12`, for messages."""
    return f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def imports(file: Path) -> Iterator[tuple[ast.stmt, str]]:
    """Every imported name in full, wherever the import stands: `from a import b` gives `a.b`."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node, f"{'.' * node.level}{node.module or ''}.{alias.name}") for alias in node.names)


def calls(file: Path) -> Iterator[tuple[ast.Call, str]]:
    """Every call with its dotted name; what is no plain name becomes `*`: `frame.where(x).count()` gives `*.count`."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Call):
            yield node, dotted(node.func)


def attributes(file: Path) -> Iterator[ast.Attribute]:
    """Every attribute that is not itself called: `frame.write` in `frame.write.format(x)`, not `stream.write(x)`."""
    called = {id(call.func) for call, _ in calls(file)}
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Attribute) and id(node) not in called:
            yield node


def dotted(node: ast.expr) -> str:
    """`a.b.c` of nested attributes."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return "*"


def functions(file: Path) -> Iterator[Function]:
    """Every function and method, nested ones too."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def texts(file: Path) -> Iterator[ast.Constant]:
    """Every string constant that is not a docstring."""
    described = ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree(file))
        if isinstance(node, described) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node


def at_import(file: Path) -> Iterator[ast.AST]:
    """Every node that runs when the file is imported: not the bodies of functions and lambdas."""
    waiting: list[ast.AST] = [tree(file)]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting.extend([*node.decorator_list, *node.args.defaults])
        elif not isinstance(node, ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def shipped() -> list[Path]:
    """Every text file that a commit would hold; skips where there is no git."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    files = [ROOT / name for name in names if name]
    return [file for file in files if file.is_file() and b"\0" not in file.read_bytes()[:4096]]
