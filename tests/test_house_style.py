"""The sizes and habits of STYLE.md, measured over the tree."""

from __future__ import annotations

import ast
import re
import statistics
from pathlib import Path

from tests.source_tree import JOBS, LIBRARY, ROOT, Function, functions, imports, place, shipped, tree

CODE = LIBRARY + JOBS
LONGEST_FUNCTION = 40  # lines of its body, docstring aside
MEDIAN_FUNCTION = 10
LONGEST_FILE = 250
MEANINGLESS = {"utils", "util", "helpers", "helper", "common", "misc"}
# Paths of one machine and hosts of one network have no place in what is shipped.
MACHINE_PATH = re.compile(r"(?<![\w.$})*/])/(?:work|root|farm|home|Users)/[\w.]")
PRIVATE_ADDRESS = re.compile(r"\b(?:10(?:\.\d{1,3}){3}|192\.168(?:\.\d{1,3}){2})\b")
PRIVATE_NAME = re.compile(r"\b[\w-]+\.(?:internal|intranet|corp|lan)\b(?!\()")


def length(function: Function) -> int:
    """Lines of the body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) and len(function.body) > 1 else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def lines(files: list[Path]) -> int:
    """Lines of all files together."""
    return sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)


def test_functions_are_short():
    long = [
        f"{place(file, function)} {function.name}: {length(function)}"
        for file in CODE
        for function in functions(file)
        if length(function) > LONGEST_FUNCTION
    ]
    assert not long, f"over {LONGEST_FUNCTION} lines:\n" + "\n".join(long)


def test_the_usual_function_fits_a_glance():
    assert statistics.median(length(function) for file in CODE for function in functions(file)) <= MEDIAN_FUNCTION


def test_files_own_one_thing():
    long = {str(file.relative_to(ROOT)): lines([file]) for file in CODE if lines([file]) > LONGEST_FILE}
    assert not long, f"over {LONGEST_FILE} lines: {long}"


def test_every_function_is_typed():
    """mypy --strict says the same with reasons; this holds without mypy."""
    untyped = [f"{place(file, f)} {f.name}" for file in CODE for f in functions(file) if not typed(f)]
    assert not untyped, "\n".join(untyped)


def typed(function: Function) -> bool:
    """True when the result and every argument but self and cls are annotated."""
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    named = [argument for argument in arguments if argument.arg not in {"self", "cls"}]
    return function.returns is not None and all(argument.annotation for argument in named)


def test_tests_are_as_long_as_the_source():
    assert lines(sorted((ROOT / "tests").rglob("*.py"))) >= lines(CODE)


def test_file_names_say_what_they_own():
    assert not [str(file.relative_to(ROOT)) for file in CODE if MEANINGLESS & {file.stem, file.parent.name}]


def test_aliases_are_f_and_t():
    """`Window` comes under its own name; numpy, pandas and pyarrow keep the aliases of their own manuals."""
    usual = {"F", "T", "np", "pd", "pa"}
    aliased = [
        f"{place(file, node)}: as {alias.asname}"
        for file in CODE
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if alias.asname and alias.asname not in usual
    ]
    assert not aliased, "\n".join(aliased)


def test_options_are_never_passed_through_unseen():
    """A function that takes `**kwargs` hands a typing error of its caller to Spark in silence."""
    taking = [
        f"{place(file, function)} {function.name}"
        for file in CODE
        if touches_spark(file)
        for function in functions(file)
        if function.args.kwarg
    ]
    assert not taking, "\n".join(taking)


def touches_spark(file: Path) -> bool:
    """True when the file imports pyspark or delta."""
    return any(name.split(".")[0] in {"pyspark", "delta"} for _, name in imports(file))


def test_nothing_private_is_shipped():
    found = [
        f"{file.relative_to(ROOT)}:{number}: {match.group()}"
        for file in shipped()
        if file.suffix != ".lock" and file != Path(__file__)
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        for private in (MACHINE_PATH, PRIVATE_ADDRESS, PRIVATE_NAME)
        for match in private.finditer(line)
    ]
    assert not found, "\n".join(found)
