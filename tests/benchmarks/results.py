"""docs/performance.md: every benchmark writes its own section and leaves the others as they are."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from pyspark.sql import SparkSession

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
HEAD = "# Figures\n\nWritten by `make bench`, section by section; do not edit.\n"
SECTION = re.compile(r"^## ", re.MULTILINE)


def write_section(title: str, lines: Sequence[str], *, cores: int) -> None:
    """Put a section, with the machine it was measured on, into the page; sections are in the order of their titles."""
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else HEAD
    _, *parts = SECTION.split(text)
    sections = {part.split("\n", 1)[0]: part.split("\n", 1)[1].strip("\n") for part in parts}
    sections[title] = "\n".join([machine(cores), "", *lines]).strip("\n")
    body = "".join(f"\n## {name}\n\n{sections[name]}\n" for name in sorted(sections))
    PAGE.write_text(HEAD + body, encoding="utf-8")


def machine(cores: int) -> str:
    """What the figures of a section were measured on."""
    return (
        f"Machine: {processor()}, {cores} cores used, {platform.system()}. Python {platform.python_version()}, "
        f"pyspark {version('pyspark')}, delta-spark {version('delta-spark')}, duckdb {version('duckdb')}."
    )


def processor() -> str:
    """The processor's name where the system tells it."""
    info = Path("/proc/cpuinfo")
    names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


def peak_memory(spark: SparkSession) -> int:
    """Bytes of memory that the driver's JVM has had at most so far (resident, from /proc)."""
    assert spark.sparkContext._jvm is not None
    number = spark.sparkContext._jvm.java.lang.ProcessHandle.current().pid()
    lines = Path(f"/proc/{number}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024
