"""An archive of the classes that sessions load: Java maps it into memory instead of reading and checking each class.

Starting Spark and its first query load some 20,000 classes from 250 jars. Java calls the archive class data sharing;
it belongs to one Java and one list of jars, and a Java that finds that it does not fit goes on without it.
See docs/decisions/0006-class-archive.md.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from omniseg import java

REHEARSAL = "omniseg.lake.rehearsal"
REHEARSAL_SECONDS = 600
# What a Java that goes on without the archive would say about it at each start.
SILENT = "-Xlog:cds=off -Xlog:cds+dynamic=off"


def options(program: Path | None, jars: Sequence[str]) -> str:
    """Java's options for a session of this `java` with these jars on its class path; '' where there is no archive for
    it.
    """
    archive = archive_for(program, jars)
    return f'-XX:SharedArchiveFile="{archive}" -Xshare:auto {SILENT}' if archive and archive.is_file() else ""


def making(file: str) -> str:
    """Java's options for the session whose classes, at its end, become the archive `file`."""
    return f'-XX:ArchiveClassesAtExit="{file}" {SILENT}'


def archive_for(program: Path | None, jars: Sequence[str]) -> Path | None:
    """Where this Python environment keeps the archive for a `java`, Spark and these jars; None without Java or jars."""
    if program is None or not program.is_file() or not jars:
        return None
    return java.kept_folder() / f"classes-{fingerprint([program, *spark_jars(), *map(Path, jars)])}.jsa"


def spark_jars() -> list[Path]:
    """The jars of the installed Spark."""
    spec = find_spec("pyspark")
    return sorted((Path(spec.origin).parent / "jars").glob("*.jar")) if spec and spec.origin else []


def fingerprint(files: Sequence[Path]) -> str:
    """Changes with a name, a size or a time of these files, as Java's own check of its archive does."""
    states = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in (file.resolve() for file in files)]
    return hashlib.sha256(repr(states).encode()).hexdigest()[:12]


def make(jars: Sequence[str]) -> str:
    """Make the archive unless it is there; says in a few words what became of it. Sessions do without as well."""
    program = java.executable(java.java_home())
    archive = archive_for(program, jars)
    if program is None or archive is None or not can_archive(program):
        return "none, since this Java makes none; sessions start some seconds later"
    if works(program, archive):
        return f"already there: {archive}"
    if find_spec("pyarrow") is None:
        return "none, since pyarrow, which the rehearsal needs, is not installed; sessions start some seconds later"
    unfinished = archive.with_suffix(f".{os.getpid()}")
    failure = rehearse(unfinished)
    if failure or not works(program, unfinished):
        unfinished.unlink(missing_ok=True)
        return f"none, since the rehearsal failed; sessions start some seconds later\n{failure}".rstrip()
    os.replace(unfinished, archive)
    for outdated in set(java.kept_folder().glob("classes-*")) - {archive}:
        outdated.unlink()
    return f"made: {archive}"


def can_archive(program: Path) -> bool:
    """True where Java has the archive of its own classes, on which ours is built; runtimes made by jlink lack it."""
    return java.ask(str(program), "-Xshare:on", "-version") is not None


def works(program: Path, archive: Path) -> bool:
    """True when Java starts with it: it goes on where an archive does not fit, but Java 17 crashes on half a one."""
    return archive.is_file() and java.ask(str(program), f"-XX:SharedArchiveFile={archive}", "-version") is not None


def rehearse(file: Path) -> str:
    """Let a session do a little of everything and leave its classes in `file`; the end of its log where it failed."""
    command = [sys.executable, "-m", REHEARSAL, str(file)]
    try:
        # Java writes the archive after Python's end, and holds the pipe until it is done.
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=REHEARSAL_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as failed:
        return str(failed)
    return done.stdout[-2000:] if done.returncode else ""
